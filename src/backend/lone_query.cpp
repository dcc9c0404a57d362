#include "backend/lone_query.hpp"

#include <limits>

#include "backend/attention_rows.hpp"
#include "backend/parallel.hpp"
#include "backend/small_product.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr auto unaligned = std::experimental::element_aligned;

/// x·y of n numbers, a multiple of the vector's width.
Real vector_dot(const Real* x, const Real* y, Index n) {
  Vector total = 0;
  for (Index i = 0; i < n; i += vector_width) total += Vector(x + i, unaligned) * Vector(y + i, unaligned);
  return std::experimental::reduce(total);
}

/// y += factor · x
void add_scaled(Real factor, const Real* x, Real* y, Index n) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) y[i] += factor * x[i];
}

/// Asks for n numbers that the next batch entry will want: one entry's keys are too short a run for the processor to see
/// it coming.
void fetch(const Real* x, Index n) {
  for (Index i = 0; i < n; i += 64 / Index{sizeof(Real)}) __builtin_prefetch(x + i, 0, 2);
}

/// One batch entry: what its keys and values come to for its query.
void attend(const Attention& a, Index seen, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums) {
  thread_local AlignedVector<Real> memory;
  const Index d = a.head_dim, padded = padded_to_lanes(seen);
  Real* weights = room(memory, a.heads * padded);
  const bool whole = d % vector_width == 0;
  for (Index t = 0; t < seen; ++t) {
    const Real* key = k + t * a.k.row_stride;
    fetch(key + a.k.batch_stride, a.heads * d);
    for (Index h = 0; h < a.heads; ++h)
      weights[h * padded + t] = a.scale * (whole ? vector_dot(q + h * d, key + h * d, d) : dot(q + h * d, key + h * d, d));
  }
  for (Index h = 0; h < a.heads; ++h) {
    Real* row = weights + h * padded;
    std::fill(row + seen, row + padded, -std::numeric_limits<Real>::infinity());
    Real total;
    log_sums[h] = exponentiate(row, padded, total);
    const Real factor = 1 / total;
    each_lane(padded, [=](Index j) { row[j] *= factor; });
  }
  std::fill_n(o, a.heads * d, Real{0});
  for (Index t = 0; t < seen; ++t) {
    const Real* value = v + t * a.v.row_stride;
    fetch(value + a.v.batch_stride, a.heads * d);
    for (Index h = 0; h < a.heads; ++h) add_scaled(weights[h * padded + t], value + h * d, o + h * d, d);
  }
}

}  // namespace

void lone_queries(const Attention& a, int threads, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums) {
  const Index width = a.heads * a.head_dim, least = std::max<Index>(1, 65536 / std::max<Index>(1, a.keys * width));
  parallel_ranges(threads, a.batch, least, 1, [&](Index begin, Index end, int) {
    for (Index b = begin; b < end; ++b) {
      const Index seen = std::max<Index>(0, a.mask.visible(b * a.heads, a.keys));
      Real* out = o + b * a.o.batch_stride;
      if (seen > 0) {
        attend(a, seen, q + b * a.q.batch_stride, k + b * a.k.batch_stride, v + b * a.v.batch_stride, out,
               log_sums + b * a.heads);
      } else {
        std::fill_n(out, width, Real{0});
        std::fill_n(log_sums + b * a.heads, a.heads, Real{0});
      }
    }
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
