/// @file
/// The grader: runs a reader's code through named checks and says what went wrong, in words.
///
/// Each check runs in a process of its own, so that a crash or an endless loop is a message like any other. A check
/// passes when it returns; wrong() and the expect_… functions end it with what the reader got wrong.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "course/matrix.hpp"

namespace tenfold::course {

/// One thing that the reader's code must do.
struct Check {
  std::string name;  ///< "rows_sum_to_one": what --only takes, and what the table of mutants names
  std::function<void()> run;  ///< returns when all is well
};

/// Ends the running check. One line that tells the reader what is wrong and where to look.
[[noreturn]] void wrong(const std::string& message);
/// wrong(message) unless `holds`.
void expect(bool holds, const std::string& message);
/// |got - want| <= tolerance; NaN never passes. `what` begins the message: "the weight of key 2".
void expect_close(double got, double want, double tolerance, const std::string& what, const std::string& hint = "");
/// The same for every entry, and for the shape.
void expect_close(const Matrix& got, const Matrix& want, double tolerance, const std::string& what,
                  const std::string& hint = "");
/// The same for vectors.
void expect_close(const std::vector<double>& got, const std::vector<double>& want, double tolerance,
                  const std::string& what, const std::string& hint = "");

/// Standard normal entries, a function of the seed.
Matrix random_matrix(int rows, int columns, std::uint64_t seed);
/// The same for a vector.
std::vector<double> random_vector(int size, std::uint64_t seed);

/// The gradient of `f` at `x` by central differences: what a hand-derived backward is held against.
std::vector<double> numeric_gradient(const std::function<double(const std::vector<double>&)>& f, std::vector<double> x,
                                     double epsilon = 1e-5);

/// Runs the checks (all, or --only NAME; in this process with --no-fork, for a debugger) and prints a line for each. The
/// program's exit code: 0 when all passed, 1 when one did not, 2 for a command line that makes no sense.
int grade(int argc, char** argv, const std::string& title, const std::vector<Check>& checks);

}  // namespace tenfold::course
