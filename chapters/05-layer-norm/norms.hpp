/// @file
/// The norms that chapter 5 compares: the healthy one and each way to get it wrong, all [batch, time, dim] to
/// the same.
#pragma once
#include <cmath>
#include <functional>
#include <string>

#include "05-layer-norm/lesson.hpp"
#include "ops/layer_norm.hpp"
#include "ops/permute.hpp"
#include "ops/reshape.hpp"
#include "ops/scale.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter05 {

/// A norm without gain and bias (γ = 1, β = 0): statistics are what this chapter is about.
using Norm = std::function<Variable(const Variable&)>;

/// Over the last axis, by the engine.
inline Variable plain_norm(const Variable& x, double epsilon) {
  Kernels& k = kernels(x.value);
  const Shape width{x.shape().back()};
  return tenfold::layer_norm(x, filled(k, width, 1), filled(k, width, 0), static_cast<Real>(epsilon));
}

/// Over the time axis: one mean and variance for each feature of each sequence.
inline Variable norm_over_time(const Variable& x, double epsilon) {
  return permute(plain_norm(permute(x, {0, 2, 1}), epsilon), {0, 2, 1});
}

/// Batch norm in training: one mean and variance for each feature, over all tokens of all sequences, padding
/// included.
inline Variable batch_norm(const Variable& x, double epsilon) {
  const Shape s = x.shape();
  return reshape(norm_over_time(reshape(x, {1, s[0] * s[1], s[2]}), epsilon), s);
}

/// Squares divided by n - 1. Since S/(n-1) + ε = n/(n-1) · (S/n + ε(n-1)/n), it is a layer norm times a
/// constant.
inline Variable unbiased_norm(const Variable& x, double epsilon) {
  const auto n = static_cast<double>(x.shape().back());
  return scale(plain_norm(x, epsilon * (n - 1) / n), static_cast<Real>(std::sqrt((n - 1) / n)));
}

/// Divided by σ + ε instead of sqrt(σ² + ε). With s = σ + ε and x̂ = (x - mean) / s:
/// dL/dx = (g - mean(g)) / s - (x - mean) · mean(g ⊙ (x - mean)) / (s² σ), which is 0/0 for a constant row.
inline Variable epsilon_outside_norm(const Variable& x, double epsilon) {
  const auto n = static_cast<std::size_t>(x.shape().back());
  const std::vector<Real> input = x.value.to_host();
  std::vector<Real> centred(input.size()), sigma(input.size() / n), y(input.size());
  for (std::size_t row = 0; row < input.size(); row += n) {
    double mean = 0, squares = 0;
    for (std::size_t i = row; i < row + n; ++i) mean += input[i] / double(n);
    for (std::size_t i = row; i < row + n; ++i) {
      centred[i] = Real(input[i] - mean);
      squares += double(centred[i]) * centred[i] / double(n);
    }
    sigma[row / n] = Real(std::sqrt(squares));
    for (std::size_t i = row; i < row + n; ++i) y[i] = centred[i] / (sigma[row / n] + Real(epsilon));
  }
  const auto backward = [=, device = &kernels(x.value)](const Tensor& upstream, std::span<Tensor> gradients) {
    const std::vector<Real> g = upstream.to_host();
    std::vector<Real> dx(g.size());
    for (std::size_t row = 0; row < g.size(); row += n) {
      const double sd = sigma[row / n], s = sd + epsilon;
      double mean = 0, along = 0;
      for (std::size_t i = row; i < row + n; ++i) {
        mean += g[i] / double(n);
        along += g[i] * centred[i] / double(n);
      }
      for (std::size_t i = row; i < row + n; ++i)
        dx[i] = Real((g[i] - mean) / s - centred[i] * along / (s * s * sd));
    }
    gradients[0] = Tensor::from(*device, upstream.shape(), dx);
  };
  return lab::custom_operation({x}, Tensor::from(kernels(x.value), x.shape(), y), backward);
}

/// The norm of a variant of the experiment; "" is the healthy one, "none" leaves x as it is.
inline Norm norm_of(const std::string& variant, double epsilon = 1e-5) {
  return [=](const Variable& x) -> Variable {
    if (variant == "none") return x;
    if (variant == "batch-norm") return batch_norm(x, epsilon);
    if (variant == "wrong-axis") return norm_over_time(x, epsilon);
    if (variant == "unbiased") return unbiased_norm(x, epsilon);
    if (variant == "epsilon-outside") return epsilon_outside_norm(x, epsilon);
    return plain_norm(x, epsilon);
  };
}

}  // namespace chapter05
}  // namespace tenfold::inline TENFOLD_REAL
