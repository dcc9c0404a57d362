// CpuKernels: attention. One head of one sentence at a time in one thread's cache, its queries in blocks, so
// that the scores in memory are at most 64 rows; the formulas are in reference_attention.cpp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/aligned.hpp"
#include "backend/cpu.hpp"
#include "backend/lone_query.hpp"
#include "backend/parallel.hpp"
#include "backend/random_bits.hpp"
#include "backend/small_product.hpp"
#include "backend/turn.hpp"
#include "backend/vector.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// Rows of scores are padded to a multiple, so that loops have no tail.
constexpr Index lanes = 16;

/// n, up to such a multiple.
Index padded_to_lanes(Index n) { return (n + lanes - 1) / lanes * lanes; }

/// Σ x y
Real dot(const Real* x, const Real* y, Index n) {
  Real total = 0;
#pragma omp simd reduction(+ : total)
  for (Index i = 0; i < n; ++i) total += x[i] * y[i];
  return total;
}

/// body(j) for every entry of a padded row: in runs of a length the compiler knows, since rows are short.
template <class Body>
void each_lane(Index padded, const Body& body) {
  for (Index j = 0; j < padded; j += lanes) {
#pragma omp simd
    for (Index lane = 0; lane < lanes; ++lane) body(j + lane);
  }
}

constexpr Real unseen = -std::numeric_limits<Real>::infinity();  ///< the score of a key that is

/// The scores of vector_width keys from key j on, minus infinity from key `seen` on.
Vector masked(const Real* row, Index j, Index seen) {
  const Vector number([](auto lane) { return static_cast<Real>(static_cast<int>(lane)); });
  Vector scores(row + j, unaligned);
  where(number >= static_cast<Real>(seen - j), scores) = unseen;
  return scores;
}

/// What a row of scores comes to.
struct RowSum {
  Real largest, total;  ///< Σ exp(score) = total · exp(largest)
};

/// A row of scores becomes exp(score - largest).
RowSum exponentiate(Real* row, Index padded) {
  Vector largest = unseen, total = 0;
  for (Index j = 0; j < padded; j += vector_width) {
    const Vector scores(row + j, unaligned);
    where(scores > largest, largest) = scores;
  }
  const Real top = hmax(largest);
  for (Index j = 0; j < padded; j += vector_width) {
    const Vector exps = vector_exp(Vector(row + j, unaligned) - top);
    exps.copy_to(row + j, unaligned);
    total += exps;
  }
  return {top, reduce(total)};
}

constexpr Index block_queries = 64;  ///< queries whose scores are held at once

/// One thread's working memory; it grows to what the largest call needed and stays.
struct Scratch {
  AlignedVector<Real> keys, values;         ///< [head_dim, stride], transposed
  AlignedVector<Real> weights, gradient;    ///< [block_queries, stride]
  AlignedVector<std::uint16_t> bits;        ///< [block_queries, keys]
};

Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}

/// The queries [first, first + count) of one head of one sentence.
struct Block {
  const Attention& a;
  Index batch, head, first, count;
  Index keys;    ///< leading keys that at least one of them sees; the others are never touched
  Index padded;  ///< keys, up to a multiple of `lanes`
  Index stride;  ///< between rows of scores

  Index row(Index i) const { return (batch * a.heads + head) * a.queries + first + i; }
  Index at(const PackedRows& rows, Index t) const {
    return batch * rows.batch_stride + t * rows.row_stride + head * a.head_dim;
  }
};

Block make_block(const Attention& a, Index pair, Index first) {
  Block block{a, pair / a.heads, pair % a.heads, first, std::min(block_queries, a.queries - first), 0, 0, 0};
  block.keys =
      std::max<Index>(0, a.mask.visible(block.row(block.count - 1), a.keys));  // later queries see no fewer
  block.padded = padded_to_lanes(block.keys);
  // Long rows a power of two apart would fall on the same few lines of the cache: keep them off by one.
  block.stride = padded_to_lanes(a.keys);
  if (block.stride > 128 && block.stride / lanes % 2 == 0) block.stride += lanes;
  return block;
}

/// scores[i, j] = scale · q_i · k_j, minus infinity from the first key that i does not see up to `padded`.
void block_scores(const Block& s, const Real* q, const Real* keys, Real* scores) {
  small_product({.m = s.count,
                 .n = s.padded,
                 .k = s.a.head_dim,
                 .a_row = s.a.q.row_stride,
                 .ldb = s.stride,
                 .ldc = s.stride,
                 .alpha = s.a.scale},
                q + s.at(s.a.q, s.first), keys, scores);
}

