/// @file
/// The log of a training run: a file of JSON lines, one object per event, each with a string "event" and
/// mostly a "step": {"event":"train","step":100,"loss":4.2,…}. Lines are appended and reach the system at
/// once, so that a plot can be made while the run goes on and a crash loses at most the line being written.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/descriptor.hpp"

namespace tenfold {

/// A log open to append.
class RunLog {
 public:
  /// Opens the log to append, creating it where it is missing. A torn last line, as a crash leaves it, is cut
  /// off. Throws IoError.
  explicit RunLog(std::filesystem::path path);

  /// Appends one event (an object). Values that JSON lacks (NaN, infinity) are written as null. Throws
  /// IoError; the log then holds all earlier lines and nothing of this one.
  void write(const nlohmann::ordered_json& event);

  /// Removes all events with "step" greater than `step`, so that a run resumed there continues as if it had
  /// never gone further; the other lines stay byte for byte. Throws IoError, or DataError if the log cannot
  /// be read.
  void truncate_after(std::int64_t step);

  /// As given.
  const std::filesystem::path& path() const { return path_; }

 private:
  void open();
  void mend_last_line();

  std::filesystem::path path_;
  Descriptor file_;
};

/// What a log holds.
struct RunLogContent {
  std::vector<nlohmann::json> events;  ///< in the file's order
  /// Set when the last line is torn and was left out: one line to report, naming the file.
  std::optional<std::string> warning;
};

/// Reads a log. Throws IoError, or DataError "PATH, line N: …" for a line (other than a torn last one) that
/// is not an event.
RunLogContent read_run_log(const std::filesystem::path& path);

}  // namespace tenfold
