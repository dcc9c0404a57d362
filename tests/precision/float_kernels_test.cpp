// Float kernels against the double reference: where gradients prove the formulas, this proves the kernels.
#include <doctest/doctest.h>

#include "probe_distance.hpp"

using namespace tenfold;

TEST_CASE("float kernels err at most twice as much as plain float loops") {
  const auto exact = op_probes<double>(), single = op_probes<float>();
  REQUIRE(exact.size() == single.size());
  for (std::size_t i = 0; i < exact.size(); ++i) {
    INFO(single[i].op, " (", single[i].sample, ")");
    double plain_worst = 0, fast_worst = 0;
    for (std::uint64_t s = 7; s < 10; ++s) {
      const auto inputs = exact[i].inputs(s);
      REQUIRE(inputs.size() == single[i].inputs(s).size());
      const auto upstream = upstream_for(exact[i].run("reference", inputs, {}).output);
      const ProbeResult truth = exact[i].run("reference", inputs, upstream);
      plain_worst = std::max(plain_worst, distance(single[i].run("reference", inputs, upstream), truth));
      fast_worst = std::max(fast_worst, distance(single[i].run("cpu", inputs, upstream), truth));
    }
    INFO("plain loops ", plain_worst, ", cpu ", fast_worst);
    CHECK(std::isfinite(plain_worst));
    CHECK(plain_worst <= 1e-4);
    // two units in the last place are granted where plain loops happen to be exact
    CHECK(fast_worst <= 2 * plain_worst + 2 * 0x1p-23);
  }
}
