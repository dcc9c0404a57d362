// CpuKernels: softmax and cross-entropy.
#include <algorithm>
#include <cmath>

#include "backend/cpu.hpp"
#include "backend/parallel.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// each_row() where every number is an exponential, which costs about two plain operations.
template <class Body>
void each_exponential_row(int threads, Index rows, Index cols, const Body& body) {
  each_row(threads, rows, 2 * cols, body);
}

/// One row of cross_entropy_gradient, in two passes: z becomes exp(z - largest), then dlogits, which dbias gets added.
/// Every exponential is computed once.
void gradient_row(const CrossEntropyRows& rows, const Real* bias, std::int32_t target, Real factor, Real* z, Real& loss,
                  Real& log_sum, Real* dbias) {
  const Index classes = rows.classes;
  Real largest = z[0] + bias[0], logits = 0;
#pragma omp simd reduction(max : largest) reduction(+ : logits)
  for (Index c = 0; c < classes; ++c) {
    const Real logit = z[c] + bias[c];
    z[c] = logit;
    largest = logit > largest ? logit : largest;
    logits += logit;
  }
  const Real at_target = z[target];
  Real exps = 0;
#pragma omp simd reduction(+ : exps)
  for (Index c = 0; c < classes; ++c) {
    const Real e = vector_exp(z[c] - largest);
    z[c] = e;
    exps += e;
  }
  const Real s = rows.smoothing, share = s / static_cast<Real>(classes);
  log_sum = largest + std::log(exps);
  loss = log_sum - (1 - s) * at_target - share * logits;
  const Real inverse = factor / exps, shared = factor * share;
  z[target] -= (1 - s) * exps;
#pragma omp simd
  for (Index c = 0; c < classes; ++c) {
    const Real dz = z[c] * inverse - shared;
    z[c] = dz;
    dbias[c] += dz;
  }
}

}  // namespace

void CpuKernels::softmax(const Mask& mask, const Real* x, Real* y, Index rows, Index cols) {
  each_exponential_row(threads_, rows, cols, [=, &mask](Index r) {
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
  each_exponential_row(threads_, rows, cols, [=](Index r) {
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
  each_exponential_row(threads_, rows.rows, classes, [=, &rows](Index r) {
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
  each_exponential_row(threads_, rows.rows, classes, [=, &rows](Index r) {
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

void CpuKernels::cross_entropy_gradient(const CrossEntropyRows& rows, const Real* bias, const std::int32_t* targets,
                                        Real factor, Real* logits, Real* losses, Real* log_sums, Real* dbias) {
  const Index classes = rows.classes;
  partial_.assign(static_cast<std::size_t>(classes * threads_), Real{0});
  parallel_ranges(threads_, rows.rows, least_rows(4 * classes), 1, [&](Index begin, Index end, int piece) {
    for (Index r = begin; r < end; ++r) {
      Real* z = logits + r * classes;
      losses[r] = log_sums[r] = 0;
      if (targets[r] == rows.ignore)
        std::fill_n(z, classes, Real{0});
      else
        gradient_row(rows, bias, targets[r], factor, z, losses[r], log_sums[r], partial_.data() + classes * piece);
    }
  });
  ReferenceKernels::sum_rows(partial_.data(), dbias, threads_, classes);
}

}  // namespace tenfold::inline TENFOLD_REAL
