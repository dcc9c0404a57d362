/// @file
/// Little helpers of chapter 5's experiment: a value with its input gradient, spreads.
#pragma once
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "05-layer-norm/norms.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter05 {

using lab::largest_difference;
using lab::random_tensor;

/// Root of the mean square.
inline double rms(const std::vector<Real>& values) {
  double squares = 0;
  for (Real v : values) squares += double(v) * v;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

struct Both {
  std::vector<Real> output, gradient;
};

/// norm(x), and the gradient of <upstream, norm(x)> by x.
inline Both run(const Norm& norm, const Tensor& x, const Tensor& upstream) {
  lab::Results both = lab::with_gradients({x}, upstream, [&](const auto& in) { return norm(in[0]); });
  return {std::move(both[0]), std::move(both[1])};
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
