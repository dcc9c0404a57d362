#include "cli/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <utility>

namespace tenfold::test {
namespace fs = std::filesystem;
namespace {

// Only so that a command that hangs fails the test instead of stopping it.
constexpr auto patience = std::chrono::seconds(300);

pid_t start(std::vector<std::string> words, posix_spawn_file_actions_t& actions) {
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  if (posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0)
    throw std::runtime_error("cannot start " + words[0]);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

/// The status of the process when it has ended; it is killed when patience is at its end.
int reap(pid_t pid) {
  const auto start = std::chrono::steady_clock::now();
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() - start > patience) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return status;
}

Result run(const std::vector<std::string>& words, std::string_view input) {
  const TemporaryFolder folder;
  put(folder / "in", input);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, (folder / "in").c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, (folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, (folder / "err").c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  const int status = reap(start(words, actions));
  return {exit_code(status), get(folder / "out"), get(folder / "err")};
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, (folder_ / "err").c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  pid_ = start(std::vector<std::string>{TENFOLD_COMMAND} + arguments, actions);
  ::close(in[0]);
  ::close(out[1]);
  input_ = in[1];
  output_ = out[0];
}

Process::~Process() {
  if (running()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
  }
  close_input();
  ::close(output_);
}

bool Process::running() {
  if (!reaped_ && ::waitpid(pid_, &status_, WNOHANG) != 0) reaped_ = true;
  return !reaped_;
}

void Process::write(std::string_view text) {
  if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("pipe");
}

void Process::close_input() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

std::string Process::read_line() {
  while (true) {
    if (const auto end = pending_.find('\n'); end != std::string::npos) {
      const std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    pollfd waiting{output_, POLLIN, 0};
    char bytes[4096];
    if (::poll(&waiting, 1, 300'000) != 1) return "(nothing came)";
    const ssize_t count = ::read(output_, bytes, sizeof bytes);
    if (count <= 0) return std::exchange(pending_, "");
    pending_.append(bytes, static_cast<std::size_t>(count));
  }
}

bool Process::wait_for_error(std::string_view text) {
  const auto start = std::chrono::steady_clock::now();
  while (get(folder_ / "err").find(text) == std::string::npos) {
    if (!running() || std::chrono::steady_clock::now() - start > patience) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void Process::send(int signal) {
  if (running()) ::kill(pid_, signal);
}

Result Process::wait() {
  close_input();
  Result result;
  for (std::string line = read_line(); !line.empty(); line = read_line()) result.output += line + "\n";
  if (!reaped_) status_ = reap(pid_);
  reaped_ = true;
  result.exit_code = exit_code(status_);
  result.errors = get(folder_ / "err");
  return result;
}

Result run_tenfold(const std::vector<std::string>& arguments, std::string_view input) {
  return run(std::vector<std::string>{TENFOLD_COMMAND} + arguments, input);
}

Result shell(const std::string& script) {
  ::setenv("T", TENFOLD_COMMAND, 1);
  return run({"/bin/sh", "-c", script}, "");
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(end == text.npos ? text.substr(at) + "(no newline)" : text.substr(at, end - at));
    at = end == text.npos ? text.size() : end + 1;
  }
  return lines;
}

std::string error_of(const Result& result) {
  const std::string mark = "tenfold: ";
  const auto lines = lines_of(result.errors);
  std::size_t marked = 0;
  for (const std::string& line : lines) marked += line.starts_with(mark);
  if (marked != 1 || !lines.back().starts_with(mark))
    return "(not one error line at the end) " + result.errors;
  return lines.back().substr(mark.size());
}

const std::vector<std::string>& small_flags() {
  static const std::vector<std::string> flags{
      "--model-dim",      "16",   "--heads",          "2",   "--feed-forward-dim",  "32",
      "--encoder-layers", "1",    "--decoder-layers", "1",   "--vocabulary",        "150",
      "--max-length",     "64",   "--batch-tokens",   "512", "--validation-sample", "5",
      "--learning-rate",  "0.02", "--warmup",         "5",   "--threads",           "1"};
  return flags;
}

const fs::path& small_run() {
  static const TemporaryFolder folder;
  static const fs::path run = [] {
    const fs::path path = folder / "run";
    const Result r = run_tenfold(
        std::vector<std::string>{"train", "--builtin", "300", "--out", path, "--epochs", "2", "--keep", "5"} +
        small_flags());
    if (r.exit_code != 0) throw std::runtime_error("the small run failed: " + r.errors);
    return path;
  }();
  return run;
}

fs::path copy_of_run(const TemporaryFolder& folder) {
  const fs::path copy = folder / "run";
  fs::copy(small_run(), copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  return copy;
}

}  // namespace tenfold::test
