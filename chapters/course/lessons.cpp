// Fills the marked regions of lessons and pages, so that no number and no snippet in them is typed:
//
//   course_lessons [--check] FILE.md...
//
//   <!--= NAME -->0.83<!--/-->                          the fact NAME of results.json beside the page
//   <!-- begin table NAME --> … <!-- end -->             a table of it
//   <!-- begin claims --> … <!-- end -->                 its claims, as a list
//   <!-- begin code FILE REGION --> … <!-- end -->       what stands between "// [REGION]" and "// [/REGION]" in FILE, a
//                                                        path from the page's folder
//
// With --check nothing is written, and the exit code is 1 when a page does not hold what it should.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "course/report.hpp"
#include "io/atomic_file.hpp"

namespace fs = std::filesystem;
using namespace tenfold;
using namespace tenfold::course;

namespace {

class Page {
 public:
  explicit Page(fs::path path) : path_(std::move(path)), folder_(path_.parent_path()) {
    const fs::path results = folder_ / "results.json";
    if (fs::exists(results)) report_ = report_from_json(read_file(results), results.string());
  }

  /// The page with every region filled anew.
  std::string filled() const { return with_blocks(with_facts(read_file(path_))); }
  const fs::path& path() const { return path_; }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw DataError(path_.string() + ": " + what); }
  const Report& report() const {
    if (!report_) fail("there is no results.json beside it; run the experiment with --out " + folder_.string());
    return *report_;
  }

  std::string with_facts(const std::string& text) const {
    static const std::string open = "<!--=", close = "-->", end = "<!--/-->";
    std::string out;
    std::size_t at = 0;
    for (std::size_t next; (next = text.find(open, at)) != text.npos;) {
      const auto named = text.find(close, next), stop = text.find(end, next);
      if (named == text.npos || stop == text.npos || stop < named) fail("a fact is not closed by " + end);
      std::string name = text.substr(next + open.size(), named - next - open.size());
      name.erase(0, name.find_first_not_of(' '));
      name.erase(name.find_last_not_of(' ') + 1);
      out += text.substr(at, named + close.size() - at) + fact(name) + end;
      at = stop + end.size();
    }
    return out + text.substr(at);
  }

  std::string fact(const std::string& name) const {
    for (const Fact& f : report().facts)
      if (f.name == name) return f.text;
    fail("results.json has no fact " + name);
  }

  std::string with_blocks(const std::string& text) const {
    static const std::string open = "<!-- begin ", end = "<!-- end -->";
    std::string out;
    std::size_t at = 0;
    for (std::size_t next; (next = text.find(open, at)) != text.npos;) {
      const auto named = text.find("-->", next), stop = text.find(end, next);
      if (named == text.npos || stop == text.npos || stop < named) fail("a region is not closed by " + end);
      std::istringstream words(text.substr(next + open.size(), named - next - open.size()));
      std::vector<std::string> what{std::istream_iterator<std::string>(words), {}};
      out += text.substr(at, named + 3 - at) + "\n" + block(what) + end;
      at = stop + end.size();
    }
    return out + text.substr(at);
  }

  std::string block(const std::vector<std::string>& what) const {
    if (what.size() == 2 && what[0] == "table") {
      for (const Table& t : report().tables)
        if (t.name == what[1]) return "\n" + to_markdown(t) + "\n";
      fail("results.json has no table " + what[1]);
    }
    if (what.size() == 1 && what[0] == "claims") {
      std::string out = "\n";
      for (const Claim& c : report().claims) out += fmt::format("- {} {}\n", c.holds ? "✔" : "✘", c.text);
      return out + "\n";
    }
    if (what.size() == 3 && what[0] == "code") return "\n```cpp\n" + region(folder_ / what[1], what[2]) + "```\n\n";
    fail("unknown region \"" + fmt::format("{}", fmt::join(what, " ")) + "\"");
  }

  std::string region(const fs::path& file, const std::string& name) const {
    std::istringstream in(read_file(file));
    std::vector<std::string> lines;
    bool inside = false, closed = false;
    std::size_t indent = std::string::npos;
    for (std::string line; std::getline(in, line);) {
      if (line.find("// [" + name + "]") != line.npos) {
        inside = true;
      } else if (line.find("// [/" + name + "]") != line.npos) {
        inside = false;
        closed = true;
      } else if (inside) {
        if (const auto first = line.find_first_not_of(' '); first != line.npos) indent = std::min(indent, first);
        lines.push_back(line);
      }
    }
    if (!closed || lines.empty()) fail(file.string() + " has no region " + name);
    std::string out;
    for (const std::string& line : lines) out += (line.size() > indent ? line.substr(indent) : line) + "\n";
    return out;
  }

  fs::path path_, folder_;
  std::optional<Report> report_;
};

/// The first line in which two texts differ.
std::string first_difference(const std::string& is, const std::string& should) {
  std::istringstream a(is), b(should);
  std::string x, y;
  for (int line = 1;; ++line) {
    const bool more_x = static_cast<bool>(std::getline(a, x)), more_y = static_cast<bool>(std::getline(b, y));
    if (!more_x && !more_y) return "";
    if (x != y || more_x != more_y) return fmt::format("line {} should be\n  {}\nbut is\n  {}", line, more_y ? y : "(no line)", more_x ? x : "(no line)");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  const bool check = !files.empty() && files.front() == "--check";
  if (check) files.erase(files.begin());
  if (files.empty()) {
    std::cerr << "usage: course_lessons [--check] FILE.md...\n";
    return 2;
  }
  int code = 0;
  for (const std::string& file : files) {
    try {
      const Page page(fs::absolute(file));
      const std::string is = read_file(page.path()), should = page.filled();
      if (is == should) continue;
      if (check) {
        std::cerr << file << ": not up to date, run make lessons: " << first_difference(is, should) << "\n";
        code = 1;
      } else {
        write_file_atomically(page.path(), should);
        std::cout << "filled " << file << "\n";
      }
    } catch (const Error& e) {
      std::cerr << e.what() << "\n";
      code = 1;
    }
  }
  return code;
}
