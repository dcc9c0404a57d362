/// @file
/// What the CPU's ways to attend share: rows of scores, and what becomes of them.
#pragma once
#include <algorithm>
#include <cmath>

#include "backend/aligned.hpp"
#include "backend/kernels.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Rows of scores are padded to a multiple, so that loops have no tail.
inline constexpr Index lanes = 16;

/// n, up to such a multiple.
inline Index padded_to_lanes(Index n) { return (n + lanes - 1) / lanes * lanes; }

/// Memory for n values; it grows to what the largest call needed and stays.
template <class T>
T* room(AlignedVector<T>& v, Index n) {
  if (static_cast<Index>(v.size()) < n) v.resize(static_cast<std::size_t>(n));
  return v.data();
}

/// Σ x y
inline Real dot(const Real* x, const Real* y, Index n) {
  Real total = 0;
#pragma omp simd reduction(+ : total)
  for (Index i = 0; i < n; ++i) total += x[i] * y[i];
  return total;
}

/// body(j) for every entry of a padded row: in runs of a length the compiler knows, since rows are short.
template <class Body>
void each_lane(Index padded, const Body& body) {
  for (Index j = 0; j < padded; j += lanes) {
#pragma omp simd
    for (Index lane = 0; lane < lanes; ++lane) body(j + lane);
  }
}

/// A row of scores becomes exp(score - largest), and `total` their sum. Returns the log of Σ exp(score).
inline Real exponentiate(Real* row, Index padded, Real& total) {
  Real largest = row[0], sum = 0;
  for (Index j = 0; j < padded; j += lanes) {
#pragma omp simd reduction(max : largest)
    for (Index lane = 0; lane < lanes; ++lane) largest = row[j + lane] > largest ? row[j + lane] : largest;
  }
  for (Index j = 0; j < padded; j += lanes) {
#pragma omp simd reduction(+ : sum)
    for (Index lane = 0; lane < lanes; ++lane) {
      const Real e = vector_exp(row[j + lane] - largest);
      row[j + lane] = e;
      sum += e;
    }
  }
  total = sum;
  return largest + std::log(sum);
}

}  // namespace tenfold::inline TENFOLD_REAL
