// The folder of a run: what is kept, what is pruned, and that kill -9 at any moment leaves `last` whole.
#include "io/checkpoint_store.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/temporary_folder.hpp"

using namespace tenfold;
using namespace tenfold::test;

namespace {

constexpr int files = 3;

/// Contents that tell whether they are whole and from one save: every file holds the same stamp many times
/// over.
void write_stamped(const fs::path& folder, unsigned stamp) {
  const std::string line = std::to_string(stamp) + "\n";
  for (int i = 0; i < files; ++i) {
    std::string text;
    for (unsigned n = 0; n < 2000 + stamp % 500; ++n) text += line;
    put(folder / ("part" + std::to_string(i)), text + "end " + std::to_string(text.size()));
  }
  put(folder / "model.safetensors", line);
}

/// The stamp of a checkpoint; nothing unless every file is whole and carries it.
std::optional<unsigned> stamp_of(const fs::path& folder) {
  const std::string line = get(folder / "model.safetensors");
  if (line.empty() || line.back() != '\n') return std::nullopt;
  for (int i = 0; i < files; ++i) {
    const std::string text = get(folder / ("part" + std::to_string(i)));
    const auto end = text.rfind("end ");
    if (end == text.npos || text.substr(end + 4) != std::to_string(end) || end % line.size() != 0)
      return std::nullopt;
    for (std::size_t at = 0; at < end; at += line.size())
      if (text.compare(at, line.size(), line) != 0) return std::nullopt;
  }
  return static_cast<unsigned>(std::stoul(line));
}

void save(CheckpointStore& store, std::int64_t step, unsigned stamp) {
  store.save(step, [&](const fs::path& folder) { write_stamped(folder, stamp); });
}

std::vector<std::int64_t> steps(const CheckpointStore& store) {
  std::vector<std::int64_t> out;
  for (const auto& checkpoint : store.checkpoints()) out.push_back(checkpoint.step);
  return out;
}

/// A process that has ended: its number belongs to nobody.
pid_t ended_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

/// Saves without end: new steps, the same step again, and a best now and then.
[[noreturn]] void save_for_ever(const fs::path& run, unsigned stamp) {
  try {
    CheckpointStore store(run, 2);
    for (;; ++stamp) {
      save(store, stamp / 3, stamp);
      if (stamp % 5 == 0) store.mark_best(stamp / 3);
    }
  } catch (const std::exception& error) {
    put(run / "failure", error.what());
    ::_exit(1);
  }
}

}  // namespace

