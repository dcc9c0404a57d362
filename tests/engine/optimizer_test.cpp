// Optimizers against steps computed by hand and against the formulas in plain doubles; norms and clipping; dropout's
// masks.
#include "optim/optimizer.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "core/random_values.hpp"

using namespace tenfold;

namespace {

using Values = std::vector<Real>;

struct Optimising {
  std::unique_ptr<Kernels> k = make_reference_kernels();
  Tensor tensor(const Shape& shape, const Values& values) { return Tensor::from(*k, shape, values); }
  Parameter parameter(const Shape& shape, const Values& values) { return {"p", tensor(shape, values), {}}; }
};

}  // namespace

// g = 0.5: m = 0.05, v = 0.005, corrected 0.5 and 0.25, so the step is lr · 0.5/0.5.
// Then g = -1: m = 0.9·0.05 - 0.1 = -0.055, v = 0.98·0.005 + 0.02 = 0.0249, corrected by 0.19 and 0.0396.
TEST_CASE_FIXTURE(Optimising, "Adam's first two steps, by hand") {
  Parameter p = parameter({1}, {1});
  Adam adam({&p}, {0.9, 0.98, 1e-9, 0});
  p.grad = tensor({1}, {0.5});
  adam.step(0.1);
  CHECK(p.value.item() == doctest::Approx(0.9).epsilon(1e-8));
  p.grad = tensor({1}, {-1});
  adam.step(0.1);
  CHECK(p.value.item() == doctest::Approx(0.9 + 0.1 * (0.055 / 0.19) / std::sqrt(0.0249 / 0.0396)).epsilon(1e-8));
  CHECK(adam.first_moments()[0].item() == doctest::Approx(-0.055));
  CHECK(adam.second_moments()[0].item() == doctest::Approx(0.0249));
  CHECK(adam.steps() == 2);
}

// With ε as large as the root of the corrected second moment, the first step is half as long.
TEST_CASE_FIXTURE(Optimising, "Adam's epsilon stands beside the corrected root") {
  Parameter p = parameter({1}, {0});
  Adam adam({&p}, {0.9, 0.98, 0.5, 0});
  p.grad = tensor({1}, {0.5});
  adam.step(0.1);
  CHECK(p.value.item() == doctest::Approx(-0.05));
}

TEST_CASE("AdamW on every device equals its formula in plain doubles, over fifty steps") {
  for (const char* device : {"reference", "cpu"}) {
    const auto k = make_kernels(device);
    const double beta1 = 0.85, beta2 = 0.95, epsilon = 1e-3, decay = 0.1;
    const int n = 37;
    std::vector<double> x = random_values(1, 0, n), m(n, 0), v(n, 0);
    Parameter p{"p", Tensor::from(*k, {1, n}, Values(x.begin(), x.end())), {}};
    Adam adam({&p}, {beta1, beta2, epsilon, decay});
    for (int t = 1; t <= 50; ++t) {
      const auto g = random_values(1, static_cast<std::uint64_t>(t), n);
      const double rate = 0.01 * t, factor = 1.0 / t;
      p.grad = Tensor::from(*k, {1, n}, Values(g.begin(), g.end()));
      adam.step(rate, factor);
      for (int i = 0; i < n; ++i) {
        m[i] = beta1 * m[i] + (1 - beta1) * factor * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * factor * g[i] * factor * g[i];
        const double m_hat = m[i] / (1 - std::pow(beta1, t)), v_hat = v[i] / (1 - std::pow(beta2, t));
        x[i] = x[i] - rate * m_hat / (std::sqrt(v_hat) + epsilon) - rate * decay * x[i];
      }
    }
    const Values after = p.value.to_host();
    for (int i = 0; i < n; ++i) CHECK(std::abs(after[i] - x[i]) <= 1e-12);
  }
}

TEST_CASE_FIXTURE(Optimising, "weight decay shrinks matrices, not biases and norms") {
  Parameter matrix = parameter({1, 2}, {1, -2}), vector = parameter({2}, {1, -2});
  Adam adam({&matrix, &vector}, {0.9, 0.98, 1e-9, 0.5});
  matrix.grad = tensor({1, 2}, {0, 0});
  vector.grad = tensor({2}, {0, 0});
  adam.step(0.1);
  CHECK(matrix.value.to_host()[0] == doctest::Approx(0.95));
  CHECK(matrix.value.to_host()[1] == doctest::Approx(-1.9));
  CHECK(vector.value.to_host() == Values{1, -2});
}

