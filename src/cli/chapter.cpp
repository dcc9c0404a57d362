// tenfold chapter N: runs the experiment of a chapter, a program of its own that stands beside this one.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "cli/commands.hpp"
#include "core/errors.hpp"

namespace tenfold::cli {
namespace fs = std::filesystem;
namespace {

fs::path experiment_of(int number) {
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error);
  if (error) throw IoError("cannot find out where this program stands: " + error.message());
  return own.parent_path() / "chapters" / fmt::format("chapter_{:02}", number);
}

void run(int number, const std::vector<std::string>& options) {
  if (number == 0) {
    const bool asked = std::find_if(options.begin(), options.end(), [](const std::string& word) {
                         return word == "-h" || word == "--help";
                       }) != options.end();
    if (!asked) throw UsageError("which chapter? tenfold chapter N, with N from 1 to 10");
    return print_line("tenfold chapter N [OPTIONS]: runs the experiment of chapter N, 1 to 10; tenfold chapter 3 --help lists its options");
  }
  const fs::path program = experiment_of(number);
  if (!fs::exists(program))
    throw UsageError(fmt::format("chapter {0} is not built; in the project's folder:  make chapter N={0}", number));
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  throw IoError(fmt::format("cannot run {}: {}", program.string(), std::strerror(errno)));
}

}  // namespace

void add_chapter(CLI::App& app) {
  auto* command = app.add_subcommand("chapter", "run a chapter's experiment: chapter 3 --predict 0.9 --break no-scale (chapter 3 --help says more)");
  const auto number = std::make_shared<int>(0);
  command->add_option("number", *number, "which chapter, 1 to 10")->check(CLI::Range(1, 10));
  // What follows the number belongs to the experiment, its --help too.
  command->prefix_command();
  command->set_help_flag();
  command->callback([command, number] { run(*number, command->remaining()); });
}

}  // namespace tenfold::cli
