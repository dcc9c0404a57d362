#include "backend/lone_query.hpp"

#include <algorithm>

#include "backend/aligned.hpp"
#include "backend/lane_sums.hpp"
#include "backend/parallel.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// Heads whose scores are in the lanes of one vector.
constexpr Index heads_together = std::min<Index>(8, vector_width);

/// What a head's x·y is the sum of: a vector of sums. The head is of so many vectors, or of d numbers where `vectors`
/// is 0.
template <int vectors>
Lanes head_products(const Real* x, const Real* y, Index d) {
  if constexpr (vectors > 0) {
    Lanes total = lanes_at(x) * lanes_at(y);
#pragma GCC unroll 8
    for (int i = 1; i < vectors; ++i) total += lanes_at(x + i * vector_width) * lanes_at(y + i * vector_width);
    return total;
  }
  Lanes total{};
  for (; d >= vector_width; d -= vector_width, x += vector_width, y += vector_width) total += lanes_at(x) * lanes_at(y);
  for (Index i = 0; i < d; ++i) total[i] += x[i] * y[i];
  return total;
}

/// Lane h is q_h · key_h for h < `heads` <= count; the lanes from `count` on are not specified.
template <int vectors, int count>
Lanes dot_heads(const Real* q, const Real* key, Index d, Index heads) {
  Lanes products[count];
#pragma GCC unroll 8
  for (int h = 0; h < count; ++h)
    products[h] = h < heads ? head_products<vectors>(q + h * d, key + h * d, d) : Lanes{};
  return lane_sums<count>(products);
}

/// scores[h] = scale · q_h · key_h for the first heads_together of so many heads; what is left of the scores is not
/// specified.
template <int vectors>
void score_heads(const Attention& a, Index heads, const Real* q, const Real* key, Real* scores) {
  constexpr int all = heads_together, half = all / 2;  // of both the compiler knows how many there are
  Lanes dots = heads >= all    ? dot_heads<vectors, all>(q, key, a.head_dim, all)
               : heads == half ? dot_heads<vectors, half>(q, key, a.head_dim, half)
                               : dot_heads<vectors, all>(q, key, a.head_dim, heads);
  dots *= a.scale;
  __builtin_memcpy(scores, &dots, heads_together * sizeof(Real));
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

/// o = Σ_t weight_t · value_t for `vectors` vectors of an entry's rows, from column `first` on, while those of `next`
/// are fetched. The weights of a head are `stride` apart.
template <int vectors>
void weighted_sum(const Attention& a, const Entry& entry, const Entry& next, Index first, Index seen,
                  const Real* weights, Index stride, Real* o) {
  Vector total[vectors];
  const Real* row[vectors];
#pragma GCC unroll 8
  for (int i = 0; i < vectors; ++i) total[i] = 0;
#pragma GCC unroll 8
  for (int i = 0; i < vectors; ++i) row[i] = weights + (first + i * vector_width) / a.head_dim;
  for (Index t = 0; t < seen; ++t) {
    const Real* value = entry.values + entry.row(t) * a.v.row_stride + first;
    const Real* ahead = next.values + next.row(t) * a.v.row_stride + first;
    if (ahead != value) fetch<2>(ahead, vectors * vector_width);
#pragma GCC unroll 8
    for (int i = 0; i < vectors; ++i) total[i] += row[i][t * stride] * Vector(value + i * vector_width, unaligned);
  }
#pragma GCC unroll 8
  for (int i = 0; i < vectors; ++i) total[i].copy_to(o + first + i * vector_width, unaligned);
}

/// The scores of heads_together heads for `seen` keys, `stride` apart, become weights; log_sums, of so many heads, is
/// filled.
void weigh(Real* scores, Index stride, Index seen, Index heads, Real* log_sums) {
  Real largest[heads_together], total[heads_together] = {};
  std::copy_n(scores, heads_together, largest);
  for (Index t = 1; t < seen; ++t) {
    const Real* row = scores + t * stride;
#pragma omp simd
    for (Index h = 0; h < heads_together; ++h) largest[h] = row[h] > largest[h] ? row[h] : largest[h];
  }
  for (Index t = 0; t < seen; ++t) {
    Real* row = scores + t * stride;
#pragma omp simd
    for (Index h = 0; h < heads_together; ++h) {
      row[h] = vector_exp(row[h] - largest[h]);
      total[h] += row[h];
    }
  }
#pragma omp simd
  for (Index h = 0; h < heads_together; ++h) {
    largest[h] += vector_log(total[h]);
    total[h] = 1 / total[h];
  }
  std::copy_n(largest, std::min(heads, heads_together), log_sums);
  for (Index t = 0; t < seen; ++t) {
    Real* row = scores + t * stride;
#pragma omp simd
    for (Index h = 0; h < heads_together; ++h) row[h] *= total[h];
  }
}

/// One batch entry: what its keys and values come to for its query, while those of `next`, which may be the same, are
/// fetched. Heads are of so many vectors, or of any number where `vectors` is 0.
template <int vectors>
void attend(const Attention& a, const Entry& entry, const Entry& next, Index seen, const Real* q, Real* o,
            Real* log_sums) {
  thread_local AlignedVector<Real> memory;
  const Index d = a.head_dim, width = a.heads * d;
  const Index stride = (a.heads + heads_together - 1) / heads_together * heads_together;
  Real* weights = room(memory, seen * stride);
  for (Index t = 0; t < seen; ++t) {
    const Real *key = entry.keys + entry.row(t) * a.k.row_stride, *ahead = next.keys + next.row(t) * a.k.row_stride;
    if (ahead != key) fetch<2>(ahead, width);
    for (Index h = 0; h < a.heads; h += heads_together)
      score_heads<vectors>(a, a.heads - h, q + h * d, key + h * d, weights + t * stride + h);
  }
  for (Index h = 0; h < a.heads; h += heads_together) weigh(weights + h, stride, seen, a.heads - h, log_sums + h);
  if (d % vector_width == 0) {
    constexpr int together = 8;
    Index c = 0;
    for (; c + together * vector_width <= width; c += together * vector_width)
      weighted_sum<together>(a, entry, next, c, seen, weights, stride, o);
    for (; c < width; c += vector_width) weighted_sum<1>(a, entry, next, c, seen, weights, stride, o);
    return;
  }
  std::fill_n(o, width, Real{0});
  for (Index t = 0; t < seen; ++t) {
    const Real* value = entry.values + entry.row(t) * a.v.row_stride;
    const Real* ahead = next.values + next.row(t) * a.v.row_stride;
    if (ahead != value) fetch<2>(ahead, width);
    for (Index h = 0; h < a.heads; ++h) add_scaled(weights[t * stride + h], value + h * d, o + h * d, d);
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
