/// @file
/// exp, log and the normal distribution in a form that loops over them vectorise: no branch, no call, no table. And the largest
/// of many numbers.
///
/// The float ones are ours; double, which proves formulas and need not be fast, takes the standard library's.
#pragma once
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <experimental/simd>
#include <limits>
#include <numbers>

namespace tenfold {

/// The largest of n numbers, minus infinity where there is none; what is no number is passed over.
template <class Real>
[[gnu::always_inline]] inline Real largest_of(const Real* x, std::ptrdiff_t n) {
  namespace simd = std::experimental;
  using Vector = simd::native_simd<Real>;
  constexpr std::ptrdiff_t width = Vector::size();
  constexpr Real none = -std::numeric_limits<Real>::infinity();
  const auto at = [x](std::ptrdiff_t i) { return Vector(x + i, simd::element_aligned); };
  if (n < width) {
    Real largest = none;
    for (std::ptrdiff_t i = 0; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
  }
  const auto keep_larger = [](Vector& largest, const Vector& v) { where(v > largest, largest) = v; };
  Vector a = none, b = none, c = none, d = none;  // in one sequence each comparison would wait for the one before
  std::ptrdiff_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    keep_larger(a, at(i));
    keep_larger(b, at(i + width));
    keep_larger(c, at(i + 2 * width));
    keep_larger(d, at(i + 3 * width));
  }
  for (; i + width <= n; i += width) keep_larger(a, at(i));
  keep_larger(a, at(n - width));  // some a second time
  return hmax(max(max(a, b), max(c, d)));
}

/// vector_exp() of an x, or of many, that is at least -88; Bits are as many unsigned integers.
template <class Bits, class Floats>
inline Floats exp_above(Floats x) {
  // x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 · 2^23 rounds to an integer, and leaves it in the low
  // bits.
  constexpr float rounder = 0x1.8p23f;
  const Floats shifted = x * std::numbers::log2e_v<float> + rounder;
  const Floats n = shifted - rounder;
  // ln 2 in two parts, the first with so few bits that n · part is exact.
  constexpr float ln2_high = 0x1.62ep-1f, ln2_low = static_cast<float>(std::numbers::ln2 - 0x1.62ep-1);
  const Floats r = (x - n * ln2_high) - n * ln2_low;
  // e^r - 1 by Taylor's series: the first term left out, r^8 / 8!, is below 6e-9.
  Floats p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = (p * r) * r + r;
  // Times 2^n, whose exponent sits in bits 23 to 30; those for n = -127 are 0. What lies above the low bits is shifted out.
  const Floats scale = std::bit_cast<Floats>((std::bit_cast<Bits>(shifted) << 23) + (std::uint32_t{127} << 23));
  return p * scale + scale;
}

/// e^x within 2 ulp for x up to 88, as differences from the largest are; 0 where it is below 0.7 · 2^-126, NaN for NaN. Larger
/// x give no meaningful number: to heed them would cost a third more.
inline float vector_exp(float x) {
  // There the result is 0 already, and further out the exponent of 2^n would overflow. NaN passes.
  return exp_above<std::uint32_t>(x < -88.0f ? -88.0f : x);
}
/// The same of every lane.
template <class Abi>
inline std::experimental::simd<float, Abi> vector_exp(std::experimental::simd<float, Abi> x) {
  using Floats = std::experimental::simd<float, Abi>;
  where(x < -88.0f, x) = -88.0f;
  using Bits [[gnu::vector_size(sizeof(Floats))]] = std::uint32_t;  // not a simd, of which some processors would need two
  return exp_above<Bits>(x);
}
/// The double build has no need to hurry: std::exp.
inline double vector_exp(double x) { return std::exp(x); }
/// The same of every lane.
template <class Abi>
inline std::experimental::simd<double, Abi> vector_exp(const std::experimental::simd<double, Abi>& x) {
  return std::experimental::simd<double, Abi>([&x](auto lane) { return std::exp(static_cast<double>(x[lane])); });
}

/// ln x within 3 ulp for x from 1 on, as sums of e^(x - largest) are, or one; NaN for NaN and infinity. Of less
/// it is no meaningful number.
inline float vector_log(float x) {
  // x = 2^n m with m from 3/4 to 3/2: what is above 3/2's bits begins the next n.
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), whole = (bits - 0x3f400000) & 0xff800000;
  const float n = static_cast<float>(static_cast<std::int32_t>(whole) >> 23), m = std::bit_cast<float>(bits - whole);
  // ln m = 2 artanh t, t = (m - 1) / (m + 1) between -1/7 and 1/5; the first term left out is below 2^-27 of the first.
  const float t = (m - 1) / (m + 1), square = t * t;
  float p = 2.0f / 11;
  p = p * square + 2.0f / 9;
  p = p * square + 2.0f / 7;
  p = p * square + 2.0f / 5;
  p = p * square + 2.0f / 3;
  return (p * square) * t + (2 * t + n * std::numbers::ln2_v<float>) + 0 * x;  // what is no number stays none
}
/// std::log.
inline double vector_log(double x) { return std::log(x); }

/// Φ(x) and φ(x) of the standard normal distribution.
template <class T>
struct Normal {
  T cdf, pdf;  ///< Φ(x) and φ(x)
};

/// Both within 1.2e-7 absolutely.
inline Normal<float> vector_normal(float x) {
  // Φ(-t) = φ(t) M(t) for t >= 0, where M is Mills' ratio. That is smooth, so that a polynomial in a ratio w
  // of the kind of Abramowitz and Stegun 26.2.17 gives it; ours is 0 at t = 0 and exact near there, where φ
  // is large. Coefficients: interpolation at the ten Chebyshev nodes of t in [0, 13], relative error 9e-9.
  // Further out φ is 0.
  const float t = 0.26f * (std::abs(x) < 13 ? std::abs(x) : 13.0f);
  const float w = t / (1 + t);
  float m = -0.08390869f;
  m = m * w + 0.333752615f;
  m = m * w - 0.364933535f;
  m = m * w - 0.227705748f;
  m = m * w + 0.425011371f;
  m = m * w + 1.35877401f;
  m = m * w - 4.27213673f;
  m = m * w + 5.42397275f;
  m = m * w - 3.84615504f;
  m = m * w + 1.25331414f;
  const float pdf = 0.398942280f * vector_exp(-0.5f * x * x);
  const float tail = pdf * m;
  return {x < 0 ? tail : 1 - tail, pdf};
}
/// The double build: by std::erfc and std::exp.
inline Normal<double> vector_normal(double x) {
  const double pdf = std::numbers::inv_sqrtpi / std::numbers::sqrt2 * std::exp(-0.5 * x * x);
  return {0.5 * std::erfc(-x / std::numbers::sqrt2), pdf};
}

}  // namespace tenfold