/// Cuts row i of the scores to the keys it sees; how many those are. Whole vectors are written: of a few numbers the
/// processor would wait until they are in the cache, since they are read as part of vectors next.
Index apply_mask(const Block& s, Index i, Real* row) {
  const Index seen = std::clamp<Index>(s.a.mask.visible(s.row(i), s.a.keys), 0, s.padded);
  for (Index j = seen / vector_width * vector_width; j < s.padded; j += vector_width)
    masked(row, j, seen).copy_to(row + j, unaligned);
  return seen;
}

/// Dropout's bits for all entries of the block, [count, a.keys]; nullptr when nothing is dropped.
const std::uint16_t* block_bits(const Block& s, AlignedVector<std::uint16_t>& memory) {
  if (!s.a.dropout.active()) return nullptr;
  const Index begin = s.row(0) * s.a.keys, end = begin + s.count * s.a.keys;
  std::uint16_t* out = room(memory, end - begin + lanes);  // the last row is read up to its padding
  for_random_bits(s.a.dropout, begin, end, [=](Index i, Index count, const std::uint16_t* bits) {
    std::copy_n(bits, count, out + (i - begin));
  });
  return out;
}

void forward_block(const Block& s, const Real* q, const Real* v, Real* o, Real* log_sums, const Real* keys,
                   Scratch& memory) {
  Real* weights = room(memory.weights, s.count * s.stride);
  block_scores(s, q, keys, weights);
  const std::uint16_t* bits = block_bits(s, memory.bits);
  const std::uint32_t threshold = s.a.dropout.threshold;
  Real largest[block_queries], totals[block_queries];
  for (Index i = 0; i < s.count; ++i) {
    Real* row = weights + i * s.stride;
    largest[i] = 0, totals[i] = 1;
    if (apply_mask(s, i, row) == 0) {
      std::fill_n(row, s.padded, Real{0});
      continue;
    }
    const RowSum sum = exponentiate(row, s.padded);
    largest[i] = sum.largest, totals[i] = sum.total;
    const Real factor = s.a.dropout.scale() / sum.total;
    if (bits) {
      const std::uint16_t* row_bits = bits + i * s.a.keys;
      each_lane(s.padded, [=](Index j) { row[j] = row_bits[j] >= threshold ? row[j] * factor : 0; });
    } else {
      each_lane(s.padded, [=](Index j) { row[j] *= factor; });
    }
  }
  Real* sums = log_sums + s.row(0);
#pragma omp simd
  for (Index i = 0; i < s.count; ++i) sums[i] = largest[i] + vector_log(totals[i]);
  small_product({.m = s.count,
                 .n = s.a.head_dim,
                 .k = s.keys,
                 .a_row = s.stride,
                 .ldb = s.a.v.row_stride,
                 .ldc = s.a.o.row_stride},
                weights, v + s.at(s.a.v, 0), o + s.at(s.a.o, s.first));
}

/// Turns row i of scores into weights (after dropout), and of dweights into dscores.
void backward_row(const Block& s, Real mean, Real log_sum, const std::uint16_t* bits, Real* weight,
                  Real* gradient) {
  const std::uint32_t threshold = s.a.dropout.threshold;
  const Real scale = s.a.dropout.scale();
  // At most 1: a score may have been summed in another order for log_sum, and differ by more than its exponential can.
  const auto share = [=](Real score) { return vector_exp(score > log_sum ? 0 : score - log_sum); };
  if (bits) {
    each_lane(s.padded, [=](Index j) {
      const Real p = share(weight[j]), r = bits[j] >= threshold ? scale : 0;
      weight[j] = p * r;
      gradient[j] = p * (r * gradient[j] - mean);
    });
  } else {
    each_lane(s.padded, [=](Index j) {
      const Real p = share(weight[j]);
      weight[j] = p;
      gradient[j] = p * (gradient[j] - mean);
    });
  }
}

void zero_rows(const PackedRows& rows, Real* x, Index first, Index last, Index cols) {
  for (Index t = first; t < last; ++t) std::fill_n(x + t * rows.row_stride, cols, Real{0});
}

/// What a backward pass reads and writes, as the kernel was given them.
struct Gradients {
  const Real *q, *k, *v, *o, *log_sums, *grad_o;
  Real *dq, *dk, *dv;
};

