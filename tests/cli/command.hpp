/// @file
/// Running the built command and looking at what it says.
#pragma once
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "io/temporary_folder.hpp"

namespace tenfold::test {

/// What became of a process.
struct Result {
  int exit_code = -1;  ///< -1 when a signal ended it (or it had to be stopped for taking minutes)
  std::string output, errors;
};

/// A process under way, with pipes to its input and from its output; standard error goes to a file.
class Process {
 public:
  /// Starts `tenfold ARGUMENTS`.
  explicit Process(const std::vector<std::string>& arguments);
  /// Kills and reaps it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void write(std::string_view text);
  void close_input();
  /// The next line of output without its end; empty at the end of the output.
  std::string read_line();
  /// Waits until standard error holds `text`; false when the process ends without.
  bool wait_for_error(std::string_view text);
  void send(int signal);
  /// Waits for the end. The rest of the output is read.
  Result wait();

 private:
  bool running();

  TemporaryFolder folder_;
  int pid_ = -1, input_ = -1, output_ = -1, status_ = 0;
  bool reaped_ = false;
  std::string pending_;
};

/// Runs `tenfold ARGUMENTS` with this standard input.
Result run_tenfold(const std::vector<std::string>& arguments, std::string_view input = "");
/// Runs a script of sh in which $T is the command.
Result shell(const std::string& script);

/// The lines of a text, without their ends. A last line that has no end is marked "(no newline)".
std::vector<std::string> lines_of(const std::string& text);
/// The one line that begins "tenfold: ", without that; a complaint when there is none, or another, or it is
/// not last.
std::string error_of(const Result& result);

/// A run of a small model, trained once on 300 pairs of the built-in corpus, two epochs; nobody may change
/// it.
const std::filesystem::path& small_run();
/// The flags of that model, for runs of a test's own.
const std::vector<std::string>& small_flags();
/// A copy of small_run() in `folder`.
std::filesystem::path copy_of_run(const TemporaryFolder& folder);

inline std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace tenfold::test
