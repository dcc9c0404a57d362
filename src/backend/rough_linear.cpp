#include "backend/rough_linear.hpp"

#include <algorithm>
#include <cmath>

#include "backend/cpu.hpp"
#include "backend/packed_weights.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index lanes = 64;        ///< bytes in the widest vector: rows begin at multiples
constexpr Index rows_at_once = 4;  ///< rows of weights that share a load of the input

Real largest_magnitude(const Real* x, Index n) {
  Real largest = 0;
#pragma omp simd reduction(max : largest)
  for (Index i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
  return largest;
}

/// q = round(x / s) and s. All zero where x is, or holds what is not finite: a guess need not be good.
template <class T>
Real quantise(const Real* x, Index n, int shift, T* q) {
  const Real largest = largest_magnitude(x, n);
  const bool usable = largest > 0 && std::isfinite(largest);
  const Real factor = usable ? 127 / largest : 0;
  for (Index i = 0; i < n; ++i) {
    const Real scaled = usable ? x[i] * factor : 0;
    q[i] = static_cast<T>(static_cast<int>(scaled + (scaled < 0 ? Real{-0.5} : Real{0.5})) + shift);
  }
  return usable ? largest / 127 : 0;
}

/// Σ x q of rows_at_once rows.
void dot_rows(const std::uint8_t* x, const std::int8_t* q, Index stride, std::int32_t* out) {
  std::int32_t a = 0, b = 0, c = 0, d = 0;  // compilers make this four instructions for many bytes
  for (Index i = 0; i < stride; ++i) {
    a += x[i] * q[i];
    b += x[i] * q[stride + i];
    c += x[i] * q[2 * stride + i];
    d += x[i] * q[3 * stride + i];
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

Index round_up(Index n, Index to) { return (n + to - 1) / to * to; }

}  // namespace

RoughLinear::RoughLinear(const LinearWeights& weights)
    : weights_(weights),
      stride_(round_up(weights.in, lanes)),
      values_(static_cast<std::size_t>(round_up(weights.out, rows_at_once) * stride_)),
      scales_(static_cast<std::size_t>(weights.out)),
      shifts_(static_cast<std::size_t>(weights.out)) {
  for (Index o = 0; o < weights.out; ++o) {
    std::int8_t* q = values_.data() + o * stride_;
    scales_[static_cast<std::size_t>(o)] = quantise(weights.weight + o * weights.in, weights.in, 0, q);
    std::int32_t sum = 0;
    for (Index i = 0; i < weights.in; ++i) sum += q[i];
    shifts_[static_cast<std::size_t>(o)] = 128 * sum;
  }
}

void RoughLinear::run(const Real* x, Real* y, Index rows) const {
  thread_local std::vector<std::uint8_t> bytes;
  bytes.assign(static_cast<std::size_t>(stride_), 0);
  for (Index r = 0; r < rows; ++r, x += weights_.in, y += weights_.out) {
    const Real scale = quantise(x, weights_.in, 128, bytes.data());
    for (Index o = 0; o < weights_.out; o += rows_at_once) {
      std::int32_t sums[rows_at_once];
      dot_rows(bytes.data(), values_.data() + o * stride_, stride_, sums);
      for (Index i = o; i < std::min(weights_.out, o + rows_at_once); ++i)
        y[i] = scale * scales_[static_cast<std::size_t>(i)] *
               static_cast<Real>(sums[i - o] - shifts_[static_cast<std::size_t>(i)]);
    }
    finish_linear(weights_, y, 1, 0, weights_.out);
  }
}

std::unique_ptr<PreparedLinear> CpuKernels::prepare_roughly(const LinearWeights& weights) {
  return std::make_unique<RoughLinear>(weights);
}

}  // namespace tenfold::inline TENFOLD_REAL
