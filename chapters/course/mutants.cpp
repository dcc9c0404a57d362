// Proves a chapter's grader: the stub fails, the solution passes, and every mutant of the solution is failed by a named
// check with a message that says what was got wrong. A build tool, not part of the course's programs.
//
//   course_mutants write TABLE ID SOURCE OUT    the solution with one fault, as a file to compile
//   course_mutants prove TABLE STUB SOLUTION MUTANT_PREFIX
//                                               runs the programs; the last line is "N passed, M failed"
//
// The table: blocks of "key value" lines; # begins a comment.
//   mutant ID             breaks WHAT THE FAULT IS
//   find   TEXT           occurs exactly once in the solution; \n is a line break
//   write  TEXT           stands in its place; may be empty
//   fails  CHECK: TEXT    the check that must fail, and a part of its message
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"

using namespace tenfold;

namespace {

struct Mutant {
  std::string id, breaks, find, write, check, message;
};

std::string with_line_breaks(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != text.npos; ++at) text.replace(at, 2, "\n");
  return text;
}

void set(Mutant& m, const std::string& key, const std::string& value, const std::string& where) {
  if (key == "breaks") {
    m.breaks = value;
  } else if (key == "find") {
    m.find = with_line_breaks(value);
  } else if (key == "write") {
    m.write = with_line_breaks(value);
  } else if (key == "fails") {
    const auto colon = value.find(": ");
    if (colon == value.npos) throw DataError(where + ": \"fails\" must be CHECK: TEXT");
    m.check = value.substr(0, colon);
    m.message = value.substr(colon + 2);
  } else {
    throw DataError(where + ": unknown key \"" + key + "\"");
  }
}

std::vector<Mutant> read_table(const std::string& path) {
  std::vector<Mutant> all;
  std::istringstream in(read_file(path));
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = fmt::format("{}:{}", path, ++number);
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.find(' ');
    const std::string key = line.substr(0, space);
    const auto begin = space == line.npos ? line.npos : line.find_first_not_of(' ', space);
    const std::string value = begin == line.npos ? "" : line.substr(begin);
    if (key == "mutant")
      all.push_back({value, "", "", "", "", ""});
    else if (all.empty())
      throw DataError(where + ": the table must begin with a mutant");
    else
      set(all.back(), key, value, where);
  }
  for (const Mutant& m : all)
    if (m.breaks.empty() || m.find.empty() || m.check.empty())
      throw DataError(path + ": the mutant " + m.id + " lacks one of breaks, find, fails");
  return all;
}

void write_mutant(const std::string& table, const std::string& id, const std::string& source, const std::string& out) {
  for (const Mutant& m : read_table(table)) {
    if (m.id != id) continue;
    std::string text = read_file(source);
    const auto at = text.find(m.find);
    if (at == text.npos || text.find(m.find, at + 1) != text.npos)
      throw DataError(fmt::format("{}: what the mutant {} replaces must occur exactly once in {}", table, id, source));
    write_file_atomically(out, text.replace(at, m.find.size(), m.write));
    return;
  }
  throw DataError(table + ": there is no mutant " + id);
}

struct Outcome {
  int code = -1;
  std::string output;
};

Outcome run(const std::string& program) {
  Outcome o;
  FILE* pipe = ::popen(("'" + program + "' 2>&1").c_str(), "r");
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

int prove(const std::string& table, const std::string& stub, const std::string& solution, const std::string& prefix) {
  Proof proof;
  const Outcome untouched = run(stub), done = run(solution);
  proof.expect("the stub fails, and says so", untouched.code == 1 && untouched.output.find("✘ ") != std::string::npos,
               untouched.output);
  proof.expect("the solution passes", done.code == 0 && done.output.find("✘ ") == std::string::npos, done.output);
  const auto mutants = read_table(table);
  proof.expect(fmt::format("there are at least four mutants ({})", mutants.size()), mutants.size() >= 4, "");
  for (const Mutant& m : mutants) {
    const Outcome o = run(prefix + m.id);
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
    if (a.size() == 5 && a[0] == "write") return write_mutant(a[1], a[2], a[3], a[4]), 0;
    if (a.size() == 5 && a[0] == "prove") return prove(a[1], a[2], a[3], a[4]);
  } catch (const Error& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  std::cerr << "usage: course_mutants write TABLE ID SOURCE OUT | prove TABLE STUB SOLUTION MUTANT_PREFIX\n";
  return 2;
}
