// The list of all operations on the CUDA backend: float against the double reference, gradients in double, and fused
// against composed; and a table of what was checked and how long it took.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <map>

#include "autograd/gradient_check.hpp"
#include "cuda_device.hpp"
#include "probe_distance.hpp"

using namespace tenfold;

namespace {

constexpr std::uint64_t seed = 7;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// What an operation's samples came to.
struct OpRow {
  int samples = 0;
  double error = 0, bound = 0;  // of the sample that is nearest to its bound
  double seconds = 0;
};

}  // namespace

TEST_CASE("cuda: every operation in float errs at most twice as much as plain float loops") {
  const auto exact = op_probes<double>(), single = op_probes<float>();
  REQUIRE(exact.size() == single.size());
  const std::string device = test_device();
  std::map<std::string, OpRow> table;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    INFO(single[i].op, " (", single[i].sample, ") on ", device);
    double plain_worst = 0, cuda_worst = 0, seconds = 0;
    for (std::uint64_t s = 7; s < (quick_tests() ? 8 : 10); ++s) {
      const auto inputs = exact[i].inputs(s);
      const auto upstream = upstream_for(exact[i].run("reference", inputs, {}).output);
      const ProbeResult truth = exact[i].run("reference", inputs, upstream);
      plain_worst = std::max(plain_worst, distance(single[i].run("reference", inputs, upstream), truth));
      const auto start = Clock::now();
      const ProbeResult result = single[i].run(device, inputs, upstream);
      seconds += seconds_since(start);
      cuda_worst = std::max(cuda_worst, distance(result, truth));
    }
    INFO("plain loops ", plain_worst, ", ", device, " ", cuda_worst);
    // two units in the last place are granted where plain loops happen to be exact
    const double bound = 2 * plain_worst + 2 * 0x1p-23;
    CHECK(std::isfinite(plain_worst));
    CHECK(cuda_worst <= bound);
    OpRow& row = table[single[i].op];
    if (row.samples++ == 0 || cuda_worst / bound > row.error / row.bound) {
      row.error = cuda_worst;
      row.bound = bound;
    }
    row.seconds += seconds;
  }
  std::printf("%-22s %8s %10s %10s %9s   forward and backward in float on %s\n", "operation", "samples", "error", "bound",
              "ms", device.c_str());
  for (const auto& [op, row] : table)
    std::printf("%-22s %8d %10.1e %10.1e %9.1f\n", op.c_str(), row.samples, row.error, row.bound, 1e3 * row.seconds);
}

TEST_CASE("cuda: the same operation twice gives the same bits") {
  const std::string device = test_device();
  for (const OpProbe& probe : op_probes<float>()) {
    INFO(probe.op, " (", probe.sample, ") on ", device);
    const auto inputs = probe.inputs(seed);
    const auto upstream = upstream_for(probe.run("reference", inputs, {}).output);
    const ProbeResult once = probe.run(device, inputs, upstream), again = probe.run(device, inputs, upstream);
    CHECK(once.output.values == again.output.values);
    for (std::size_t i = 0; i < once.gradients.size(); ++i) CHECK(once.gradients[i].values == again.gradients[i].values);
  }
}

// ThreadSanitizer's build has no double kernels of its own: what is shown in double is left to the builds beside it.
TEST_CASE("cuda: double is the reference's double" * doctest::skip(quick_tests())) {
  const std::string device = test_device();
  for (const OpProbe& probe : op_probes<double>()) {
    INFO(probe.op, " (", probe.sample, ") on ", device);
    const auto inputs = probe.inputs(seed);
    const auto upstream = upstream_for(probe.run("reference", inputs, {}).output);
    CHECK(distance(probe.run(device, inputs, upstream), probe.run("reference", inputs, upstream)) <= 1e-12);
  }
}

TEST_CASE("cuda: gradients match central differences in double" * doctest::skip(quick_tests())) {
  const std::string device = test_device();
  for (const OpProbe& probe : op_probes<double>()) {
    INFO(probe.op, " (", probe.sample, ") on ", device);
    auto inputs = probe.inputs(seed);
    const auto upstream = upstream_for(probe.run(device, inputs, {}).output);
    const ProbeResult result = probe.run(device, inputs, upstream);
    REQUIRE(result.gradients.size() == inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto loss = [&] { return dot(upstream, probe.run(device, inputs, {}).output.values); };
      // At most 24 entries of an input, spread over it: each takes two launches of everything.
      const std::size_t all = inputs[i].values.size(), step = std::max<std::size_t>(1, all / 24);
      std::vector<double>& x = inputs[i].values;
      for (std::size_t at = 0; at < all; at += step) {
        const double analytic = result.gradients[i].values.empty() ? 0 : result.gradients[i].values[at];
        std::vector<double> one{x[at]};
        const auto moved = [&] {
          x[at] = one[0];
          return loss();
        };
        const double kept = x[at];
        const GradientError error = check_gradient(moved, one, std::span(&analytic, 1), 1e-5);
        x[at] = kept;
        INFO("input ", i, " entry ", at, ": analytic ", error.analytic, ", numeric ", error.numeric);
        // An entry that is nearly zero is measured against a gradient of ordinary size, as rms does for a whole one.
        CHECK(error.relative * std::max(std::abs(error.analytic), std::abs(error.numeric)) <=
              1e-6 * std::max(1.0, std::max(std::abs(error.analytic), std::abs(error.numeric))));
      }
    }
  }
}

TEST_CASE("cuda: a fused operation equals its composed definition" * doctest::skip(quick_tests())) {
  const std::string device = test_device();
  int fused = 0;
  for (const OpProbe& probe : op_probes<double>()) {
    if (!probe.fused) continue;
    ++fused;
    INFO(probe.op, " (", probe.sample, ") on ", device);
    const auto inputs = probe.inputs(seed);
    const auto upstream = upstream_for(probe.run(device, inputs, {}).output);
    CHECK(distance(probe.run(device, inputs, upstream), probe.run_composed(device, inputs, upstream)) <= 1e-12);
  }
  CHECK(fused >= 10);
}
