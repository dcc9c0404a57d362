// The grader: what passes, what fails, and that a crash or a wrong exit is a message like any other.
#include "course/grader.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

using namespace tenfold::course;

namespace {

struct Graded {
  int code = 0;
  std::string output;
};

/// grade() with its output caught.
Graded graded(const std::vector<Check>& checks, std::vector<std::string> words = {}) {
  words.insert(words.begin(), "grader");
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  FILE* file = std::tmpfile();
  std::fflush(stdout);
  const int kept = ::dup(1);
  ::dup2(::fileno(file), 1);
  Graded g;
  g.code = grade(static_cast<int>(argv.size()), argv.data(), "Title", checks);
  ::dup2(kept, 1);
  ::close(kept);
  std::rewind(file);
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) g.output.append(buffer, n);
  std::fclose(file);
  return g;
}

bool says(const Graded& g, const std::string& text) { return g.output.find(text) != std::string::npos; }

const Check good{"good", [] {}};

}  // namespace

TEST_CASE("all passed") {
  const Graded g = graded({good, {"also", [] { expect_close(1.0, 1.0 + 1e-9, 1e-6, "one"); }}});
  CHECK(g.code == 0);
  CHECK(g.output == "Title\n  ✔ good\n  ✔ also\n2 of 2 checks passed\n");
}

TEST_CASE("a failure says what was expected and what came") {
  const Graded g = graded({good, {"bad", [] { expect_close(2, 1, 0.1, "the weight", "Divide"); }}});
  CHECK(g.code == 1);
  CHECK(says(g, "  ✔ good\n"));
  CHECK(says(g, "  ✘ bad: the weight should be 1, got 2. Divide\n"));
  CHECK(says(g, "1 of 2 checks passed; mend the first"));
}

TEST_CASE("NaN, a wrong shape and a wrong length never pass") {
  CHECK(graded({{"nan", [] { expect_close(std::nan(""), 1, 1e9, "x"); }}}).code == 1);
  CHECK(says(graded({{"shape", [] { expect_close(Matrix(2, 3), Matrix(3, 2), 1, "y"); }}}), "y should have shape [3, 2], got [2, 3]"));
  CHECK(says(graded({{"length", [] { expect_close(std::vector<double>{1}, {1, 2}, 1, "z"); }}}), "z should have 2 entries, got 1"));
}

TEST_CASE("code that throws, crashes or ends the program") {
  CHECK(says(graded({{"throws", [] { throw std::out_of_range("Matrix: (5, 0) is outside of [4, 3]"); }}}),
             "✘ throws: your code threw: Matrix: (5, 0) is outside of [4, 3]"));
  CHECK(says(graded({{"odd", [] { throw 3; }}}), "threw something that is no std::exception"));
  const Graded crash = graded({{"crash", [] { ::raise(SIGSEGV); }}, good});
  CHECK(crash.code == 1);
  CHECK(says(crash, "✘ crash: your code crashed ("));
  CHECK(says(crash, "✔ good"));
  CHECK(says(graded({{"exit", [] { ::_exit(7); }}}), "✘ exit: your code ended the program with exit code 7"));
  CHECK(says(graded({{"exit", [] { ::_exit(0); }}}), "✘ exit: your code ended the program with exit code 0"));
  CHECK(says(graded({{"loop", [] { ::raise(SIGALRM); }}}), "did not come back"));
}

TEST_CASE("one check alone, and a command line that makes no sense") {
  CHECK(graded({good, {"bad", [] { wrong("no"); }}}, {"--only", "good"}).output == "Title\n  ✔ good\n1 of 1 checks passed\n");
  CHECK(graded({{"bad", [] { wrong("no"); }}}, {"--no-fork"}).code == 1);
  CHECK(graded({good}, {"--only", "other"}).code == 2);
  CHECK(graded({good}, {"--what"}).code == 2);
  CHECK(graded({}).code == 1);
}

TEST_CASE("a matrix checks its indices") {
  Matrix m{{1, 2}, {3, 4}};
  CHECK(m(1, 0) == 3);
  CHECK(m.shape() == "[2, 2]");
  CHECK_THROWS_AS(m(2, 0), std::out_of_range);
  CHECK_THROWS_AS(m(0, -1), std::out_of_range);
  CHECK_THROWS_AS((Matrix{{1, 2}, {3}}), std::out_of_range);
  CHECK_THROWS_AS(Matrix(-1, 2), std::out_of_range);
}

TEST_CASE("the numeric gradient of a square") {
  const auto g = numeric_gradient([](const std::vector<double>& x) { return x[0] * x[0] + 3 * x[1]; }, {2, 5});
  CHECK(g[0] == doctest::Approx(4));
  CHECK(g[1] == doctest::Approx(3));
}
