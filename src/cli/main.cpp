/// @file
/// The `tenfold` command. Exit code 0: done; 1: something failed, one line on standard error says what; 2: the command
/// line makes no sense; 130 (Ctrl-C) or 143 (SIGTERM): training was interrupted and saved.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <new>

#include "cli/commands.hpp"
#include "core/errors.hpp"
#include "translate/settings.hpp"

namespace {

using namespace tenfold;

// What the user typed that is close to something there is.
std::string hint(const CLI::App& app, int argc, char** argv) {
  if (argc < 2) return "";
  std::vector<std::string> names;
  const CLI::App* command = nullptr;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
    if (sub->get_name() == argv[1]) command = sub;
  }
  if (!command) return argv[1][0] == '-' ? "" : suggestion(argv[1], names);
  std::vector<std::string> flags;
  for (const CLI::Option* option : command->get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  for (int i = 2; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (word.starts_with("--") && std::find(flags.begin(), flags.end(), word) == flags.end())
      return suggestion(word, flags);
  }
  return "";
}

// What is wrong with the command line. CLI11 would not name the word that is no command.
std::string complaint(const CLI::App& app, const CLI::ParseError& error, char** argv) {
  const std::string first = argv[1];
  const auto known = app.get_subcommands([&](const CLI::App* c) { return c->get_name() == first; });
  if (!known.empty()) return error.what();
  if (first.starts_with("-")) return "there is no flag \"" + first + "\" here; a command comes first";
  return "there is no command \"" + first + "\"";
}

// Standard streams that are closed get their numbers back before a file takes one and is written into. They still
// fail when used: 0 cannot be read, 1 and 2 cannot be written.
void reserve_standard_streams() {
  for (int stream : {0, 1, 2})
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY) < 0) break;
}

int run(int argc, char** argv) {
  if (argc > 0) cli::set_program_name(argv[0]);
  CLI::App app{"tenfold: a small Transformer engine that trains a translator and shows how it works"};
  app.set_version_flag("--version", "tenfold 0.1.0");
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  for (auto* add : {cli::add_demo, cli::add_train, cli::add_translate, cli::add_score, cli::add_evaluate,
                    cli::add_average, cli::add_info, cli::add_corpus, cli::add_gradcheck, cli::add_plot,
                    cli::add_chapter})
    add(app);
  try {
    app.parse(argc, argv);
    cli::flush_output();
  } catch (const CLI::Success& e) {
    const int code = app.exit(e);
    if (!std::cout.flush()) throw IoError("cannot write standard output");
    return code;
  } catch (const CLI::RuntimeError& e) {
    return e.get_exit_code();  // a command that has said what there is to say
  } catch (const CLI::ParseError& e) {
    if (argc < 2) {
      cli::say(app.help());
      return 2;
    }
    cli::warn(complaint(app, e, argv) + hint(app, argc, argv) + " (see tenfold --help)");
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  reserve_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe shows as an error of the write
  std::signal(SIGXFSZ, SIG_IGN);  // and so does a limit on file sizes
  try {
    return run(argc, argv);
  } catch (const UsageError& e) {
    cli::warn(e.what());
    return 2;
  } catch (const Error& e) {
    cli::warn(e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    cli::warn(fmt::format("{}: {}", e.path1().string(), e.code().message()));
  } catch (const std::bad_alloc&) {
    cli::warn("out of memory");
  } catch (const std::exception& e) {
    cli::warn(fmt::format("this should not have happened, please report it: {}", e.what()));
  }
  return 1;
}