/// dq of the block's queries, and what they add to dk and dv of the head; the first block begins those.
void backward_block(const Block& s, const Gradients& g, const Real* keys, const Real* values,
                    Scratch& memory) {
  const Attention& a = s.a;
  Real* weights = room(memory.weights, s.count * s.stride);
  Real* gradient = room(memory.gradient, s.count * s.stride);
  const Real* grad_o = g.grad_o + s.at(a.o, s.first);
  block_scores(s, g.q, keys, weights);
  small_product({.m = s.count,
                 .n = s.padded,
                 .k = a.head_dim,
                 .a_row = a.o.row_stride,
                 .ldb = s.stride,
                 .ldc = s.stride},
                grad_o, values, gradient);
  const std::uint16_t* bits = block_bits(s, memory.bits);
  for (Index i = 0; i < s.count; ++i) {
    apply_mask(s, i, weights + i * s.stride);
    const Real mean = dot(grad_o + i * a.o.row_stride, g.o + s.at(a.o, s.first + i), a.head_dim);
    backward_row(s, mean, g.log_sums[s.row(i)], bits ? bits + i * a.keys : nullptr, weights + i * s.stride,
                 gradient + i * s.stride);
  }
  const bool later = s.first > 0;
  Real *dk = g.dk + s.at(a.k, 0), *dv = g.dv + s.at(a.v, 0);
  small_product({.m = s.keys,
                 .n = a.head_dim,
                 .k = s.count,
                 .a_row = 1,
                 .a_col = s.stride,
                 .ldb = a.o.row_stride,
                 .ldc = a.v.row_stride,
                 .add = later},
                weights, grad_o, dv);
  small_product({.m = s.keys,
                 .n = a.head_dim,
                 .k = s.count,
                 .a_row = 1,
                 .a_col = s.stride,
                 .ldb = a.q.row_stride,
                 .ldc = a.k.row_stride,
                 .alpha = a.scale,
                 .add = later},
                gradient, g.q + s.at(a.q, s.first), dk);
  small_product({.m = s.count,
                 .n = a.head_dim,
                 .k = s.keys,
                 .a_row = s.stride,
                 .ldb = a.k.row_stride,
                 .ldc = a.q.row_stride,
                 .alpha = a.scale},
                gradient, g.k + s.at(a.k, 0), g.dq + s.at(a.q, s.first));
  if (later) return;
  zero_rows(a.k, dk, s.keys, a.keys, a.head_dim);
  zero_rows(a.v, dv, s.keys, a.keys, a.head_dim);
}

void backward_head(const Attention& a, Index pair, const Gradients& g, Scratch& memory) {
  const Block last = make_block(a, pair, a.queries - 1);
  Real* keys = room(memory.keys, a.head_dim * last.stride);
  Real* values = room(memory.values, a.head_dim * last.stride);
  turn(g.k + last.at(a.k, 0), a.k.row_stride, a.head_dim, last.keys, keys, last.stride);
  turn(g.v + last.at(a.v, 0), a.v.row_stride, a.head_dim, last.keys, values, last.stride);
  for (Index first = 0; first < a.queries; first += block_queries)
    backward_block(make_block(a, pair, first), g, keys, values, memory);
}

/// Pairs of sentence and head that make a piece worth a thread of its own.
Index least_pairs(const Attention& a) {
  return std::max<Index>(1, 65536 / std::max<Index>(1, a.queries * a.keys * a.head_dim));
}

}  // namespace

void CpuKernels::attention(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o,
                           Real* log_sums) {
  if (a.queries == 0) return;
  if (a.queries == 1 && !a.dropout.active()) return lone_queries(a, threads_, q, k, v, o, log_sums);
  parallel_ranges(threads_, a.batch * a.heads, least_pairs(a), 1, [&](Index begin, Index end, int) {
    Scratch& memory = scratch();
    for (Index pair = begin; pair < end; ++pair) {
      const Block last = make_block(a, pair, a.queries - 1);
      Real* keys = room(memory.keys, a.head_dim * last.stride);
      turn(k + last.at(a.k, 0), a.k.row_stride, a.head_dim, last.keys, keys, last.stride);
      for (Index first = 0; first < a.queries; first += block_queries)
        forward_block(make_block(a, pair, first), q, v, o, log_sums, keys, memory);
    }
  });
}

void CpuKernels::attention_backward(const Attention& a, const Real* q, const Real* k, const Real* v,
                                    const Real* o, const Real* log_sums, const Real* grad_o, Real* dq,
                                    Real* dk, Real* dv) {
  const Gradients g{q, k, v, o, log_sums, grad_o, dq, dk, dv};
  // Without queries there is no block to write dk's and dv's zeros; the reference clears first.
  if (a.queries == 0)
    return ReferenceKernels::attention_backward(a, q, k, v, o, log_sums, grad_o, dq, dk, dv);
  parallel_ranges(threads_, a.batch * a.heads, least_pairs(a), 1, [&](Index begin, Index end, int) {
    for (Index pair = begin; pair < end; ++pair) backward_head(a, pair, g, scratch());
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
