// Gradients through a whole encoder-decoder, every entry of every parameter.
#include <doctest/doctest.h>

#include "nn/model_check.hpp"
#include "sanitized.hpp"

using namespace tenfold;

TEST_CASE("the whole model's gradients match central differences") {
  for (const char* device : {"reference", "cpu"})
    for (const bool pre_norm : {true, false}) {
      if (test::sanitized && pre_norm == (std::string_view(device) == "cpu")) continue;
      INFO(std::string(device), pre_norm ? std::string(", pre-norm") : ", post-norm");
      const auto checks = check_model_gradients<double>(device, 1e-5, {pre_norm, true});
      CHECK(checks.size() == 2 + 2 * 12 + 2 + 2 * 18 + 2);
      std::ptrdiff_t entries = 0;
      for (const ParameterCheck& c : checks) {
        INFO(c.name, " entry ", c.error.entry, ": analytic ", c.error.analytic, ", numeric ", c.error.numeric);
        CHECK(c.error.relative <= 1e-6);
        entries += c.error.entries;
      }
      CHECK(entries == 2867);
    }
}

// Central differences with so small a step lose digits, hence the wider bound; a kink inside the step would give an
// error of order one.
TEST_CASE("the same with ReLU" * doctest::skip(test::sanitized)) {
  for (const ParameterCheck& c : check_model_gradients<double>("reference", 1e-7, {true, false})) {
    INFO(c.name, " entry ", c.error.entry, ": analytic ", c.error.analytic, ", numeric ", c.error.numeric);
    CHECK(c.error.relative <= 1e-5);
  }
}
