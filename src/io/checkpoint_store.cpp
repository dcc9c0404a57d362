#include "io/checkpoint_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

#include "core/errors.hpp"
#include "io/descriptor.hpp"

namespace tenfold {
namespace {

constexpr std::string_view prefix = "checkpoint-";

std::string name_of_step(std::int64_t step) { return fmt::format("{}{:08}", prefix, step); }

/// ".checkpoint-00001200.tmp-4711": what process 4711 is writing, or removing. ".old-" is a checkpoint set
/// aside.
fs::path hidden_name(std::string_view name, std::string_view kind) {
  return fmt::format(".{}.{}-{}", name, kind, ::getpid());
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number < 0)
    return std::nullopt;
  return number;
}

std::optional<std::int64_t> step_of(std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  const auto step = parse_number<std::int64_t>(name.substr(prefix.size()));
  return step && name == name_of_step(*step) ? step : std::nullopt;
}

/// A hidden name taken apart; nothing if the name is not one of ours.
struct Leftover {
  std::string name;
  std::string kind;
  pid_t process;
};
std::optional<Leftover> parse_leftover(std::string_view name) {
  const auto dash = name.rfind('-');
  const auto dot = name.rfind('.');
  if (!name.starts_with(".") || dash == name.npos || dot == name.npos || dot == 0 || dash < dot)
    return std::nullopt;
  const auto process = parse_number<pid_t>(name.substr(dash + 1));
  Leftover found{std::string(name.substr(1, dot - 1)), std::string(name.substr(dot + 1, dash - dot - 1)),
                 process.value_or(0)};
  const bool ours = found.name == "last" || found.name == "best" || step_of(found.name);
  if (!process || !ours || (found.kind != "tmp" && found.kind != "old")) return std::nullopt;
  return found;
}

bool is_gone(pid_t process) {
  // A process that finds its own number on a leftover has inherited it, as happens to process 1 of a
  // container.
  return process == ::getpid() || (::kill(process, 0) != 0 && errno == ESRCH);
}

void rename_or_throw(const fs::path& from, const fs::path& to, std::string_view verb) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_io_error(verb, to, errno);
}

/// Removes a folder or link; what cannot be removed stays hidden and is tried again by the next process.
void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

void sync_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw_io_error("write", path, errno);
  sync(file, path);
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    entries.push_back(it->path());
  if (error) throw_io_error("read", folder, error.value());
  return entries;
}

void sync_tree(const fs::path& folder) {
  std::error_code error;
  for (const fs::path& entry : entries_of(folder)) {
    if (fs::is_directory(entry, error))
      sync_tree(entry);
    else if (fs::is_regular_file(entry, error))
      sync_file(entry);
  }
  sync_folder(folder);
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  // create_directories is content with a file of that name in some versions of the library.
  if (!error && !fs::is_directory(folder, error)) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw_io_error("create run folder", folder, error.value());
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) throw_io_error("write to run folder", folder, errno);
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path run_folder, std::size_t keep)
    : folder_(std::move(run_folder)), keep_(keep) {
  make_folder(folder_);
  remove_leftovers();
}

void CheckpointStore::remove_leftovers() const {
  for (const fs::path& entry : entries_of(folder_)) {
    const auto found = parse_leftover(entry.filename().string());
    if (!found || !is_gone(found->process)) continue;
    const fs::path whole = folder_ / found->name;
    std::error_code error;
    // Killed between setting a checkpoint aside and putting its replacement there: the old one comes back.
    if (found->kind == "old" && !fs::exists(fs::symlink_status(whole, error)))
      rename_or_throw(entry, whole, "restore");
    else
      remove_quietly(entry);
  }
}

