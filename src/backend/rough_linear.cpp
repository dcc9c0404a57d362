#include "backend/rough_linear.hpp"

#include <algorithm>
#include <cmath>

#include "backend/cpu.hpp"
#include "backend/packed_weights.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index lanes = 64;          ///< bytes in the widest vector: rows begin at multiples
constexpr Index rows_at_once = 4;    ///< rows of weights that share a load of the input
constexpr int weight_limit = 127;    ///< largest number a weight becomes
constexpr int input_limit = 4095;    ///< and an input: sums of 4,000 products stay in 32 bits

/// The largest magnitude of x; NaN where x holds what is not finite.
Real largest_magnitude(const Real* x, Index n) {
  Real largest = 0, finite = 0;  // 0 · x is NaN for infinity and NaN, which a maximum may pass over
#pragma omp simd reduction(max : largest) reduction(+ : finite)
  for (Index i = 0; i < n; ++i) {
    largest = std::max(largest, std::abs(x[i]));
    finite += 0 * x[i];
  }
  return largest + finite;
}

/// q = round(x / s), at most `limit`, and s. All zero where x is (nearly), or holds what is not finite: a guess need not be
/// good.
template <class T>
Real quantise(const Real* x, Index n, int limit, T* q) {
  const Real largest = largest_magnitude(x, n), most = static_cast<Real>(limit);
  const bool usable = largest > 0 && std::isfinite(most / largest);
  const Real factor = usable ? most / largest : 0;
  for (Index i = 0; i < n; ++i) {
    const Real scaled = usable ? x[i] * factor : 0;
    q[i] = static_cast<T>(static_cast<int>(scaled + (scaled < 0 ? Real{-0.5} : Real{0.5})));
  }
  return usable ? largest / most : 0;
}

/// Σ x q of rows_at_once rows. Both are multiplied as 16 bits, for which processors have an instruction that adds pairs.
void dot_rows(const std::int16_t* x, const std::int8_t* q, Index stride, std::int32_t* out) {
  std::int32_t a = 0, b = 0, c = 0, d = 0;
  for (Index i = 0; i < stride; ++i) {
    a += x[i] * static_cast<std::int16_t>(q[i]);
    b += x[i] * static_cast<std::int16_t>(q[stride + i]);
    c += x[i] * static_cast<std::int16_t>(q[2 * stride + i]);
    d += x[i] * static_cast<std::int16_t>(q[3 * stride + i]);
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
      scales_(static_cast<std::size_t>(weights.out)) {
  for (Index o = 0; o < weights.out; ++o)
    scales_[static_cast<std::size_t>(o)] =
        quantise(weights.weight + o * weights.in, weights.in, weight_limit, values_.data() + o * stride_);
}

void RoughLinear::run(const Real* x, Real* y, Index rows) const {
  thread_local AlignedVector<std::int16_t> numbers;
  numbers.assign(static_cast<std::size_t>(stride_), 0);
  for (Index r = 0; r < rows; ++r, x += weights_.in, y += weights_.out) {
    const Real scale = quantise(x, weights_.in, input_limit, numbers.data());
    for (Index o = 0; o < weights_.out; o += rows_at_once) {
      std::int32_t sums[rows_at_once];
      dot_rows(numbers.data(), values_.data() + o * stride_, stride_, sums);
      for (Index i = o; i < std::min(weights_.out, o + rows_at_once); ++i)
        y[i] = scale * scales_[static_cast<std::size_t>(i)] * static_cast<Real>(sums[i - o]);
    }
    for (Index o = 0; weights_.bias && o < weights_.out; ++o) y[o] += weights_.bias[o];
    if (weights_.activation == Activation::relu)
      for (Index o = 0; o < weights_.out; ++o) y[o] = y[o] < 0 ? 0 : y[o];
    if (weights_.activation == Activation::gelu) apply_gelu(y, weights_.out);
  }
}

std::unique_ptr<PreparedLinear> CpuKernels::prepare_roughly(const LinearWeights& weights) {
  if (weights.in > 4000) return std::make_unique<PlainLinear>(*this, weights);  // sums might not fit
  return std::make_unique<RoughLinear>(weights);
}

}  // namespace tenfold::inline TENFOLD_REAL
