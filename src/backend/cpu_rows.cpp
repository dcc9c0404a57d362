// CpuKernels: row by row: bias, sums over an axis, layer norm, embedding.
#include <algorithm>
#include <cmath>

#include "backend/cpu.hpp"
#include "backend/parallel.hpp"
#include "backend/random_bits.hpp"
#include "backend/vector.hpp"
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

/// out = dropout(f(x + bias)), element by element, in one pass over memory.
template <class F>
void each_kept_entry(int threads, const Dropout& d, const Real* x, const Real* bias, Real* out, Index rows, Index cols, F f) {
  parallel_ranges(threads, rows * cols, least_computed, bits_at_once, [=, &d](Index begin, Index end, int) {
    for_random_bits(d, begin, end,
                    [=, threshold = d.threshold, factor = d.scale()](Index first, Index count, const std::uint16_t* bits) {
                      for (Index done = 0, c = first % cols; done < count; c = 0) {
                        const Index run = std::min(count - done, cols - c);  // up to the row's end
                        const Real *in = x + first + done, *b = bias + c;
                        Real* to = out + first + done;
                        const std::uint16_t* own = bits + done;
#pragma omp simd
                        for (Index i = 0; i < run; ++i) {
                          const Real scaled = f(in[i] + b[i]) * factor;
                          to[i] = own[i] >= threshold ? scaled : 0;
                        }
                        done += run;
                      }
                    });
  });
}

/// out[c] = Σ_r x[r · stride + c] for c in [begin, end), row after row. The sums stay in memory that no other thread writes to,
/// as it might to lines of the cache that hold an end of `out`.
void sum_columns(const Real* x, Index stride, Index rows, Real* out, Index begin, Index end) {
  constexpr Index together = 1024;
  alignas(64) Real sums[together];
  for (Index first = begin; first < end; first += together) {
    const Index count = std::min(together, end - first);
    std::fill_n(sums, count, Real{0});
    for (Index r = 0; r < rows; ++r) {
      const Real* row = x + r * stride + first;
#pragma omp simd
      for (Index c = 0; c < count; ++c) sums[c] += row[c];
    }
    std::copy_n(sums, count, out + first);
  }
}

/// What layer_norm_backward() reads and writes; to dgamma and dbeta it adds.
struct NormGradient {
  const Real *x, *gamma, *mean, *rstd, *dy;
  Real *dx, *dgamma, *dbeta;
  Index cols;
};

/// Rows [r, r + rows): dgamma and dbeta are fetched and written once for all of them.
template <int rows>
void norm_gradient_rows(const NormGradient& of, Index r) {
  const Index cols = of.cols, whole = cols / vector_width * vector_width;
  const Real *x = of.x + r * cols, *dy = of.dy + r * cols, *gamma = of.gamma;
  Vector sum_g[rows], sum_gn[rows];
  for (int i = 0; i < rows; ++i) sum_g[i] = sum_gn[i] = 0;
  for (Index c = 0; c < whole; c += vector_width) {
    const Vector scale(gamma + c, unaligned);
    Vector dgamma(of.dgamma + c, unaligned), dbeta(of.dbeta + c, unaligned);
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
      const Vector n = (Vector(x + i * cols + c, unaligned) - of.mean[r + i]) * of.rstd[r + i], up(dy + i * cols + c, unaligned);
      const Vector g = up * scale;
      sum_g[i] += g;
      sum_gn[i] += g * n;
      dgamma += up * n;
      dbeta += up;
    }
    dgamma.copy_to(of.dgamma + c, unaligned);
    dbeta.copy_to(of.dbeta + c, unaligned);
  }
  for (int i = 0; i < rows; ++i) {
    const Real middle = of.mean[r + i], factor = of.rstd[r + i];
    const Real *in = x + i * cols, *up = dy + i * cols;
    Real* out = of.dx + (r + i) * cols;
    Real total_g = reduce(sum_g[i]), total_gn = reduce(sum_gn[i]);
    for (Index c = whole; c < cols; ++c) {
      const Real n = (in[c] - middle) * factor, g = up[c] * gamma[c];
      total_g += g, total_gn += g * n;
      of.dgamma[c] += up[c] * n;
      of.dbeta[c] += up[c];
    }
    const Real mean_g = total_g / static_cast<Real>(cols), mean_gn = total_gn / static_cast<Real>(cols);
#pragma omp simd
    for (Index c = 0; c < cols; ++c) out[c] = factor * (up[c] * gamma[c] - mean_g - (in[c] - middle) * factor * mean_gn);
  }
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

void CpuKernels::bias_activate_dropout(Activation kind, const Dropout& d, const Real* x, const Real* bias, Real* out, Index rows,
                                       Index cols) {
  if (!d.active()) return bias_activate(kind, x, bias, out, rows, cols);
  if (kind == Activation::relu)
    each_kept_entry(threads_, d, x, bias, out, rows, cols, [](Real z) { return z < 0 ? 0 : z; });
  else
    each_kept_entry(threads_, d, x, bias, out, rows, cols, [](Real z) { return z * vector_normal(z).cdf; });
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
                  [=](Index begin, Index end, int) { sum_columns(x, cols, rows, out, begin, end); });
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

// Each thread gathers dgamma and dbeta of its own rows, and the parts are added in order.
void CpuKernels::layer_norm_backward(const Real* x, const Real* gamma, const Real* mean, const Real* rstd,
                                     const Real* dy, Real* dx, Real* dgamma, Real* dbeta, Index rows,
                                     Index cols) {
  partial_.assign(static_cast<std::size_t>(2 * cols * threads_), Real{0});
  parallel_ranges(threads_, rows, least_rows(cols), 1, [=, parts = partial_.data()](Index begin, Index end, int piece) {
    Real* part = parts + 2 * cols * piece;
    const NormGradient of{x, gamma, mean, rstd, dy, dx, part, part + cols, cols};
    constexpr Index together = 2;
    Index r = begin;
    for (; r + together <= end; r += together) norm_gradient_rows<together>(of, r);
    for (; r < end; ++r) norm_gradient_rows<1>(of, r);
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

// Each thread adds to its own rows of the table, so that every sum has one order. Neighbours belong to different threads,
// since frequent tokens have neighbouring ids.
void CpuKernels::scatter_add(const std::int32_t* ids, const Real* dy, Real scale, Real* dtable, Index count,
                             Index vocabulary, Index dim) {
  fill(dtable, 0, vocabulary * dim);
  const Index owners = threads_, least = count >= 2 * least_rows(dim) ? 1 : owners;
  parallel_ranges(threads_, owners, least, 1, [=](Index first, Index end, int) {
    for (Index i = 0; i < count; ++i) {
      const Index owner = ids[i] % owners;
      if (owner < first || owner >= end) continue;
      Real* row = dtable + ids[i] * dim;
#pragma omp simd
      for (Index d = 0; d < dim; ++d) row[d] += scale * dy[i * dim + d];
    }
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