void CheckpointStore::save(std::int64_t step, const std::function<void(const fs::path&)>& write_contents) {
  const fs::path temporary = folder_ / hidden_name(name_of_step(step), "tmp");
  remove_quietly(temporary);
  std::error_code error;
  if (!fs::create_directory(temporary, error))
    throw_io_error("write", temporary, error ? error.value() : EEXIST);
  try {
    write_contents(temporary);
    sync_tree(temporary);
    put_in_place(temporary, step);
  } catch (...) {
    remove_quietly(temporary);
    throw;
  }
  swing("last", step);
  prune();
}

void CheckpointStore::put_in_place(const fs::path& temporary, std::int64_t step) const {
  const fs::path place = folder_ / name_of_step(step);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(place, error))) {
    rename_or_throw(temporary, place, "write");
  } else if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) == 0) {
    remove_quietly(temporary);
  } else {
    // A file system that cannot swap two folders (NFS): for a moment there is none, which remove_leftovers
    // mends.
    const fs::path aside = folder_ / hidden_name(name_of_step(step), "old");
    rename_or_throw(place, aside, "replace");
    rename_or_throw(temporary, place, "write");
    remove_quietly(aside);
  }
  sync_folder(folder_);
}

void CheckpointStore::swing(const char* link, std::int64_t step) const {
  const fs::path temporary = folder_ / hidden_name(link, "tmp");
  remove_quietly(temporary);
  if (::symlink(name_of_step(step).c_str(), temporary.c_str()) != 0)
    throw_io_error("write", folder_ / link, errno);
  if (::rename(temporary.c_str(), (folder_ / link).c_str()) != 0) {
    const int error = errno;
    remove_quietly(temporary);
    throw_io_error("write", folder_ / link, error);
  }
  sync_folder(folder_);
}

void CheckpointStore::mark_best(std::int64_t step) {
  std::error_code error;
  const fs::path place = folder_ / name_of_step(step);
  if (!fs::is_directory(place, error))
    throw IoError("cannot mark " + place.string() + " as best: it is not there");
  swing("best", step);
  prune();
}

void CheckpointStore::prune() const {
  const auto all = checkpoints();
  const auto last = target_of("last");
  const auto best = target_of("best");
  const std::size_t old = all.size() > keep_ ? all.size() - keep_ : 0;
  for (std::size_t i = 0; i < old; ++i) {
    if ((last && last->step == all[i].step) || (best && best->step == all[i].step)) continue;
    // Renamed first: a checkpoint that is half removed must not look like one.
    const fs::path doomed = folder_ / hidden_name(name_of_step(all[i].step), "tmp");
    rename_or_throw(all[i].path, doomed, "remove");
    remove_quietly(doomed);
  }
}

std::vector<CheckpointStore::Checkpoint> CheckpointStore::checkpoints() const {
  std::vector<Checkpoint> found;
  std::error_code error;
  for (const fs::path& entry : entries_of(folder_))
    if (const auto step = step_of(entry.filename().string()); step && fs::is_directory(entry, error))
      found.push_back({*step, entry});
  std::sort(found.begin(), found.end(),
            [](const Checkpoint& a, const Checkpoint& b) { return a.step < b.step; });
  return found;
}

std::optional<CheckpointStore::Checkpoint> CheckpointStore::target_of(const char* link) const {
  std::error_code error;
  const fs::path target = fs::read_symlink(folder_ / link, error);
  if (error) return std::nullopt;
  const auto step = step_of(target.string());
  if (!step || !fs::is_directory(folder_ / target, error)) return std::nullopt;
  return Checkpoint{*step, folder_ / target};
}

fs::path resolve_checkpoint(const fs::path& path) {
  std::error_code error;
  for (const char* link : {"", "best", "last"}) {
    const fs::path place = *link ? path / link : path;
    if (!fs::exists(place / "model.safetensors", error)) continue;
    const fs::path target = fs::read_symlink(place, error);
    if (error) return place;
    return target.is_absolute() ? target : place.parent_path() / target;
  }
  throw IoError("no checkpoint in " + path.string() + ": expected model.safetensors or best/last");
}

}  // namespace tenfold
