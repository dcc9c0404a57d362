/// @file
/// Learning-rate schedules: a number for every step, the first step being 1.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace tenfold {

/// What comes after the warm-up.
enum class ScheduleKind { constant, inverse_sqrt, cosine };

/// Rises linearly to `peak` over `warmup` steps. Then inverse_sqrt falls as sqrt(warmup / step) (Vaswani et al. 2017),
/// cosine falls along half a cosine to zero at `total` (Loshchilov and Hutter 2017), constant stays.
struct Schedule {
  ScheduleKind kind = ScheduleKind::inverse_sqrt;  ///< what comes after the warm-up
  double peak = 1e-3;                              ///< the highest rate
  std::int64_t warmup = 400;                       ///< steps of linear rise
  std::int64_t total = 0;  ///< of all steps; only cosine needs it

  /// The learning rate of `step`, from 1.
  double at(std::int64_t step) const {
    const double t = static_cast<double>(std::max<std::int64_t>(step, 1)), w = static_cast<double>(warmup);
    if (t < w) return peak * t / w;
    if (kind == ScheduleKind::inverse_sqrt) return peak * std::sqrt(std::max(w, 1.0) / t);
    if (kind == ScheduleKind::constant) return peak;
    const double done = std::min(1.0, (t - w) / std::max(1.0, static_cast<double>(total) - w));
    return peak * 0.5 * (1 + std::cos(std::numbers::pi * done));
  }
};

}  // namespace tenfold
