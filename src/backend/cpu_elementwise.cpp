// CpuKernels: element by element, dropout, reductions and updates.
#include <algorithm>
#include <cmath>

#include "backend/cpu.hpp"
#include "backend/parallel.hpp"
#include "backend/random_bits.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index least_moved = 16384;  ///< as least_computed, of what is only copied or added

/// body(i) for every i, in parallel and in SIMD.
template <class Body>
void each(int threads, Index n, Index least, Body body) {
  parallel_ranges(threads, n, least, 64, [body](Index begin, Index end, int) {
#pragma omp simd
    for (Index i = begin; i < end; ++i) body(i);
  });
}

/// body(i, kept) for every i, kept being d.keeps(i).
template <class Body>
void each_kept(int threads, const Dropout& d, Index n, Body body) {
  parallel_ranges(threads, n, least_computed, bits_at_once, [&d, body](Index begin, Index end, int) {
    for_random_bits(d, begin, end,
                    [threshold = d.threshold, body](Index first, Index count, const std::uint16_t* bits) {
#pragma omp simd
                      for (Index i = 0; i < count; ++i) body(first + i, bits[i] >= threshold);
                    });
  });
}

/// Σ value(i): blocks of fixed size, their sums added in order, so that no number of threads changes the
/// result.
template <class Value>
double sum_of(int threads, Index n, Value value) {
  constexpr Index block = 16384;
  const Index blocks = (n + block - 1) / block;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  parallel_ranges(threads, blocks, 1, 1, [&](Index begin, Index end, int) {
    const Value own = value;  // GCC gathers one by one what it reads through a closure
    for (Index b = begin; b < end; ++b) {
      const Index stop = std::min(n, (b + 1) * block);
      double total = 0;
#pragma omp simd reduction(+ : total)
      for (Index i = b * block; i < stop; ++i) total += own(i);
      sums[static_cast<std::size_t>(b)] = total;
    }
  });
  double total = 0;
  for (double part : sums) total += part;
  return total;
}

}  // namespace

void CpuKernels::fill(Real* out, Real value, Index n) {
  each(threads_, n, least_moved, [=](Index i) { out[i] = value; });
}

void CpuKernels::copy(const Real* x, Real* out, Index n) {
  each(threads_, n, least_moved, [=](Index i) { out[i] = x[i]; });
}

void CpuKernels::add(const Real* a, const Real* b, Real* out, Index n) {
  each(threads_, n, least_moved, [=](Index i) { out[i] = a[i] + b[i]; });
}

void CpuKernels::multiply(const Real* a, const Real* b, Real* out, Index n) {
  each(threads_, n, least_moved, [=](Index i) { out[i] = a[i] * b[i]; });
}

void CpuKernels::scale(const Real* x, Real factor, Real* out, Index n) {
  each(threads_, n, least_moved, [=](Index i) { out[i] = x[i] * factor; });
}

void CpuKernels::activate(Activation kind, const Real* x, Real* out, Index n) {
  if (kind == Activation::relu)
    each(threads_, n, least_moved, [=](Index i) { out[i] = x[i] < 0 ? 0 : x[i]; });
  else
    each(threads_, n, least_computed, [=](Index i) { out[i] = x[i] * vector_normal(x[i]).cdf; });
}

void CpuKernels::activate_backward(Activation kind, const Real* x, const Real* dy, Real factor, Real* dx, Index n) {
  if (kind == Activation::relu) {
    each(threads_, n, least_moved, [=](Index i) { dx[i] = dy[i] * (x[i] <= 0 ? Real{0} : factor); });
  } else {
    each(threads_, n, least_computed, [=](Index i) {
      const auto normal = vector_normal(x[i]);
      dx[i] = factor * dy[i] * (normal.cdf + x[i] * normal.pdf);
    });
  }
}

void CpuKernels::dropout(const Dropout& d, const Real* x, Real* out, Index n) {
  const Real factor = d.scale();
  if (!d.active()) return copy(x, out, n);
  each_kept(threads_, d, n, [=](Index i, bool kept) {
    const Real scaled = x[i] * factor;  // in any case, so that the loop has no branch
    out[i] = kept ? scaled : 0;
  });
}

void CpuKernels::residual_dropout(const Dropout& d, const Real* x, const Real* y, Real* out, Index n) {
  const Real factor = d.scale();
  if (!d.active()) return add(x, y, out, n);
  each_kept(threads_, d, n, [=](Index i, bool kept) {
    const Real scaled = y[i] * factor;
    out[i] = kept ? x[i] + scaled : x[i];
  });
}

double CpuKernels::sum(const Real* x, Index n) {
  return sum_of(threads_, n, [=](Index i) { return static_cast<double>(x[i]); });
}

double CpuKernels::sum_squares(const Real* x, Index n) {
  return sum_of(threads_, n, [=](Index i) { return static_cast<double>(x[i]) * static_cast<double>(x[i]); });
}

void CpuKernels::sgd(Real* value, const Real* g, Real learning_rate, Real gradient_scale, Index n) {
  each(threads_, n, least_moved, [=](Index i) { value[i] -= learning_rate * (gradient_scale * g[i]); });
}

void CpuKernels::adam(const AdamStep& s, Real* value, const Real* g, Real* m, Real* v, Index n) {
  each(threads_, n, least_computed, [=](Index i) {
    const Real gradient = s.gradient_scale * g[i];
    const Real mean = s.beta1 * m[i] + (1 - s.beta1) * gradient;
    const Real square = s.beta2 * v[i] + (1 - s.beta2) * gradient * gradient;
    const Real step = (mean / s.correction1) / (std::sqrt(square / s.correction2) + s.epsilon);
    m[i] = mean;
    v[i] = square;
    value[i] -= s.learning_rate * (step + s.weight_decay * value[i]);
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
