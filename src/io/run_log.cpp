#include "io/run_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"

namespace tenfold {
namespace {

using Json = nlohmann::json;

/// The event on a line; nothing if it is not one.
std::optional<Json> parse_event(std::string_view line) {
  Json event = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!event.is_object() || !event.contains("event") || !event["event"].is_string()) return std::nullopt;
  return event;
}

using UseEvent = std::function<void(const Json& event, std::string_view line)>;

/// Calls `use` for each event of a log's `text`; `line` is without its newline. Returns the torn end, mostly
/// empty. A last line without newline is whole if it parses, since an object ends with its brace.
std::string_view for_each_event(std::string_view text, const fs::path& path, const UseEvent& use) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const auto event = parse_event(line);
    if (!event && end == text.npos) return text;
    if (!event)
      throw DataError(path.string() + ", line " + std::to_string(number) +
                      ": a run log holds one JSON object with a string \"event\" per line");
    use(*event, line);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return {};
}

bool is_after(const Json& event, std::int64_t step) {
  const auto found = event.find("step");
  return found != event.end() && found->is_number() && found->get<double>() > static_cast<double>(step);
}

off_t current_size(const Descriptor& file, const fs::path& path) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw_io_error("read", path, errno);
  return info.st_size;
}

}  // namespace

RunLog::RunLog(fs::path path) : path_(std::move(path)) { open(); }

void RunLog::open() {
  file_ = Descriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file_) throw_io_error("write", path_, errno);
  mend_last_line();
}

void RunLog::mend_last_line() {
  const std::string text = read_file(path_);
  const auto newline = text.rfind('\n');
  const std::size_t whole = newline == text.npos ? 0 : newline + 1;
  if (whole == text.size()) return;
  if (parse_event(std::string_view(text).substr(whole)))
    write_all(file_, bytes_of("\n"), path_);
  else if (::ftruncate(file_.get(), static_cast<off_t>(whole)) != 0)
    throw_io_error("write", path_, errno);
}

void RunLog::write(const nlohmann::ordered_json& event) {
  const std::string line = event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const off_t before = current_size(file_, path_);
  try {
    write_all(file_, bytes_of(line), path_);
  } catch (const IoError&) {
    [[maybe_unused]] const int ignored = ::ftruncate(file_.get(), before);
    throw;
  }
}

void RunLog::truncate_after(std::int64_t step) {
  const std::string text = read_file(path_);
  std::string kept;
  for_each_event(text, path_, [&](const Json& event, std::string_view line) {
    if (!is_after(event, step)) kept.append(line).push_back('\n');
  });
  if (kept == text) return;
  write_file_atomically(path_, kept);
  open();
}

RunLogContent read_run_log(const fs::path& path) {
  RunLogContent content;
  const std::string text = read_file(path);
  const std::string_view torn = for_each_event(
      text, path, [&](const Json& event, std::string_view) { content.events.push_back(event); });
  if (!torn.empty())
    content.warning = path.string() + ": the last line is incomplete (" + std::to_string(torn.size()) +
                      " bytes) and was left out";
  return content;
}

}  // namespace tenfold
