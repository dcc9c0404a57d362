// The pages a reader opens: every link to a file of this repository leads somewhere, and every chapter has its parts.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path root = TENFOLD_SOURCE_DIR;

std::string page_text(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> pages() {
  std::vector<fs::path> all{root / "README.md"};
  for (const char* folder : {"docs", "chapters", "tests"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (entry.path().extension() == ".md") all.push_back(entry.path());
  return all;
}

/// What stands in code, where nothing is a link, is left out.
std::string without_code(const std::string& text) {
  static const std::regex block("```[^`]*```"), span("`[^`\n]*`");
  return std::regex_replace(std::regex_replace(text, block, ""), span, "");
}

/// Links of a page to files that are not there.
std::vector<std::string> dead_links(const fs::path& page, const std::string& content) {
  static const std::regex link(R"(\]\(([^)\s#]+)(#[^)\s]*)?\))");
  const std::string text = without_code(content);
  std::vector<std::string> dead;
  for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
    const std::string target = (*at)[1];
    if (target.find("://") != target.npos || target.starts_with("mailto:")) continue;
    if (!fs::exists(page.parent_path() / target)) dead.push_back(target);
  }
  return dead;
}

std::vector<fs::path> chapters() {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(root / "chapters"))
    if (entry.is_directory() && std::isdigit(static_cast<unsigned char>(entry.path().filename().string()[0])))
      all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("every link to a file leads to one") {
  for (const fs::path& page : pages())
    for (const std::string& target : dead_links(page, page_text(page)))
      FAIL_CHECK(fs::relative(page, root).string() << " links to " << target << ", which is not there");
  CHECK(dead_links(root / "x.md", "[a](README.md) [b](none.md) ![c](docs/none.svg) [d](https://x.org) [e](#here) `[f](none)`") ==
        std::vector<std::string>{"none.md", "docs/none.svg"});
}

TEST_CASE("there are ten chapters, and each has its parts") {
  CHECK(chapters().size() == 10);
  for (const fs::path& chapter : chapters()) {
    CAPTURE(chapter.filename().string());
    for (const char* file : {"README.md", "lesson.hpp", "experiment.cpp", "results.json", "exercise/exercise.hpp",
                             "exercise/stub.cpp", "exercise/check.cpp", "exercise/hints.md", "solution/exercise.cpp",
                             "solution/mutants.txt"})
      CHECK_MESSAGE(fs::exists(chapter / file), file);
    const std::string lesson = page_text(chapter / "README.md");
    std::size_t at = 0;
    for (const char* section : {"## The question\n", "## The idea\n", "## Predict\n", "## Experiment\n", "## Break it\n",
                                "## What people get wrong\n", "## Exercise\n", "## Questions\n",
                                "## Where this lives in the engine\n", "## Further reading\n"}) {
      const auto found = lesson.find(section);
      CHECK_MESSAGE(found != lesson.npos, section);
      CHECK_MESSAGE((found == lesson.npos || found > at), section, "stands in another order");
      if (found != lesson.npos) at = found;
    }
    CHECK(count(lesson, "<details>") >= 3);
    CHECK(count(lesson, "<details>") <= 5);
    CHECK(count(lesson, ".svg)") >= 1);
    CHECK(count(lesson, "<!--= ") >= 3);
    CHECK(lesson.find("<!-- begin code lesson.hpp ") != lesson.npos);
    CHECK(lesson.find("](../README.md)") != lesson.npos);
    for (const auto& file : fs::directory_iterator(chapter))  // --device must reach what is measured: measuring_kernels()
      if (file.is_regular_file())
        CHECK_MESSAGE(count(page_text(file.path()), "make_kernels(\"cpu\"") == 0, file.path().filename().string());
    const auto hints = count(page_text(chapter / "exercise/hints.md"), "\n## ");
    CHECK(hints >= 1);
    CHECK(hints <= 3);
  }
}
