// CpuKernels: row by row: bias, sums over an axis, layer norm, embedding.
#include <algorithm>
#include <cmath>

#include "backend/cpu.hpp"
#include "backend/parallel.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// body(i, c) for every entry i in row-major order and its column c, in parallel and in SIMD.
template <class Body>
void each_entry(int threads, Index rows, Index cols, Body body) {
  each_row(threads, rows, cols, [cols, body](Index r) {
#pragma omp simd
    for (Index c = 0; c < cols; ++c) body(r * cols + c, c);
  });
}

/// out[c] = Σ_r x[r · stride + c] for c in [begin, end), row after row.
void sum_columns(const Real* x, Index stride, Index rows, Real* out, Index begin, Index end) {
  std::fill(out + begin, out + end, Real{0});
  for (Index r = 0; r < rows; ++r)
#pragma omp simd
    for (Index c = begin; c < end; ++c) out[c] += x[r * stride + c];
}

}  // namespace

void CpuKernels::add_bias(const Real* x, const Real* bias, Real* out, Index rows, Index cols) {
  each_entry(threads_, rows, cols, [=](Index i, Index c) { out[i] = x[i] + bias[c]; });
}

void CpuKernels::bias_activate(Activation kind, const Real* x, const Real* bias, Real* out, Index rows,
                               Index cols) {
  if (kind == Activation::relu) {
    each_entry(threads_, rows, cols, [=](Index i, Index c) {
      const Real z = x[i] + bias[c];
      out[i] = z < 0 ? 0 : z;
    });
  } else {
    each_entry(threads_, rows, cols, [=](Index i, Index c) {
      const Real z = x[i] + bias[c];
      out[i] = z * vector_normal(z).cdf;
    });
  }
}

void CpuKernels::bias_activate_backward(Activation kind, const Real* x, const Real* bias, const Real* dy,
                                        Real* dx, Index rows, Index cols) {
  if (kind == Activation::relu) {
    each_entry(threads_, rows, cols,
               [=](Index i, Index c) { dx[i] = dy[i] * (x[i] + bias[c] <= 0 ? Real{0} : Real{1}); });
  } else {
    each_entry(threads_, rows, cols, [=](Index i, Index c) {
      const Real z = x[i] + bias[c];
      const auto normal = vector_normal(z);
      dx[i] = dy[i] * (normal.cdf + z * normal.pdf);
    });
  }
}

// Each thread takes some columns of all rows: then every sum has one owner and one order.
void CpuKernels::sum_rows(const Real* x, Real* out, Index rows, Index cols) {
  parallel_ranges(threads_, cols, least_rows(rows), 16,
                  [&](Index begin, Index end, int) { sum_columns(x, cols, rows, out, begin, end); });
}

void CpuKernels::sum_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) {
  if (outer == 1) return sum_rows(x, out, axis, inner);
  if (inner > 1) {
    each_row(threads_, outer, axis * inner,
             [=](Index o) { sum_columns(x + o * axis * inner, inner, axis, out + o * inner, 0, inner); });
  } else {
    each_row(threads_, outer, axis, [=](Index o) {
      const Real* row = x + o * axis;
      Real total = 0;
#pragma omp simd reduction(+ : total)
      for (Index a = 0; a < axis; ++a) total += row[a];
      out[o] = total;
    });
  }
}

void CpuKernels::repeat_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) {
  if (inner > 1) {
    each_row(threads_, outer * axis, inner,
             [=](Index r) { std::copy_n(x + r / axis * inner, inner, out + r * inner); });
  } else {
    each_row(threads_, outer, axis, [=](Index o) { std::fill_n(out + o * axis, axis, x[o]); });
  }
}

void CpuKernels::copy_rows(const Real* x, Index x_stride, Real* out, Index out_stride, Index rows,
                           Index cols) {
  each_row(threads_, rows, cols, [=](Index r) { std::copy_n(x + r * x_stride, cols, out + r * out_stride); });
}

