// The rules of the house that a compiler does not check: which layer may see which, and what a file may hold.
// Every rule is also shown to catch a violation planted in a small tree of its own.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using Names = std::set<std::string>;

// What each layer of src/ may include besides itself. A new layer gets its line here.
const std::map<std::string, Names> may_see = {
    {"core", {}},
    {"backend", {"core"}},
    {"autograd", {"core", "backend"}},
    {"ops", {"core", "backend", "autograd"}},
    {"nn", {"core", "backend", "autograd", "ops"}},
    {"optim", {"core", "backend", "autograd", "ops", "nn"}},
    {"text", {"core"}},
    {"io", {"core"}},
    {"translate", {"core", "backend", "autograd", "ops", "nn", "optim", "text", "io"}},
    {"cli", {"core", "backend", "autograd", "ops", "nn", "optim", "text", "io", "translate"}},
};
// cuda/ stands beside src/ and implements backend/; the grader of its exercise is the course's.
const Names cuda_may_see = {"core", "backend", "kernels", "emulator", "ladder", "course"};
const int longest_file = 700;

struct Source {
  std::string path;  // relative to the root, with forward slashes
  std::vector<std::string> lines;

  bool ends_with(std::initializer_list<const char*> endings) const {
    return std::any_of(endings.begin(), endings.end(), [&](const char* end) { return path.ends_with(end); });
  }
  bool is_header() const { return ends_with({".hpp", ".cuh"}); }
  bool is_code() const { return is_header() || ends_with({".cpp", ".cu"}); }
  bool is_script() const { return ends_with({"CMakeLists.txt", ".cmake", ".sh", "Makefile"}); }
  bool is_exercise() const { return path.starts_with("chapters/") && path.find("/exercise") != path.npos; }
};

Source read(const fs::path& root, const fs::path& file) {
  Source source{fs::relative(file, root).generic_string(), {}};
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) source.lines.push_back(line);
  return source;
}

std::vector<Source> sources_under(const fs::path& root) {
  std::vector<Source> sources;
  for (const char* file : {"CMakeLists.txt", "Makefile", "README.md"}) {
    if (fs::exists(root / file)) sources.push_back(read(root, root / file));
  }
  for (const char* folder : {"src", "cuda", "chapters", "tests", "scripts", "docs"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file()) continue;
      const std::string name = entry.path().generic_string();
      if (name.ends_with("/exercise/exercise.cpp") || name.ends_with("/exercise/exercise.cu")) continue;  // the reader's own
      const bool script = entry.path().extension().empty();  // scripts/ has them, and chapters' exercises
      Source source{entry.path().generic_string(), {}};
      if (script || source.is_code() || source.is_script() || source.ends_with({".md"})) {
        sources.push_back(read(root, entry.path()));
      }
    }
  }
  return sources;
}

class Report {
 public:
  explicit Report(const Source& source) : source_(source) {}
  void add(std::size_t line, const std::string& message) {
    found.push_back(source_.path + ":" + std::to_string(line + 1) + ": " + message);
  }
  std::vector<std::string> found;

 private:
  const Source& source_;
};

