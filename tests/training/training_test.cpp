// Training in float: it learns by heart what it can, and does the same again to the last bit.
#include <doctest/doctest.h>

#include "optim/schedule.hpp"
#include "training/small_training.hpp"

using namespace tenfold;

TEST_CASE("32 pairs are learnt by heart") {
  const auto k = make_kernels("cpu");
  SmallTraining training(*k, 0, 0);
  const DeviceBatch batch = random_batch(*k, 32, 4, 3);
  const Schedule schedule{ScheduleKind::cosine, 1e-2, 10, 250};
  CHECK(training.loss(batch) >= 2);
  int steps = 0;
  while (steps < 250 && !(training.step(batch, schedule.at(steps + 1)) <= 0.005)) ++steps;
  INFO("after ", steps, " steps");
  CHECK(training.loss(batch) <= 0.01);
}

TEST_CASE("two runs with the same seed and threads give the same bits") {
  const auto run = [](int threads) {
    const auto k = make_kernels("cpu", threads);
    SmallTraining training(*k, 0.1, 0.1);
    std::vector<Real> all;
    for (std::uint64_t i = 1; i <= 10; ++i)
      all.push_back(static_cast<Real>(training.step(random_batch(*k, 16, 6, i), 1e-3)));
    const std::vector<Real> weights = training.weights();
    all.insert(all.end(), weights.begin(), weights.end());
    return all;
  };
  for (const int threads : {1, 2}) CHECK(run(threads) == run(threads));
}

// Enough values that a backend may well divide them among threads, and a number that no vector width divides.
TEST_CASE("dropout's masks do not depend on the device or its threads") {
  const Index n = 300'007;
  const auto masked = [&](const char* device, int threads, bool residual) {
    const auto k = make_kernels(device, threads);
    const Tensor ones = filled(*k, {n}, 1);
    Tensor y = Tensor::empty(*k, {n});
    const Dropout spec = Dropout::with_rate(0.3, 5, 9);
    if (residual)
      k->residual_dropout(spec, ones.data(), ones.data(), y.mutable_data(), n);
    else
      k->dropout(spec, ones.data(), y.mutable_data(), n);
    return y.to_host();
  };
  for (const bool residual : {false, true}) {
    const auto expected = masked("reference", 0, residual);
    for (const int threads : {1, 2, 3}) CHECK(masked("cpu", threads, residual) == expected);
  }
}
