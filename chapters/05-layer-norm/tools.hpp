/// @file
/// Little helpers of chapter 5's experiment: random tensors, and a value with its input gradient.
#pragma once
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "05-layer-norm/norms.hpp"
#include "core/random_values.hpp"
#include "course/experiment.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter05 {

/// Normal entries with mean 0 and the given deviation, a function of (seed, stream).
inline Tensor random_tensor(Kernels& k, const Shape& shape, std::uint64_t seed, std::uint64_t stream,
                            double deviation = 1) {
  std::vector<Real> values;
  for (double v : random_values(seed, stream, shape.size()))
    values.push_back(static_cast<Real>(deviation * v));
  return Tensor::from(k, shape, values);
}

/// Root of the mean square.
inline double rms(const std::vector<Real>& values) {
  double squares = 0;
  for (Real v : values) squares += double(v) * v;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

inline double largest_difference(const std::vector<Real>& a, const std::vector<Real>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double(a[i]) - b[i]));
  return most;
}

struct Both {
  std::vector<Real> output, gradient;
};

/// norm(x), and the gradient of <upstream, norm(x)> by x.
inline Both run(const Norm& norm, const Tensor& x, const Tensor& upstream) {
  Tape tape;
  const Variable leaf = tape.leaf(x), y = norm(leaf);
  tape.backward(y, upstream);
  return {y.value.to_host(), tape.grad(leaf).to_host()};
}

/// `values[i]` of every seed's result, as a spread.
template <class Results, class Member>
course::Spread spread_of(const Results& results, const Member& member) {
  std::vector<double> values;
  for (const auto& r : results) values.push_back(member(r));
  return course::spread(values);
}

}  // namespace chapter05
}  // namespace tenfold::inline TENFOLD_REAL
