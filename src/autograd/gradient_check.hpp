/// @file
/// Gradient check by central differences: (f(x + ε) - f(x - ε)) / 2ε against the analytic gradient, every entry.
/// Works on host doubles, so it serves operations, layers and whole models alike.
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>

namespace tenfold {

/// The worst entry of one check.
struct GradientError {
  double relative = 0;  ///< |analytic - numeric| / max(|analytic|, |numeric|, rms of the analytic gradient)
  double analytic = 0, numeric = 0;  ///< the two values that were compared there
  std::ptrdiff_t entry = -1;         ///< which entry it is; -1 before the first
  std::ptrdiff_t entries = 0;  ///< how many were compared
};

/// Compares `analytic` with central differences of `f`, which reads `x` (every entry is moved and put back).
/// The root mean square in the denominator keeps entries that are zero up to rounding from counting as wrong.
/// A NaN anywhere gives an infinite error.
inline GradientError check_gradient(const std::function<double()>& f, std::span<double> x,
                                    std::span<const double> analytic, double epsilon) {
  double squares = 0;
  for (double g : analytic) squares += g * g;
  const double rms = std::sqrt(squares / std::max<double>(1, static_cast<double>(analytic.size())));
  GradientError worst;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i], up = kept + epsilon, down = kept - epsilon;
    x[i] = up;
    const double f_up = f();
    x[i] = down;
    const double f_down = f();
    x[i] = kept;
    const double numeric = (f_up - f_down) / (up - down);
    const double exact = analytic.empty() ? 0 : analytic[i];
    const double difference = std::abs(exact - numeric);
    double relative = difference / std::max({std::abs(exact), std::abs(numeric), rms});
    if (difference == 0) relative = 0;
    if (!std::isfinite(relative)) relative = std::numeric_limits<double>::infinity();
    if (worst.entry < 0 || relative > worst.relative)
      worst = {relative, exact, numeric, static_cast<std::ptrdiff_t>(i), 0};
  }
  worst.entries = static_cast<std::ptrdiff_t>(x.size());
  return worst;
}

}  // namespace tenfold
