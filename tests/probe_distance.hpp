/// @file
/// How far two runs of an operation are apart, for the tests that run over all operations.
#pragma once
#include <algorithm>
#include <cmath>

#include "core/random_values.hpp"
#include "ops/probe.hpp"

namespace tenfold {

/// A random upstream gradient, never ones: a softmax row sums to one, so the gradient of its sum is zero, which a
/// wrong backward may well give.
inline std::vector<double> upstream_for(const HostTensor& y) { return random_values(7, 1000, y.shape.size()); }

// Largest |a - b|, relative to the largest |b|; infinite when shapes differ or a NaN is met.
inline double distance(const HostTensor& a, const HostTensor& b) {
  if (a.shape != b.shape || a.values.size() != b.values.size()) return INFINITY;
  double worst = 0, size = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double d = std::abs(a.values[i] - b.values[i]);
    if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
    size = std::max(size, std::abs(b.values[i]));
  }
  return worst / std::max(size, 1e-30);
}

inline double distance(const ProbeResult& a, const ProbeResult& b) {
  if (a.gradients.size() != b.gradients.size()) return INFINITY;
  double worst = distance(a.output, b.output);
  for (std::size_t i = 0; i < a.gradients.size(); ++i) worst = std::max(worst, distance(a.gradients[i], b.gradients[i]));
  return worst;
}

}  // namespace tenfold
