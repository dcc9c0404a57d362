/// @file
/// What experiments measure with: random tensors, how far two results are apart, and a function beside its gradients.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "autograd/tape.hpp"
#include "core/random_values.hpp"
#include "course/experiment.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace lab {

/// Normal entries with mean 0 and the given deviation, a function of (seed, stream).
inline Tensor random_tensor(Kernels& k, const Shape& shape, std::uint64_t seed, std::uint64_t stream,
                            double deviation = 1) {
  std::vector<Real> values;
  for (double v : random_values(seed, stream, shape.size()))
    values.push_back(static_cast<Real>(deviation * v));
  return Tensor::from(k, shape, values);
}

/// The largest |a_i - b_i|. NaN where one of them is NaN, infinite when there are not as many of both.
inline double largest_difference(std::span<const Real> a, std::span<const Real> b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(d)) return d;
    most = std::max(most, d);
  }
  return most;
}

/// The same, of the largest |b_i|.
inline double relative_difference(std::span<const Real> a, std::span<const Real> b) {
  double magnitude = 0;
  for (Real v : b) magnitude = std::max(magnitude, std::abs(static_cast<double>(v)));
  return largest_difference(a, b) / magnitude;
}

/// What a function gave, and its gradients.
using Results = std::vector<std::vector<Real>>;

/// f(inputs) and then the gradient by each input, of the product of `upstream` and f; `f` takes the leaves as a
/// std::vector<Variable>.
template <class F>
Results with_gradients(const std::vector<Tensor>& inputs, const Tensor& upstream, const F& f) {
  Tape tape;
  std::vector<Variable> leaves;
  for (const Tensor& input : inputs) leaves.push_back(tape.leaf(input));
  const Variable y = f(leaves);
  tape.backward(y, upstream);
  Results all{y.value.to_host()};
  for (const Variable& leaf : leaves) all.push_back(tape.grad(leaf).to_host());
  return all;
}

/// Session::same for each of the names; there are as many results of both.
inline void same(course::Session& s, const std::vector<std::string>& names, const Results& lesson, const Results& engine,
                 double bound) {
  for (std::size_t i = 0; i < names.size(); ++i)
    s.same(names[i], std::span<const Real>(lesson.at(i)), std::span<const Real>(engine.at(i)), bound);
}

}  // namespace lab
}  // namespace tenfold::inline TENFOLD_REAL
