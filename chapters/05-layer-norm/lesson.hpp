/// @file
/// Chapter 5 at lesson size: layer norm forward and backward in plain loops, the backward derived by hand.
#pragma once
#include <cmath>
#include <vector>

#include "course/custom_operation.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter05 {

// [forward]
/// Rows with mean 0 and variance 1, and what they were divided by.
struct Normalized {
  std::vector<Real> hat;      ///< x̂, as many values as x
  std::vector<Real> inverse;  ///< 1 / sqrt(variance + ε), one for each row
};

/// @param n  the length of a row: the features of one token
inline Normalized normalize(const std::vector<Real>& x, std::size_t n, double epsilon) {
  Normalized out{x, {}};
  for (std::size_t row = 0; row < x.size(); row += n) {
    double mean = 0, variance = 0;
    for (std::size_t i = row; i < row + n; ++i) mean += x[i] / double(n);
    for (std::size_t i = row; i < row + n; ++i) variance += (x[i] - mean) * (x[i] - mean) / double(n);  // not n - 1
    const double inverse = 1 / std::sqrt(variance + epsilon);
    for (std::size_t i = row; i < row + n; ++i) out.hat[i] = Real((x[i] - mean) * inverse);
    out.inverse.push_back(Real(inverse));
  }
  return out;
}
// [/forward]

// [backward]
/// dL/dx from g = dL/dx̂: what is left of g without its part along (1, …, 1) and its part along x̂.
inline std::vector<Real> input_gradient(const Normalized& s, const std::vector<Real>& g, std::size_t n) {
  std::vector<Real> dx(g.size());
  for (std::size_t row = 0; row < g.size(); row += n) {
    double mean = 0, along = 0;
    for (std::size_t i = row; i < row + n; ++i) {
      mean += g[i] / double(n);
      along += g[i] * s.hat[i] / double(n);
    }
    for (std::size_t i = row; i < row + n; ++i) dx[i] = Real(s.inverse[row / n] * (g[i] - mean - s.hat[i] * along));
  }
  return dx;
}
// [/backward]

// [operation]
/// γ ⊙ x̂ + β for x [..., n], γ and β [n]; every row of n numbers is normalised by itself.
inline Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta, double epsilon = 1e-5) {
  const std::vector<Real> scale = gamma.value.to_host(), shift = beta.value.to_host();
  const std::size_t n = scale.size();
  const Normalized s = normalize(x.value.to_host(), n, epsilon);
  std::vector<Real> y(s.hat.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = scale[i % n] * s.hat[i] + shift[i % n];
  const auto backward = [=, device = &kernels(x.value)](const Tensor& upstream, std::span<Tensor> gradients) {
    const std::vector<Real> dy = upstream.to_host();
    std::vector<Real> g(dy.size()), d_scale(n), d_shift(n);
    for (std::size_t i = 0; i < dy.size(); ++i) {
      g[i] = scale[i % n] * dy[i];
      d_scale[i % n] += dy[i] * s.hat[i];
      d_shift[i % n] += dy[i];
    }
    const auto vector_of_n = [&](const std::vector<Real>& v) { return Tensor::from(*device, {Index(n)}, v); };
    gradients[0] = Tensor::from(*device, upstream.shape(), input_gradient(s, g, n));
    gradients[1] = vector_of_n(d_scale);
    gradients[2] = vector_of_n(d_shift);
  };
  return lab::custom_operation({x, gamma, beta}, Tensor::from(kernels(x.value), x.shape(), y), backward);
}
// [/operation]

}  // namespace chapter05
}  // namespace tenfold::inline TENFOLD_REAL
