/// @file
/// The subcommands of `tenfold`. Each add_… declares its options on the app and, when it is chosen, runs.
/// Results go to standard output, everything else to standard error.
#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "backend/kernels.hpp"

namespace tenfold::cli {

void add_demo(CLI::App& app);
void add_train(CLI::App& app);
void add_translate(CLI::App& app);
void add_score(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_average(CLI::App& app);
void add_info(CLI::App& app);
void add_corpus(CLI::App& app);
void add_gradcheck(CLI::App& app);
void add_plot(CLI::App& app);
void add_chapter(CLI::App& app);

/// Ends a command that a signal stopped: the program's exit code is 128 + signal, as the shell has it.
[[noreturn]] void end_interrupted(int signal);

/// --device and --threads, which every command that computes has.
struct DeviceOptions {
  std::string device = "auto";
  int threads = 0;
  void declare(CLI::App& command);
  /// The device; where "auto" passes over a card that is there, a warning says why.
  std::unique_ptr<Kernels> make() const;
};

/// Writes one line to standard output. Throws IoError when it cannot be written (a full disk); a pipe that was closed
/// ends the program quietly, as SIGPIPE would.
void print_line(const std::string& line);
/// Pushes out what print_line() wrote.
void flush_output();
/// Writes to standard error. That nobody reads it is no reason to stop: a failure is passed over.
void say(const std::string& text);
/// Accepts whole numbers from 0 to the largest a 64-bit integer holds. CLI11 itself would read -1 as the largest unsigned
/// number and cut one that is too large, and its own check would answer with 300 digits.
CLI::Validator whole_number();
/// The program as it was called, for hints that can be pasted.
const std::string& program_name();
void set_program_name(std::string name);
/// One line on standard error, "tenfold: TEXT"; line breaks within the text become spaces.
void warn(std::string text);

}  // namespace tenfold::cli
