#include "course/grader.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/philox.hpp"

namespace tenfold::course {
namespace {

constexpr unsigned patience = 20;  // seconds a check may take

const std::string came_back =
    "came back: ";  // begins what a check's process sends, so that an exit(0) is no pass

struct Wrong {
  std::string message;
};

/// What is wrong, or "" when the check passes.
std::string run_here(const Check& check) {
  try {
    check.run();
    return "";
  } catch (const Wrong& w) {
    return w.message.empty() ? "something is wrong" : w.message;
  } catch (const std::exception& e) {
    return fmt::format("your code threw: {}", e.what());
  } catch (...) {
    return "your code threw something that is no std::exception";
  }
}

std::string died_of(int signal) {
  if (signal == SIGXCPU || signal == SIGALRM || signal == SIGKILL)
    return fmt::format("your code did not come back within {} seconds: is there a loop that never ends?", patience);
  return fmt::format("your code crashed ({}): look for an index outside of its vector", ::strsignal(signal));
}

std::string run_apart(const Check& check) {
  std::array<int, 2> pipe{};
  std::fflush(nullptr);
  if (::pipe(pipe.data()) != 0) return run_here(check);
  const pid_t child = ::fork();
  if (child < 0) return run_here(check);
  if (child == 0) {
    ::close(pipe[0]);
    ::alarm(patience);
    const std::string message = came_back + run_here(check);
    std::fflush(nullptr);
    const bool sent = ::write(pipe[1], message.data(), message.size()) == static_cast<ssize_t>(message.size());
    ::_exit(sent ? 0 : 1);
  }
  ::close(pipe[1]);
  std::string message;
  std::array<char, 512> buffer{};
  for (ssize_t n; (n = ::read(pipe[0], buffer.data(), buffer.size())) > 0;) message.append(buffer.data(), static_cast<std::size_t>(n));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return died_of(WTERMSIG(status));
  if (message.starts_with(came_back)) return message.substr(came_back.size());
  return fmt::format("your code ended the program with exit code {}", WEXITSTATUS(status));
}

std::string compare(double got, double want, double tolerance, const std::string& where, const std::string& hint) {
  if (std::abs(got - want) <= tolerance) return "";
  return fmt::format("{} should be {:.6g}, got {:.6g}{}{}", where, want, got, hint.empty() ? "" : ". ", hint);
}

}  // namespace

void wrong(const std::string& message) { throw Wrong{message}; }

void expect(bool holds, const std::string& message) {
  if (!holds) wrong(message);
}

void expect_close(double got, double want, double tolerance, const std::string& what, const std::string& hint) {
  if (const std::string c = compare(got, want, tolerance, what, hint); !c.empty()) wrong(c);
}

void expect_close(const Matrix& got, const Matrix& want, double tolerance, const std::string& what, const std::string& hint) {
  if (got.rows() != want.rows() || got.columns() != want.columns())
    wrong(fmt::format("{} should have shape {}, got {}", what, want.shape(), got.shape()));
  for (int r = 0; r < want.rows(); ++r)
    for (int c = 0; c < want.columns(); ++c)
      expect_close(got(r, c), want(r, c), tolerance, fmt::format("{} at ({}, {})", what, r, c), hint);
}

void expect_close(const std::vector<double>& got, const std::vector<double>& want, double tolerance,
                  const std::string& what, const std::string& hint) {
  if (got.size() != want.size())
    wrong(fmt::format("{} should have {} entries, got {}", what, want.size(), got.size()));
  for (std::size_t i = 0; i < want.size(); ++i)
    expect_close(got[i], want[i], tolerance, fmt::format("{} at {}", what, i), hint);
}

Matrix random_matrix(int rows, int columns, std::uint64_t seed) {
  Matrix m(rows, columns);
  PhiloxSequence random(seed);
  for (double& v : m.values()) v = random.normal();
  return m;
}

std::vector<double> random_vector(int size, std::uint64_t seed) { return random_matrix(1, size, seed).values(); }

std::vector<double> numeric_gradient(const std::function<double(const std::vector<double>&)>& f, std::vector<double> x,
                                     double epsilon) {
  std::vector<double> gradient(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i];
    x[i] = kept + epsilon;
    const double up = f(x);
    x[i] = kept - epsilon;
    gradient[i] = (up - f(x)) / (2 * epsilon);
    x[i] = kept;
  }
  return gradient;
}

int grade(int argc, char** argv, const std::string& title, const std::vector<Check>& checks) {
  std::string only;
  bool apart = true;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--no-fork") {
      apart = false;
    } else if (word == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else {
      std::fprintf(stderr, "usage: %s [--only CHECK] [--no-fork]\n", argv[0]);
      return 2;
    }
  }
  const auto named = [&](const Check& c) { return c.name == only; };
  if (!only.empty() && std::none_of(checks.begin(), checks.end(), named)) {
    std::fprintf(stderr, "there is no check \"%s\"; run without --only to see them\n", only.c_str());
    return 2;
  }
  std::printf("%s\n", title.c_str());
  int passed = 0, count = 0;
  for (const Check& check : checks) {
    if (!only.empty() && !named(check)) continue;
    ++count;
    const std::string message = apart ? run_apart(check) : run_here(check);
    passed += message.empty();
    std::printf("  %s %s%s%s\n", message.empty() ? "✔" : "✘", check.name.c_str(), message.empty() ? "" : ": ", message.c_str());
  }
  std::printf("%d of %d checks passed%s\n", passed, count, passed == count ? "" : "; mend the first that failed, then run again");
  std::fflush(stdout);
  return passed == count && count > 0 ? 0 : 1;
}

}  // namespace tenfold::course
