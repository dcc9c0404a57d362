/// @file
/// Running a kernel on the reference and on the CPU backend, and comparing what they wrote.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "backend/kernels.hpp"

namespace tenfold::inline TENFOLD_REAL {

using Values = std::vector<Real>;
using Ids = std::vector<std::int32_t>;
inline constexpr Real nan_value = std::numeric_limits<Real>::quiet_NaN();
inline constexpr Real infinity = std::numeric_limits<Real>::infinity();

/// Uniform in [-1, 1).
inline Values uniform_values(Index n, std::uint64_t seed) {
  PhiloxSequence random(seed);
  Values values(static_cast<std::size_t>(n));
  for (Real& v : values) v = static_cast<Real>(2 * random.uniform() - 1);
  return values;
}

inline Ids random_ids(Index n, std::uint32_t below, std::uint64_t seed) {
  PhiloxSequence random(seed);
  Ids ids(static_cast<std::size_t>(n));
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.below(below));
  return ids;
}

/// Where the largest of a row stands, of equal ones the first, `barred` places passed over; -1 where none is a number
/// above minus infinity.
inline std::int32_t place_of_largest(std::span<const Real> row, const Ids& barred) {
  std::int32_t best = -1;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto at = static_cast<std::int32_t>(i);
    if (std::find(barred.begin(), barred.end(), at) != barred.end() || !(row[i] > -infinity)) continue;
    if (best < 0 || row[i] > row[static_cast<std::size_t>(best)]) best = at;
  }
  return best;
}

/// Whether the two hold the same bits, NaNs included.
inline bool same_bits(const Values& a, const Values& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0);
}

/// Every entry within `units` roundings of 1 + |expected|; NaN only matches NaN, infinity itself.
inline void check_close(const Values& expected, const Values& got, double units) {
  REQUIRE(expected.size() == got.size());
  Index wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double e = expected[i], g = got[i];
    const double bound = units * std::numeric_limits<Real>::epsilon() * (1 + std::abs(e));
    const bool same = std::isfinite(e) ? std::abs(e - g) <= bound : (std::isnan(e) ? std::isnan(g) : e == g);
    if (same) continue;
    if (++wrong == 1) MESSAGE("entry ", i, ": expected ", e, ", got ", g, ", bound ", bound);
  }
  CHECK(wrong == 0);
}

/// What a kernel writes: NaN at first, with a guard behind every output that must stay as it is.
struct Outputs {
  static constexpr Index guard = 32;
  explicit Outputs(const std::vector<Index>& sizes) {
    for (Index n : sizes) values.emplace_back(static_cast<std::size_t>(n + guard), nan_value);
  }
  Real* operator[](std::size_t i) { return values[i].data(); }
  void check_guards() {
    for (Values& v : values) {
      for (Index i = 0; i < guard; ++i) CHECK(std::isnan(v[v.size() - 1 - static_cast<std::size_t>(i)]));
      v.resize(v.size() - guard);
    }
  }
  std::vector<Values> values;
};

using Run = std::function<void(Kernels&, Outputs&)>;

inline Outputs run_on(Kernels& kernels, const std::vector<Index>& sizes, const Run& run) {
  Outputs outputs(sizes);
  run(kernels, outputs);
  outputs.check_guards();
  return outputs;
}

/// Runs on the reference and on the CPU with 1, 2 and 3 threads: close to the reference, and the same bits
/// when done again with the same number of threads.
inline void compare(const std::vector<Index>& sizes, double units, const Run& run) {
  const auto reference = make_reference_kernels();
  const Outputs expected = run_on(*reference, sizes, run);
  for (int threads : {1, 2, 3}) {
    CAPTURE(threads);
    const auto cpu = make_cpu_kernels(threads);
    const Outputs got = run_on(*cpu, sizes, run), again = run_on(*cpu, sizes, run);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      CAPTURE(i);
      check_close(expected.values[i], got.values[i], units);
      CHECK(same_bits(got.values[i], again.values[i]));
    }
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