void CpuKernels::layer_norm(const Real* x, const Real* gamma, const Real* beta, Real epsilon, Real* y,
                            Real* mean, Real* rstd, Index rows, Index cols) {
  each_row(threads_, rows, cols, [=](Index r) {
    const Real* in = x + r * cols;
    Real* out = y + r * cols;
    Real total = 0, squares = 0;
#pragma omp simd reduction(+ : total)
    for (Index c = 0; c < cols; ++c) total += in[c];
    const Real middle = total / static_cast<Real>(cols);
#pragma omp simd reduction(+ : squares)
    for (Index c = 0; c < cols; ++c) squares += (in[c] - middle) * (in[c] - middle);
    const Real factor = 1 / std::sqrt(squares / static_cast<Real>(cols) + epsilon);
#pragma omp simd
    for (Index c = 0; c < cols; ++c) out[c] = (in[c] - middle) * factor * gamma[c] + beta[c];
    mean[r] = middle;
    rstd[r] = factor;
  });
}

// One pass over the rows: each thread gathers dgamma and dbeta of its own rows, and the parts are added in
// order.
void CpuKernels::layer_norm_backward(const Real* x, const Real* gamma, const Real* mean, const Real* rstd,
                                     const Real* dy, Real* dx, Real* dgamma, Real* dbeta, Index rows,
                                     Index cols) {
  partial_.assign(static_cast<std::size_t>(2 * cols * threads_), Real{0});
  parallel_ranges(threads_, rows, least_rows(cols), 1, [&](Index begin, Index end, int piece) {
    Real* part_gamma = partial_.data() + 2 * cols * piece;
    Real* part_beta = part_gamma + cols;
    const Real* scale = gamma;  // GCC gathers one by one what it reads through a closure
    for (Index r = begin; r < end; ++r) {
      const Real *in = x + r * cols, *up = dy + r * cols;
      Real* out = dx + r * cols;
      const Real middle = mean[r], factor = rstd[r];
      Real sum_g = 0, sum_gn = 0;
#pragma omp simd reduction(+ : sum_g, sum_gn)
      for (Index c = 0; c < cols; ++c) {
        const Real n = (in[c] - middle) * factor, g = up[c] * scale[c];
        sum_g += g;
        sum_gn += g * n;
        part_gamma[c] += up[c] * n;
        part_beta[c] += up[c];
      }
      const Real mean_g = sum_g / static_cast<Real>(cols), mean_gn = sum_gn / static_cast<Real>(cols);
#pragma omp simd
      for (Index c = 0; c < cols; ++c)
        out[c] = factor * (up[c] * scale[c] - mean_g - (in[c] - middle) * factor * mean_gn);
    }
  });
  sum_columns(partial_.data(), 2 * cols, threads_, dgamma, 0, cols);
  sum_columns(partial_.data() + cols, 2 * cols, threads_, dbeta, 0, cols);
}

void CpuKernels::gather(const Real* table, const std::int32_t* ids, Real scale, Real* out, Index count,
                        Index dim) {
  if (scale == 1)
    return each_row(threads_, count, dim, [=](Index i) { std::copy_n(table + ids[i] * dim, dim, out + i * dim); });
  each_row(threads_, count, dim, [=](Index i) {
    const Real* row = table + ids[i] * dim;
#pragma omp simd
    for (Index d = 0; d < dim; ++d) out[i * dim + d] = scale * row[d];
  });
}

// Each thread takes some columns of the table, so that no two add to one entry and every sum has one order.
void CpuKernels::scatter_add(const std::int32_t* ids, const Real* dy, Real scale, Real* dtable, Index count,
                             Index vocabulary, Index dim) {
  parallel_ranges(threads_, dim, least_rows(count + vocabulary), 16, [&](Index begin, Index end, int) {
    for (Index w = 0; w < vocabulary; ++w)
      std::fill(dtable + w * dim + begin, dtable + w * dim + end, Real{0});
    for (Index i = 0; i < count; ++i) {
      Real* row = dtable + ids[i] * dim;
#pragma omp simd
      for (Index d = begin; d < end; ++d) row[d] += scale * dy[i * dim + d];
    }
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
