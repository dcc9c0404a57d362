// Softmax, loss and attention of large values: exp must never see them as they are.
#include <doctest/doctest.h>

#include <cmath>

#include "ops/ops.hpp"

using namespace tenfold;

namespace {

const std::vector<Real> small{1, -2, 0.5, 3, 0, -1};

std::vector<Real> shifted(Real by) {
  std::vector<Real> values = small;
  for (Real& v : values) v += by;
  return values;
}

void check_equal(const Variable& a, const Variable& b) {
  const auto x = a.value.to_host(), y = b.value.to_host();
  REQUIRE(x.size() == y.size());
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(x[i] - y[i]) <= 1e-10);
}

}  // namespace

TEST_CASE("softmax and its loss do not change when all logits grow or shrink by a thousand") {
  for (const char* device : {"reference", "cpu"}) {
    const auto k = make_kernels(device);
    const IdTensor targets = IdTensor::from(*k, {2}, std::vector<std::int32_t>{0, 2});
    const Tensor near = Tensor::from(*k, {2, 3}, small);
    for (const Real by : {1000, -1000}) {
      const Tensor far = Tensor::from(*k, {2, 3}, shifted(by));
      check_equal(softmax(far), softmax(near));
      check_equal(cross_entropy(far, {targets, -1, Real(0.1)}), cross_entropy(near, {targets, -1, Real(0.1)}));
    }
  }
}

// Scores of ±3000: each query sees the key that points its way and no other.
TEST_CASE("attention with large scores picks the largest") {
  for (const char* device : {"reference", "cpu"}) {
    const auto k = make_kernels(device);
    const Tensor q = Tensor::from(*k, {1, 2, 1}, std::vector<Real>{3000, -3000}),
                 keys = Tensor::from(*k, {1, 3, 1}, std::vector<Real>{-1, 0.5, 1}),
                 values = Tensor::from(*k, {1, 3, 1}, std::vector<Real>{5, 6, 7});
    Tape tape;
    const Variable query = tape.leaf(q), o = attention(query, keys, values, 1);
    CHECK(o.value.to_host() == std::vector<Real>{7, 5});
    tape.backward(o, filled(*k, {1, 2, 1}, 1));
    CHECK(tape.grad(query).to_host() == std::vector<Real>{0, 0});
  }
}
