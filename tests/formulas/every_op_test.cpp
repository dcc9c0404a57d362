// Every operation, every sample, every backend: gradients against central differences in double, fused against
// composed.
#include <doctest/doctest.h>

#include "autograd/gradient_check.hpp"
#include "probe_distance.hpp"

using namespace tenfold;

namespace {

constexpr std::uint64_t seed = 7;
const std::vector<std::string> devices{"reference", "cpu"};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST_CASE("gradients match central differences in double") {
  for (const OpProbe& probe : op_probes<double>())
    for (const std::string& device : devices) {
      INFO(probe.op, " (", probe.sample, ") on ", device);
      auto inputs = probe.inputs(seed);
      const auto upstream = upstream_for(probe.run(device, inputs, {}).output);
      const ProbeResult result = probe.run(device, inputs, upstream);
      REQUIRE(result.gradients.size() == inputs.size());
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto loss = [&] { return dot(upstream, probe.run(device, inputs, {}).output.values); };
        const GradientError error = check_gradient(loss, inputs[i].values, result.gradients[i].values, 1e-5);
        INFO("input ", i, " entry ", error.entry, ": analytic ", error.analytic, ", numeric ", error.numeric);
        CHECK(error.entries == static_cast<std::ptrdiff_t>(inputs[i].values.size()));
        CHECK(error.relative <= 1e-6);
      }
    }
}

TEST_CASE("a fused operation equals its composed definition") {
  int fused = 0;
  for (const OpProbe& probe : op_probes<double>()) {
    if (!probe.fused) continue;
    ++fused;
    for (const std::string& device : devices) {
      INFO(probe.op, " (", probe.sample, ") on ", device);
      const auto inputs = probe.inputs(seed);
      const auto upstream = upstream_for(probe.run(device, inputs, {}).output);
      CHECK(distance(probe.run(device, inputs, upstream), probe.run_composed(device, inputs, upstream)) <= 1e-12);
    }
  }
  CHECK(fused >= 10);
}
