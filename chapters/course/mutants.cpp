// Proves a chapter's grader: the stub fails, the solution passes, and every mutant of the solution is failed by a named
// check with a message that says what was got wrong. A build tool, not part of the course's programs.
//
//   course_mutants join TABLE HEADER SOURCE OUT        the solution with each of the faults, as one file to compile
//   course_mutants prove TABLE STUB SOLUTION MUTANTS   runs the programs; the last line is "N passed, M failed"
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "course/mutant_sources.hpp"
#include "io/atomic_file.hpp"

using namespace tenfold;
using namespace tenfold::course;

namespace {

void join(const std::string& table, const std::string& header, const std::string& source, const std::string& out) {
  const auto mutants = read_mutants(table);
  const std::string declared = read_file(header), solution = read_file(source);
  std::string joined;
  try {
    joined = joined_mutants(mutants, declared, solution);
  } catch (const DataError& e) {
    throw DataError(fmt::format("{} with {}, {}: {}", source, header, table, e.what()));
  }
  write_file_atomically(out, joined);
}

struct Outcome {
  int code = -1;
  std::string output;
};

Outcome run(const std::string& program, const std::string& mutant = "") {
  Outcome o;
  FILE* pipe = ::popen(fmt::format("{}='{}' '{}' 2>&1", mutant_variable, mutant, program).c_str(), "r");
  if (!pipe) throw IoError("cannot run " + program);
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) o.output.append(buffer, n);
  const int status = ::pclose(pipe);
  o.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return o;
}

class Proof {
 public:
  void expect(const std::string& what, bool holds, const std::string& output) {
    ++(holds ? passed_ : failed_);
    std::cout << fmt::format("{:<72} {}\n", what, holds ? "ok" : "FAILED");
    if (!holds) std::cout << output << "\n";
  }
  int finish() const {
    std::cout << fmt::format("{} passed, {} failed\n", passed_, failed_);
    return failed_ == 0 ? 0 : 1;
  }

 private:
  int passed_ = 0, failed_ = 0;
};

/// The line of a check that failed, "" when it did not.
std::string failure_of(const std::string& output, const std::string& check) {
  std::istringstream in(output);
  for (std::string line; std::getline(in, line);)
    if (line.find("✘ " + check + ": ") != line.npos) return line;
  return "";
}

int prove(const std::string& table, const std::string& stub, const std::string& solution,
          const std::string& mutants) {
  Proof proof;
  const Outcome untouched = run(stub), done = run(solution);
  proof.expect("the stub fails, and says so", untouched.code == 1 && untouched.output.find("✘ ") != std::string::npos,
               untouched.output);
  proof.expect("the solution passes", done.code == 0 && done.output.find("✘ ") == std::string::npos, done.output);
  const auto all = read_mutants(table);
  proof.expect(fmt::format("there are at least four mutants ({})", all.size()), all.size() >= 4, "");
  for (const Mutant& m : all) {
    const Outcome o = run(mutants, m.id);
    const std::string line = failure_of(o.output, m.check);
    proof.expect(fmt::format("{:<24} failed by {}", m.id, m.check),
                 o.code == 1 && !line.empty() && line.find(m.message) != line.npos, o.output);
  }
  return proof.finish();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> a(argv + 1, argv + argc);
  try {
    if (a.size() == 5 && a[0] == "join") {
      join(a[1], a[2], a[3], a[4]);
      return 0;
    }
    if (a.size() == 5 && a[0] == "prove") return prove(a[1], a[2], a[3], a[4]);
  } catch (const Error& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  std::cerr << "usage: course_mutants join TABLE HEADER SOURCE OUT | prove TABLE STUB SOLUTION MUTANTS\n";
  return 2;
}
