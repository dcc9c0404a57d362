// CpuKernels: softmax and cross-entropy.
#include <algorithm>
#include <cmath>

#include "backend/cpu.hpp"
#include "backend/parallel.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// body(r) for every row, in parallel; an exponential costs about two plain operations.
template <class Body>
void each_row(int threads, Index rows, Index cols, const Body& body) {
  parallel_ranges(threads, rows, least_rows(2 * cols), 1, [&](Index begin, Index end, int) {
    for (Index r = begin; r < end; ++r) body(r);
  });
}

Real largest_of(const Real* x, Index n) {
  Real largest = n > 0 ? x[0] : 0;
#pragma omp simd reduction(max : largest)
  for (Index c = 0; c < n; ++c) largest = x[c] > largest ? x[c] : largest;
  return largest;
}

}  // namespace

void CpuKernels::softmax(const Mask& mask, const Real* x, Real* y, Index rows, Index cols) {
  each_row(threads_, rows, cols, [=, &mask](Index r) {
    const Real* in = x + r * cols;
    Real* out = y + r * cols;
    const Index seen = std::max<Index>(mask.visible(r, cols), 0);
    const Real largest = largest_of(in, seen);
    Real total = 0;
#pragma omp simd reduction(+ : total)
    for (Index c = 0; c < seen; ++c) {
      const Real e = vector_exp(in[c] - largest);
      out[c] = e;
      total += e;
    }
    const Real factor = 1 / total;
#pragma omp simd
    for (Index c = 0; c < seen; ++c) out[c] *= factor;
    std::fill(out + seen, out + cols, Real{0});
  });
}

void CpuKernels::softmax_backward(const Real* y, const Real* dy, Real* dx, Index rows, Index cols) {
  each_row(threads_, rows, cols, [=](Index r) {
    const Real *out = y + r * cols, *up = dy + r * cols;
    Real mean = 0;
#pragma omp simd reduction(+ : mean)
    for (Index c = 0; c < cols; ++c) mean += out[c] * up[c];
#pragma omp simd
    for (Index c = 0; c < cols; ++c) dx[r * cols + c] = out[c] * (up[c] - mean);
  });
}

void CpuKernels::cross_entropy(const CrossEntropyRows& rows, const Real* logits, const std::int32_t* targets,
                               Real* losses, Real* log_sums) {
  const Index classes = rows.classes;
  each_row(threads_, rows.rows, classes, [=, &rows](Index r) {
    losses[r] = log_sums[r] = 0;
    if (targets[r] == rows.ignore) return;
    const Real* z = logits + r * classes;
    const Real largest = largest_of(z, classes);
    Real exps = 0, total = 0;
#pragma omp simd reduction(+ : exps, total)
    for (Index c = 0; c < classes; ++c) {
      exps += vector_exp(z[c] - largest);
      total += z[c];
    }
    const Real s = rows.smoothing;
    log_sums[r] = largest + std::log(exps);
    losses[r] = log_sums[r] - (1 - s) * z[targets[r]] - s * (total / static_cast<Real>(classes));
  });
}

void CpuKernels::cross_entropy_backward(const CrossEntropyRows& rows, const Real* logits,
                                        const std::int32_t* targets, const Real* log_sums, Real factor,
                                        Real* dlogits) {
  const Index classes = rows.classes;
  const Real share = rows.smoothing / static_cast<Real>(classes);
  each_row(threads_, rows.rows, classes, [=, &rows](Index r) {
    const Real* z = logits + r * classes;
    Real* dz = dlogits + r * classes;
    if (targets[r] == rows.ignore) return static_cast<void>(std::fill_n(dz, classes, Real{0}));
    const Real log_sum = log_sums[r];
    const Real at_target = factor * (vector_exp(z[targets[r]] - log_sum) - share - (1 - rows.smoothing));
#pragma omp simd
    for (Index c = 0; c < classes; ++c) dz[c] = factor * (vector_exp(z[c] - log_sum) - share);
    dz[targets[r]] = at_target;
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
