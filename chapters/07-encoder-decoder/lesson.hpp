/// @file
/// Chapter 7 at lesson size: how a sentence gets from the encoder into the decoder. Positions are added to
/// embeddings; cross-attention lets the decoder ask and the encoder's output answer.
#pragma once
#include <cmath>
#include <utility>
#include <vector>

#include "ops/add.hpp"
#include "ops/embedding.hpp"
#include "ops/linear.hpp"
#include "ops/matmul.hpp"
#include "ops/reshape.hpp"
#include "ops/scale.hpp"
#include "ops/softmax.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter07 {

// [positions]
/// [length, dim], dim even: pairs of columns turn at speeds from one radian per position down to almost none.
inline Tensor positional_encoding(Kernels& kernels, Index length, Index dim) {
  std::vector<Real> p(static_cast<std::size_t>(length * dim));
  for (Index t = 0; t < length; ++t)
    for (Index i = 0; i < dim / 2; ++i) {
      const double angle =
          static_cast<double>(t) / std::pow(10000.0, 2.0 * static_cast<double>(i) / static_cast<double>(dim));
      p[static_cast<std::size_t>(t * dim + 2 * i)] = static_cast<Real>(std::sin(angle));
      p[static_cast<std::size_t>(t * dim + 2 * i + 1)] = static_cast<Real>(std::cos(angle));
    }
  return Tensor::from(kernels, {length, dim}, p);
}
// [/positions]

// [embed]
/// What both stacks begin with: ids [batch, time], table [vocabulary, dim], positions [time, dim] or longer.
inline Variable embed(const Variable& table, const IdTensor& ids, const Tensor& positions) {
  const auto root = static_cast<Real>(std::sqrt(static_cast<double>(table.shape()[1])));
  return add(embedding(table, ids, root), positions.rows(0, ids.dim(1)));  // [batch, time, dim]
}
// [/embed]

// [look-up]
/// softmax(q kᵀ / √d_k) v, where keys from source_lengths[batch] on are padding and get weight 0.
/// q [batch, heads, target time, d_k]; k and v [batch, heads, source time, d_k]. One head in this chapter.
inline Variable look_up(const Variable& q, const Variable& k, const Variable& v,
                        const IdTensor& source_lengths) {
  const Real factor = 1 / std::sqrt(static_cast<Real>(q.shape().back()));
  const Variable scores = scale(matmul(q, k, false, true), factor);  // [batch, heads, target, source]
  const Variable weights =
      softmax(scores, Masking{false, 0, source_lengths});  // every row sums to 1 over real words
  return matmul(weights, v);                               // [batch, heads, target time, d_k]
}
// [/look-up]

// [cross-attention]
struct Projection {
  Variable weight, bias;  ///< [dim, dim] and [dim]
  Variable operator()(const Variable& x) const { return linear(x, weight, bias); }
};
struct CrossAttention {
  Projection query, key, value, output;
};

/// Where the two meet: x [batch, target time, dim] comes from the decoder, memory [batch, source time, dim]
/// is the encoder's last output, the same for every decoder layer. The result has x's shape.
inline Variable cross_attention(const Variable& x, const Variable& memory, const CrossAttention& a,
                                const IdTensor& source_lengths) {
  const auto one_head = [](const Variable& y) {
    return reshape(y, {y.shape()[0], 1, y.shape()[1], y.shape()[2]});
  };
  const Variable q = one_head(a.query(x));       // the decoder asks
  const Variable k = one_head(a.key(memory));    // the encoder's output says what it has
  const Variable v = one_head(a.value(memory));  // and hands it over
  return a.output(reshape(look_up(q, k, v, source_lengths), x.shape()));
}
// [/cross-attention]

}  // namespace chapter07
}  // namespace tenfold::inline TENFOLD_REAL
