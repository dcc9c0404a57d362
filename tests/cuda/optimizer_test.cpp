// The CUDA backend's sums and updates, one parameter and all of them, against the reference.
#include "cuda/device_under_test.hpp"

using namespace tenfold;

namespace {

AdamStep step_of_adam() {
  AdamStep s;
  s.learning_rate = Real{0.01};
  s.beta1 = Real{0.9};
  s.beta2 = Real{0.98};
  s.epsilon = Real{1e-5};
  s.weight_decay = Real{0.1};
  s.correction1 = Real{0.1};
  s.correction2 = Real{0.02};
  return s;
}

/// Parameters of these sizes; value, first and second moment become outputs 3i, 3i + 1 and 3i + 2.
std::vector<TrainedSlice> slices_in(DeviceRun& run, const std::vector<Index>& sizes) {
  std::vector<TrainedSlice> slices;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Index n = sizes[i];
    for (std::size_t part = 0; part < 3; ++part) {
      Values values = uniform_values(n, 10 * i + part + 1);
      if (part == 2)
        for (Real& v : values) v = v * v;
      run.kernels().copy(run.put(values), run.out(3 * i + part), n);
    }
    slices.push_back({run.out(3 * i), run.put(uniform_values(n, 10 * i + 7)), run.out(3 * i + 1), run.out(3 * i + 2), n,
                      i % 2 ? Real{0} : Real{0.1}});
  }
  return slices;
}

}  // namespace

TEST_CASE("cuda sums: what is not finite shows") {
  for (Index n : {0, 1, 31, 257, 5000, 70001}) {
    CAPTURE(n);
    Values x = uniform_values(n, 1);
    const auto on = [&](Kernels& k, auto sum) {
      DeviceRun run(k, {});
      return (k.*sum)(run.put(x), n);
    };
    const auto reference = make_reference_kernels();
    for (auto sum : {&Kernels::sum, &Kernels::sum_squares}) {
      const double expected = on(*reference, sum), got = on(cuda_device(), sum);
      CHECK(std::abs(got - expected) <= 1e-12 * static_cast<double>(n + 1));
      CHECK(got == on(cuda_device(), sum));
    }
    compare_on_device({1}, 2, [&](DeviceRun& run) { run.kernels().sum_to(run.put(x), Real{7}, run.out(0), n); });
    if (n == 0) continue;
    for (Real bad : {nan_value, infinity}) {
      x.back() = bad;
      CHECK_FALSE(std::isfinite(on(cuda_device(), &Kernels::sum_squares)));
    }
  }
}

TEST_CASE("cuda updates of one parameter") {
  for (Index n : {0, 1, 7, 1027}) {
    CAPTURE(n);
    const Values value = uniform_values(n, 1), g = uniform_values(n, 2);
    compare_on_device({n}, 2, [&](DeviceRun& run) {
      run.kernels().copy(run.put(value), run.out(0), n);
      run.kernels().sgd(run.out(0), run.put(g), Real{0.1}, Real{0.5}, n);
    });
    compare_on_device({n, n, n}, 4, [&](DeviceRun& run) {
      const TrainedSlice p = slices_in(run, {n}).front();
      AdamStep s = step_of_adam();
      s.gradient_scale = Real{0.5};
      run.kernels().adam(s, p.value, p.gradient, p.first, p.second, n);
    });
  }
}

TEST_CASE("cuda updates of all parameters at once, clipped and not") {
  // A parameter of nothing, of one number, of a block's piece, one more, and several pieces.
  const std::vector<std::vector<Index>> models = {{5}, {0, 3}, {1, 4096, 4097, 0, 9000, 2}};
  for (const auto& sizes : models)
    for (double clip : {0.0, 0.5, 1e9})
      for (int parts : {1, 3}) {
        CAPTURE(sizes.size());
        CAPTURE(clip);
        std::vector<Index> outputs;
        for (Index n : sizes) outputs.insert(outputs.end(), {n, n, n});
        outputs.push_back(2);  // loss and norm, as numbers of the device
        compare_on_device(outputs, 16, [&](DeviceRun& run) {
          const auto slices = slices_in(run, sizes);
          std::vector<const Real*> losses;
          for (int i = 0; i < parts; ++i) losses.push_back(run.put(Values{Real(i) + Real{0.5}}));
          auto* totals = reinterpret_cast<StepTotals*>(run.put(std::vector<double>{-1, -1}));
          run.kernels().step_totals(losses, slices, totals);
          run.kernels().adam_all(step_of_adam(), clip, slices, totals);
          StepTotals t;
          run.kernels().download(&t, totals, sizeof t);
          const Values seen{static_cast<Real>(t.loss), static_cast<Real>(std::sqrt(t.squares))};
          run.kernels().upload(run.out(3 * sizes.size()), seen.data(), 2 * sizeof(Real));
        });
      }
}

TEST_CASE("cuda: a loss or gradient that is not finite leaves every number as it was") {
  for (const StepTotals bad : {StepTotals{nan_value, 1}, StepTotals{infinity, 1}, StepTotals{1, nan_value},
                               StepTotals{1, infinity}, StepTotals{-infinity, 1}}) {
    const std::vector<Index> sizes{3, 5000};
    const auto run_on_device = [&](bool update) {
      return results_on(cuda_device(), {3, 3, 3, 5000, 5000, 5000}, [&](DeviceRun& run) {
        const auto slices = slices_in(run, sizes);
        auto* totals = reinterpret_cast<StepTotals*>(run.put(std::vector<double>{bad.loss, bad.squares}));
        if (update) run.kernels().adam_all(step_of_adam(), 1, slices, totals);
      });
    };
    const auto before = run_on_device(false), after = run_on_device(true);
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(same_bits(before[i], after[i]));
  }
}
