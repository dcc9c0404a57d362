/// @file
/// The activations and their slopes, one number at a time.
#pragma once
#include <cmath>
#include <numbers>

#include "backend/kernels.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Φ(x), the standard normal's distribution function: (1 + erf(x/√2)) / 2.
inline Real normal_cdf(Real x) { return (1 + std::erf(x / std::numbers::sqrt2_v<Real>)) / 2; }

/// φ(x), its density: exp(-x²/2) / √(2π).
inline Real normal_pdf(Real x) {
  const Real inv_sqrt_2pi = std::numbers::inv_sqrtpi_v<Real> / std::numbers::sqrt2_v<Real>;
  return inv_sqrt_2pi * std::exp(-x * x / 2);
}

/// relu: max(x, 0), and NaN stays NaN. gelu: x Φ(x) (Hendrycks and Gimpel 2016).
inline Real activation(Activation kind, Real x) {
  if (kind == Activation::relu) return x < 0 ? 0 : x;
  return x * normal_cdf(x);
}

/// relu' is 0 at 0 by convention. (x Φ(x))' = Φ(x) + x φ(x), since Φ' = φ.
inline Real activation_slope(Activation kind, Real x) {
  if (kind == Activation::relu) return x <= 0 ? 0 : 1;
  return normal_cdf(x) + x * normal_pdf(x);
}

}  // namespace tenfold::inline TENFOLD_REAL