TEST_CASE("a store keeps last, best and the newest, and nothing else") {
  TemporaryFolder folder;
  CheckpointStore store(folder / "a/run", 2);
  CHECK(!store.has_run());
  CHECK(!store.last());
  save(store, 100, 1);
  CHECK(store.has_run());
  store.mark_best(100);
  for (int step : {200, 300, 1'000'000'000}) save(store, step, static_cast<unsigned>(step));
  CHECK(steps(store) == std::vector<std::int64_t>{100, 300, 1'000'000'000});
  CHECK(store.best()->step == 100);
  CHECK(store.last()->step == 1'000'000'000);
  CHECK(store.last()->path == folder / "a/run/checkpoint-1000000000");
  CHECK(fs::read_symlink(folder / "a/run/best") == "checkpoint-00000100");
  store.mark_best(300);
  CHECK(steps(store) == std::vector<std::int64_t>{300, 1'000'000'000});
  CHECK(stamp_of(folder / "a/run/last") == 1'000'000'000u);
  CHECK(std::distance(fs::directory_iterator(folder / "a/run"), fs::directory_iterator()) == 4);
}

TEST_CASE("a step saved twice holds the second") {
  TemporaryFolder folder;
  CheckpointStore store(folder.path());
  save(store, 7, 1);
  save(store, 7, 2);
  CHECK(stamp_of(folder / "last") == 2u);
  CHECK(folder.count() == 2);
}

TEST_CASE("an older step saved later is last") {
  TemporaryFolder folder;
  CheckpointStore store(folder.path());
  save(store, 20, 1);
  save(store, 10, 2);
  CHECK(store.last()->step == 10);
  CHECK(steps(store) == std::vector<std::int64_t>{10, 20});
}

TEST_CASE("a save that fails leaves everything as it was") {
  TemporaryFolder folder;
  CheckpointStore store(folder.path());
  save(store, 1, 1);
  CHECK(message_of<IoError>([&] {
          store.save(2, [](const fs::path& temporary) {
            put(temporary / "half", "x");
            write_file_atomically("/dev/full", "x");
          });
        }) == "cannot write /dev/full: No space left on device");
  CHECK(stamp_of(folder / "last") == 1u);
  CHECK(folder.count() == 2);
  CHECK(message_of<IoError>([&] { store.mark_best(2); }).ends_with("as best: it is not there"));
  CHECK(!store.best());
}

TEST_CASE("leftovers of processes that are gone are removed, and only those") {
  TemporaryFolder folder;
  const std::string gone = std::to_string(ended_process());
  const std::string alive = std::to_string(::getppid());
  for (const std::string& name :
       {".checkpoint-00000001.tmp-" + gone, ".checkpoint-00000001.tmp-" + alive,
        ".checkpoint-00000002.old-" + gone, ".checkpoint-00000003.old-" + gone,
        std::string("checkpoint-00000003"), ".mine.tmp-" + gone, std::string("notes")}) {
    fs::create_directory(folder / name);
    put(folder / (name + "/inside"), name);
  }
  fs::create_symlink("checkpoint-00000001", folder / (".last.tmp-" + gone));
  CheckpointStore store(folder.path());
  CHECK(!fs::exists(folder / (".checkpoint-00000001.tmp-" + gone)));
  CHECK(!fs::is_symlink(folder / (".last.tmp-" + gone)));
  CHECK(fs::exists(folder / (".checkpoint-00000001.tmp-" + alive)));
  CHECK(get(folder / "checkpoint-00000002/inside") == ".checkpoint-00000002.old-" + gone);
  CHECK(get(folder / "checkpoint-00000003/inside") == "checkpoint-00000003");
  CHECK(fs::exists(folder / (".mine.tmp-" + gone)));
  CHECK(fs::exists(folder / "notes"));
  CHECK(folder.count() == 5);
}

TEST_CASE("kill -9 at any moment leaves last and best whole") {
  TemporaryFolder folder;
  std::mt19937 random(20240601);
  unsigned stamp = 1;
  int seen = 0, silent = 0;
  // How long a child lives is drawn anew each time, up to a bound that learns from what the children managed, so that
  // kills fall into all parts of a save on any disk, however busy: no clock decides whether this test passes.
  std::chrono::duration<double> bound = std::chrono::milliseconds(2);
  for (int round = 0; round < 60 || stamp <= 60 || seen <= 60; ++round) {
    const pid_t child = ::fork();
    if (child == 0) save_for_ever(folder.path(), stamp);
    std::this_thread::sleep_for(bound * std::uniform_real_distribution(0.0, 1.0)(random));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK_MESSAGE(!fs::exists(folder / "failure"), get(folder / "failure"));
    const unsigned before = stamp;
    for (const char* link : {"last", "best"}) {
      if (!fs::is_symlink(folder / link)) continue;
      const auto found = stamp_of(folder / link);
      REQUIRE_MESSAGE(found, "round " << round << ": " << link << " is not whole");
      stamp = std::max(stamp, *found + 1);
      ++seen;
    }
    const unsigned saves = stamp - before;
    bound *= saves < 2 ? 1.25 : saves > 4 ? 0.8 : 1.0;
    silent = saves == 0 ? silent + 1 : 0;
    REQUIRE_MESSAGE(silent < 100, "100 children in a row saved nothing");
  }
  const CheckpointStore store(folder.path(), 2);
  for (const auto& checkpoint : store.checkpoints()) CHECK(stamp_of(checkpoint.path));
  for (const auto& entry : fs::directory_iterator(folder.path()))
    CHECK(entry.path().filename().string().front() != '.');
}

TEST_CASE("a run folder that cannot be made or written is named") {
  TemporaryFolder folder;
  put(folder / "file", "x");
  CHECK(message_of<IoError>([&] { CheckpointStore(folder / "file"); }) ==
        "cannot create run folder " + (folder / "file").string() + ": Not a directory");
  CHECK(message_of<IoError>([&] { CheckpointStore(folder / "file/run"); }) ==
        "cannot create run folder " + (folder / "file/run").string() + ": Not a directory");
  CHECK(message_of<IoError>([&] {
          CheckpointStore("/proc/run");
        }).starts_with("cannot create run folder /proc/run: "));
}

TEST_CASE("a checkpoint is found by its folder or by its run") {
  TemporaryFolder folder;
  const auto missing = [&](const fs::path& path) {
    return message_of<IoError>([&] { resolve_checkpoint(path); }) ==
           "no checkpoint in " + path.string() + ": expected model.safetensors or best/last";
  };
  CHECK(missing(folder.path()));
  CHECK(missing(folder / "none"));
  CheckpointStore store(folder.path(), 3);
  save(store, 1, 1);
  save(store, 2, 2);
  const fs::path first = folder / "checkpoint-00000001";
  const fs::path second = folder / "checkpoint-00000002";
  CHECK(resolve_checkpoint(folder.path()) == second);
  store.mark_best(1);
  CHECK(resolve_checkpoint(folder.path()) == first);
  CHECK(resolve_checkpoint(second) == second);
  CHECK(resolve_checkpoint(folder / "last") == second);
  fs::remove_all(first);
  CHECK(resolve_checkpoint(folder.path()) == second);
}