TEST_CASE_FIXTURE(Optimising, "Adam goes on where set_steps() says") {
  Parameter p = parameter({1}, {0});
  Adam adam({&p}, {0.9, 0.98, 1e-9, 0});
  adam.set_steps(9);
  p.grad = tensor({1}, {1});
  adam.step(1);
  const double m_hat = 0.1 / (1 - std::pow(0.9, 10)), v_hat = 0.02 / (1 - std::pow(0.98, 10));
  CHECK(p.value.item() == doctest::Approx(-m_hat / std::sqrt(v_hat)));
}

TEST_CASE_FIXTURE(Optimising, "SGD subtracts rate times scaled gradient") {
  Parameter p = parameter({2}, {1, 2});
  p.grad = tensor({2}, {10, -20});
  Sgd({&p}).step(0.1, 0.5);
  CHECK(p.value.to_host()[0] == doctest::Approx(0.5));
  CHECK(p.value.to_host()[1] == doctest::Approx(3));
}

TEST_CASE_FIXTURE(Optimising, "a parameter without a gradient stays as it is, its moments too") {
  Parameter with = parameter({1}, {1}), without = parameter({1, 1}, {1});
  Adam adam({&with, &without}, {0.9, 0.98, 1e-9, 0.5});
  with.grad = tensor({1}, {1});
  adam.step(0.1);
  CHECK(with.value.item() != 1);
  CHECK(without.value.item() == 1);
  CHECK(adam.first_moments()[1].item() == 0);
  Sgd sgd({&with, &without});
  sgd.zero_grad();
  CHECK_FALSE(with.grad.defined());
  const Real before = with.value.item();
  sgd.step(0.1);
  CHECK(with.value.item() == before);
}

TEST_CASE_FIXTURE(Optimising, "a gradient of another shape is refused, before anything is changed") {
  Parameter good = parameter({1}, {1}), bad = parameter({2}, {1, 2});
  good.grad = tensor({1}, {1});
  bad.grad = tensor({3}, {1, 2, 3});
  const char* text = "optimizer: the gradient of p must have its value's shape [2], got [3]";
  Adam adam({&good, &bad}, {});
  CHECK_THROWS_WITH_AS(adam.step(0.1), text, ShapeError);
  CHECK_THROWS_WITH_AS(Sgd({&good, &bad}).step(0.1), text, ShapeError);
  CHECK(good.value.item() == 1);
  CHECK(adam.steps() == 0);
}

TEST_CASE_FIXTURE(Optimising, "the gradient norm is that of all gradients together") {
  Parameter a = parameter({2}, {0, 0}), b = parameter({1}, {0}), c = parameter({1}, {0});
  a.grad = tensor({2}, {2, -3});
  b.grad = tensor({1}, {6});
  std::vector<Parameter*> all{&a, &b, &c};
  CHECK(gradient_norm(all) == doctest::Approx(7));
  b.grad = tensor({1}, {Real(NAN)});
  CHECK_FALSE(std::isfinite(gradient_norm(all)));
  b.grad = tensor({1}, {Real(INFINITY)});
  CHECK_FALSE(std::isfinite(gradient_norm(all)));
}

TEST_CASE("clipping brings a long gradient down to the limit and leaves a short one") {
  CHECK(clip_factor(8, 2) == doctest::Approx(0.25));
  CHECK(clip_factor(1, 2) == 1);
  CHECK(clip_factor(2, 2) == 1);
  CHECK(clip_factor(8, 0) == 1);
}

TEST_CASE("dropout drops at its rate, keeps the mean, and its masks are independent") {
  const Index n = 400'000;
  for (const double rate : {0.1, 0.5, 0.9}) {
    const Dropout one = Dropout::with_rate(rate, 1, 1), other = Dropout::with_rate(rate, 1, 2);
    Index kept = 0, both = 0, in_a_row = 0;
    for (Index i = 0; i < n; ++i) {
      kept += one.keeps(i);
      both += one.keeps(i) && other.keeps(i);
      in_a_row += one.keeps(i) && one.keeps(i + 1);
    }
    const double keep = 1 - rate, count = static_cast<double>(n);
    const auto near = [&](Index seen, double p) {
      CHECK(std::abs(static_cast<double>(seen) / count - p) <= 5 * std::sqrt(2 * p * (1 - p) / count) + 1e-5);
    };
    near(kept, keep);
    near(both, keep * keep);
    near(in_a_row, keep * keep);
    CHECK(one.scale() == doctest::Approx(1 / keep).epsilon(1e-4));
  }
  CHECK_FALSE(Dropout::with_rate(0, 1, 1).active());
  CHECK(std::isfinite(Dropout::with_rate(1 - 1e-12, 1, 1).scale()));
}
