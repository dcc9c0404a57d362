// Every kernel has a benchmark: what backend/kernels.hpp declares, tests/bench calls.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The virtual functions of `interface` that no line of `benchmarks` calls; what only answers yes or no is no kernel.
std::vector<std::string> not_timed(const std::string& interface, const std::string& benchmarks) {
  static const std::regex declared(R"(virtual\s+(?!bool)[\w:]+\s+(\w+)\()");
  std::vector<std::string> missing;
  for (std::sregex_iterator at(interface.begin(), interface.end(), declared), end; at != end; ++at)
    if (benchmarks.find("cpu()." + (*at)[1].str() + "(") == std::string::npos) missing.push_back((*at)[1]);
  return missing;
}

}  // namespace

TEST_CASE("every kernel has a benchmark") {
  const fs::path root = TENFOLD_SOURCE_DIR;
  std::string benchmarks;
  for (const char* file : {"kernels_products.cpp", "kernels_passes.cpp"})
    benchmarks += text_of(root / "tests/bench" / file);
  const std::string interface = text_of(root / "src/backend/kernels.hpp");
  REQUIRE(interface.find("virtual void gemm(") != std::string::npos);
  for (const std::string& kernel : not_timed(interface, benchmarks)) FAIL_CHECK(kernel << " is not timed in tests/bench");
  CHECK(not_timed("virtual void copy(Real*) = 0;\n virtual double sum(int) = 0;", "cpu().copy(x);") ==
        std::vector<std::string>{"sum"});
}
