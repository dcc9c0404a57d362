/// @file
/// The activations and their slopes on the device; the formulas and their derivation are backend/activation.hpp's.
#pragma once
#include <cmath>
#include <numbers>

#include "backend/kernels.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// Φ(x) of the standard normal distribution. With erfc and not 1 + erf: to the far left the sum would cancel.
__device__ inline Real normal_cdf(Real x) { return Real{0.5} * std::erfc(-x * (1 / std::numbers::sqrt2_v<Real>)); }

/// φ(x), its density.
__device__ inline Real normal_pdf(Real x) {
  constexpr Real inv_sqrt_2pi = std::numbers::inv_sqrtpi_v<Real> / std::numbers::sqrt2_v<Real>;
  return inv_sqrt_2pi * std::exp(x * x * Real{-0.5});
}

/// relu: max(x, 0), and NaN stays NaN. gelu: x Φ(x).
__device__ inline Real activation(Activation kind, Real x) {
  if (kind == Activation::relu) return x < 0 ? 0 : x;
  return x * normal_cdf(x);
}

/// relu' is 0 at 0 by convention. (x Φ(x))' = Φ(x) + x φ(x).
__device__ inline Real activation_slope(Activation kind, Real x) {
  if (kind == Activation::relu) return x <= 0 ? 0 : 1;
  return normal_cdf(x) + x * normal_pdf(x);
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
