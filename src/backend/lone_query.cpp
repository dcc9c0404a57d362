#include "backend/lone_query.hpp"

#include <limits>

#include "backend/attention_rows.hpp"
#include "backend/parallel.hpp"
#include "backend/small_product.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// x·y of a head of d numbers: of so many vectors, or of any number where `vectors` is 0.
template <int vectors>
Real head_dot(const Real* x, const Real* y, Index d) {
  if constexpr (vectors == 0) return dot(x, y, d);
  Vector total = 0;
#pragma GCC unroll 8
  for (int i = 0; i < vectors * vector_width; i += vector_width)
    total += Vector(x + i, unaligned) * Vector(y + i, unaligned);
  return std::experimental::reduce(total);
}

/// y += factor · x
void add_scaled(Real factor, const Real* x, Real* y, Index n) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) y[i] += factor * x[i];
}

/// The keys and values of a batch entry: one after another, or where `rows` says.
struct Entry {
  const Real *keys, *values;  ///< row 0
  const std::int32_t* rows;   ///< the entry's part of Attention::key_rows, or null
  Index row(Index t) const { return rows ? rows[t] : t; }
};

Entry entry_of(const Attention& a, Index b, const Real* k, const Real* v) {
  return {k + b * a.k.batch_stride, v + b * a.v.batch_stride, a.key_rows ? a.key_rows + b * a.keys : nullptr};
}

/// o = Σ_t weight_t · value_t for `vectors` vectors of an entry's rows, from column `first` on.
template <int vectors>
void weighted_sum(const Attention& a, const Entry& entry, Index first, Index seen, const Real* weights, Index padded,
                  Real* o) {
  Vector total[vectors];
  const Real* row[vectors];
#pragma GCC unroll 8
  for (int i = 0; i < vectors; ++i) total[i] = 0;
#pragma GCC unroll 8
  for (int i = 0; i < vectors; ++i) row[i] = weights + (first + i * vector_width) / a.head_dim * padded;
  for (Index t = 0; t < seen; ++t) {
    const Real* value = entry.values + entry.row(t) * a.v.row_stride + first;
#pragma GCC unroll 8
    for (int i = 0; i < vectors; ++i) total[i] += row[i][t] * Vector(value + i * vector_width, unaligned);
  }
#pragma GCC unroll 8
  for (int i = 0; i < vectors; ++i) total[i].copy_to(o + first + i * vector_width, unaligned);
}

/// Asks for n numbers of the next batch entry: one entry's keys are too short a run for the processor to see them coming.
void fetch(const Real* x, Index n) {
  for (Index i = 0; i < n; i += 64 / Index{sizeof(Real)}) __builtin_prefetch(x + i, 0, 2);
}

/// One batch entry: what its keys and values come to for its query, while those of `next`, which may be the same, are fetched.
/// Heads are of so many vectors, or of any number where `vectors` is 0.
template <int vectors>
void attend(const Attention& a, const Entry& entry, const Entry& next, Index seen, const Real* q, Real* o,
            Real* log_sums) {
  thread_local AlignedVector<Real> memory;
  const Index d = a.head_dim, width = a.heads * d, padded = padded_to_lanes(seen);
  Real* weights = room(memory, a.heads * padded);
  for (Index t = 0; t < seen; ++t) {
    const Real *key = entry.keys + entry.row(t) * a.k.row_stride, *ahead = next.keys + next.row(t) * a.k.row_stride;
    if (ahead != key) fetch(ahead, width);
    for (Index h = 0; h < a.heads; ++h)
      weights[h * padded + t] = a.scale * head_dot<vectors>(q + h * d, key + h * d, d);
  }
  for (Index h = 0; h < a.heads; ++h) {
    Real* row = weights + h * padded;
    std::fill(row + seen, row + padded, -std::numeric_limits<Real>::infinity());
    Real total;
    log_sums[h] = exponentiate(row, padded, total);
    const Real factor = 1 / total;
    each_lane(padded, [=](Index j) { row[j] *= factor; });
  }
  for (Index t = 0; t < seen; ++t) {
    const Real* ahead = next.values + next.row(t) * a.v.row_stride;
    if (ahead != entry.values + entry.row(t) * a.v.row_stride) fetch(ahead, width);
  }
  if (d % vector_width == 0) {
    constexpr int together = 8;
    Index c = 0;
    for (; c + together * vector_width <= width; c += together * vector_width)
      weighted_sum<together>(a, entry, c, seen, weights, padded, o);
    for (; c < width; c += vector_width) weighted_sum<1>(a, entry, c, seen, weights, padded, o);
    return;
  }
  std::fill_n(o, width, Real{0});
  for (Index t = 0; t < seen; ++t) {
    const Real* value = entry.values + entry.row(t) * a.v.row_stride;
    for (Index h = 0; h < a.heads; ++h) add_scaled(weights[h * padded + t], value + h * d, o + h * d, d);
  }
}

using Attend = void (*)(const Attention&, const Entry&, const Entry&, Index, const Real*, Real*, Real*);
/// For heads of d numbers.
Attend attend_for(Index d) {
  if (d == vector_width) return attend<1>;
  if (d == 2 * vector_width) return attend<2>;
  if (d == 4 * vector_width) return attend<4>;
  if (d == 8 * vector_width) return attend<8>;
  return attend<0>;
}

}  // namespace

void lone_queries(const Attention& a, int threads, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums) {
  const Attend one_entry = attend_for(a.head_dim);
  const Index width = a.heads * a.head_dim, least = std::max<Index>(1, 65536 / std::max<Index>(1, a.keys * width));
  parallel_ranges(threads, a.batch, least, 1, [&](Index begin, Index end, int) {
    for (Index b = begin; b < end; ++b) {
      const Index seen = std::max<Index>(0, a.mask.visible(b * a.heads, a.keys));
      Real *out = o + b * a.o.batch_stride, *sums = log_sums + b * a.heads;
      if (seen > 0) {
        const Entry entry = entry_of(a, b, k, v), next = entry_of(a, std::min(b + 1, end - 1), k, v);
        one_entry(a, entry, next, seen, q + b * a.q.batch_stride, out, sums);
      } else {
        std::fill_n(out, width, Real{0});
        std::fill_n(sums, a.heads, Real{0});
      }
    }
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