void check_includes(const Source& source, Report& report) {
  const bool in_src = source.path.starts_with("src/");
  if (!source.is_code() || !(in_src || source.path.starts_with("cuda/"))) return;
  const std::string inside = in_src ? source.path.substr(4) : source.path;
  const std::string layer = inside.substr(0, inside.find('/'));
  if (in_src && !may_see.contains(layer)) {
    return report.add(0, "\"" + layer + "\" is not a layer; tests/project/layering_test.cpp lists them");
  }
  const Names& allowed = in_src ? may_see.at(layer) : cuda_may_see;
  static const std::regex include(R"(^\s*#\s*include\s*"([^"]+)\")");
  for (std::size_t i = 0; i < source.lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(source.lines[i], match, include)) continue;
    const std::string file = match[1];
    if (file.find("..") != file.npos) {
      report.add(i, "includes \"" + file + "\" by a path with ..");
      continue;
    }
    const auto slash = file.find('/');
    const std::string target = file.substr(0, slash);
    if (slash == file.npos || target == layer || allowed.contains(target)) continue;
    report.add(i, layer + " must not see " + target + ": includes \"" + file + "\"");
  }
}

// A chapter stands on the chapters before it, never on later ones.
void check_chapter_order(const Source& source, Report& report) {
  static const std::regex chapter(R"(^chapters/(\d\d)-)"), include(R"re(^\s*#\s*include\s*"(\d\d)-[^"]*")re");
  std::smatch own, other;
  if (!source.is_code() || !std::regex_search(source.path, own, chapter)) return;
  for (std::size_t i = 0; i < source.lines.size(); ++i)
    if (std::regex_search(source.lines[i], other, include) && other[1].str() > own[1].str())
      report.add(i, "chapter " + own[1].str() + " must not see the later chapter " + other[1].str());
}

void check_header(const Source& source, Report& report) {
  if (!source.is_header()) return;
  if (source.lines.size() < 2 || source.lines[0] != "/// @file" || !source.lines[1].starts_with("/// ")) {
    report.add(0, "a header opens with its contract: a line \"/// @file\", then what it is");
  }
  if (std::find(source.lines.begin(), source.lines.end(), "#pragma once") == source.lines.end()) {
    report.add(0, "a header needs #pragma once");
  }
}

// The part of a line before its comment; what speaks about a flag does not set it.
std::string without_comment(const Source& source, const std::string& line) {
  return line.substr(0, line.find(source.is_code() ? "//" : "#"));
}

// Patterns are put together from halves, or this file would break its own rules.
void check_lines(const Source& source, Report& report) {
  static const std::regex fast_math(
      "(-f?fast"
      "-math|use_fast"
      "_math|-O"
      "fast\\b|\"O"
      "fast\")");
  static const std::regex unfinished(
      "\\b(TO"
      "DO|FIX"
      "ME)\\b");
  static const std::regex machine_path(
      "(^|[^A-Za-z0-9_./$}])/(wo"
      "rk|ho"
      "me|ro"
      "ot|Us"
      "ers|fa"
      "rm)/[A-Za-z0-9_.]");
  const bool prose = source.ends_with({".md"});
  for (std::size_t i = 0; i < source.lines.size(); ++i) {
    const std::string& line = source.lines[i];
    if (!prose && std::regex_search(without_comment(source, line), fast_math)) {
      report.add(i, "fast-math changes results; name the single freedoms that are needed");
    }
    if (!source.is_exercise() && std::regex_search(line, unfinished))
      report.add(i, "unfinished work is not kept here");
    if (std::regex_search(line, machine_path)) report.add(i, "a path of one machine");
    if (source.path != "Makefile" && line.find('\t') != line.npos) report.add(i, "a tab");
  }
  if (!prose && source.lines.size() > longest_file) {
    report.add(longest_file, "longer than " + std::to_string(longest_file) + " lines");
  }
}

std::vector<std::string> violations(const fs::path& root) {
  std::vector<std::string> all;
  for (const Source& source : sources_under(root)) {
    Report report(source);
    check_includes(source, report);
    check_chapter_order(source, report);
    check_header(source, report);
    check_lines(source, report);
    all.insert(all.end(), report.found.begin(), report.found.end());
  }
  return all;
}

// A tree that keeps every rule, into which single files are planted.
class Tree {
 public:
  Tree() {
    std::string pattern = (fs::temp_directory_path() / "tenfold-tree-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    plant("src/core/shape.hpp", header("#include <vector>\n"));
    plant("src/nn/linear.hpp", header("#include \"core/shape.hpp\"\n#include \"ops/linear.hpp\"\n"));
    plant("src/nn/linear.cpp", "#include \"nn/linear.hpp\"\n#include \"local.hpp\"\n");
    plant("cuda/kernels/add.cu", "#include \"backend/kernels.hpp\"\n");
    plant("chapters/01-start/lesson.hpp", header("#include \"nn/linear.hpp\"\n"));
    plant("CMakeLists.txt",
          "# no -ffast"
          "-math here\n");
    plant("Makefile", "all:\n\t@true\n");
  }
  ~Tree() { fs::remove_all(root_); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  static std::string header(const std::string& body) {
    return "/// @file\n/// What it is.\n#pragma once\n" + body;
  }
  void plant(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::vector<std::string> found() const { return violations(root_); }

 private:
  fs::path root_;
};

struct Planted {
  const char* path;
  std::string text;
  const char* message;  // what the one violation found must say
};

TEST_CASE("this repository keeps the rules of the house") {
  const fs::path root = TENFOLD_SOURCE_DIR;
  CHECK(sources_under(root).size() > 10);
  for (const std::string& violation : violations(root)) FAIL_CHECK(violation);
}

TEST_CASE("a tree that keeps the rules has no violations") {
  const Tree tree;
  CHECK(tree.found() == std::vector<std::string>{});
}

TEST_CASE("every rule catches its violation") {
  const std::string to_do =
      "TO"
      "DO";
  const std::vector<Planted> table = {
      {"src/core/a.cpp", "#include \"backend/kernels.hpp\"\n", "a.cpp:1: core must not see backend"},
      {"src/backend/a.cpp", "#include \"autograd/tape.hpp\"\n", "backend must not see autograd"},
      {"src/autograd/a.cpp", "\n#include \"ops/add.hpp\"\n", "a.cpp:2: autograd must not see ops"},
      {"src/ops/a.cpp", "#  include \"nn/linear.hpp\"\n", "ops must not see nn"},
      {"src/nn/a.cpp", "#include \"optim/adam.hpp\"\n", "nn must not see optim"},
      {"src/optim/a.cpp", "#include \"io/files.hpp\"\n", "optim must not see io"},
      {"src/text/a.cpp", "#include \"nn/linear.hpp\"\n", "text must not see nn"},
      {"src/text/a.cpp", "#include \"io/files.hpp\"\n", "text must not see io"},
      {"src/io/a.cpp", "#include \"text/corpus.hpp\"\n", "io must not see text"},
      {"src/io/a.cpp", "#include \"backend/kernels.hpp\"\n", "io must not see backend"},
      {"src/translate/a.cpp", "#include \"cli/commands.hpp\"\n", "translate must not see cli"},
      {"src/cli/a.cpp", "#include \"../core/shape.hpp\"\n", "by a path with .."},
      {"src/cli/a.cpp", "#include \"chapters/a.hpp\"\n", "cli must not see chapters"},
      {"chapters/01-start/a.hpp", Tree::header("#include \"02-next/lesson.hpp\"\n"), "must not see the later chapter 02"},
      {"src/extra/a.cpp", "\n", "\"extra\" is not a layer"},
      {"cuda/a.cu", "#include \"autograd/tape.hpp\"\n", "cuda must not see autograd"},
      {"src/core/a.hpp", "#pragma once\n/// @file\n/// Late.\n", "opens with its contract"},
      {"src/core/a.hpp", "/// @file\n#pragma once\n", "opens with its contract"},
      {"src/core/a.hpp", "", "opens with its contract"},
      {"tests/a.hpp", "/// @file\n/// What it is.\n", "needs #pragma once"},
      {"cuda/a.cuh", "/// @file\n/// What it is.\n", "needs #pragma once"},
      {"CMakeLists.txt",
       "add_compile_options(-ffast"
       "-math)\n",
       "fast-math"},
      {"src/ops/a.cpp",
       "#pragma GCC optimize(\"O"
       "fast\")\n",
       "fast-math"},
      {"cuda/CMakeLists.txt",
       "set(FLAGS --use_fast"
       "_math)\n",
       "fast-math"},
      {"src/ops/a.cpp", std::string(longest_file + 1, '\n'), "a.cpp:701: longer than 700 lines"},
      {"src/ops/a.cpp", "\treturn;\n", "a tab"},
      {"scripts/a",
       "cd /ho"
       "me/me\n",
       "a path of one machine"},
      {"docs/a.md",
       "See `/wo"
       "rk/data`.\n",
       "a path of one machine"},
      {"src/ops/a.cpp", "// " + to_do + ": the rest\n", "unfinished"},
      {"chapters/01-start/solution/a.cpp", "// " + to_do + "\n", "unfinished"},
  };
  for (const Planted& planted : table) {
    CAPTURE(planted.path);
    CAPTURE(planted.message);
    const Tree tree;
    tree.plant(planted.path, planted.text);
    const std::vector<std::string> found = tree.found();
    // An empty header breaks two rules at once; every other file breaks exactly one.
    REQUIRE(found.size() == (planted.text.empty() ? 2u : 1u));
    CHECK(found[0].find(planted.message) != std::string::npos);
  }
}

TEST_CASE("what looks like a violation and is none") {
  const std::vector<Planted> table = {
      {"chapters/01-start/exercise/a.cpp",
       "// TO"
       "DO: your turn\n",
       ""},
      {"chapters/02-next/a.hpp", Tree::header("#include \"01-start/lesson.hpp\"\n"), ""},
      {"chapters/01-start/exercise/exercise.cpp", "\treturn;\n", ""},
      {"src/ops/a.cpp", std::string(longest_file, '\n'), ""},
      {"src/ops/a.cpp", "// #include \"nn/linear.hpp\"\n", ""},
      {"src/ops/a.cpp",
       "// never -ffast"
       "-math\n",
       ""},
      {"docs/a.md",
       "Never -ffast"
       "-math. See src/wo"
       "rk/a.\n",
       ""},
      {"src/ops/TO"
       "DOS.cpp",
       "int TO"
       "DOS;\n",
       ""},
  };
  for (const Planted& planted : table) {
    CAPTURE(planted.path);
    const Tree tree;
    tree.plant(planted.path, planted.text);
    CHECK(tree.found() == std::vector<std::string>{});
  }
}
