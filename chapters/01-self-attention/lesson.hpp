/// @file
/// Chapter 1 at lesson size: one head of self-attention, Y = softmax(Q Kᵀ) V, from a matrix product and a
/// softmax.
#pragma once
#include "ops/linear.hpp"
#include "ops/matmul.hpp"
#include "ops/reshape.hpp"
#include "ops/softmax.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter01 {

// [weights]
/// Compare and share out: softmax over the keys of q kᵀ, [batch, queries, keys]. Row i says how position i
/// divides its attention; it sums to 1. `masking` hides keys: what comes later, or padding.
/// q [batch, queries, d_k], k [batch, keys, d_k]
inline Variable attention_weights(const Variable& q, const Variable& k, const Masking& masking = {}) {
  const Variable scores = matmul(q, k, false, true);  // [batch, queries, keys]
  const Shape s = scores.shape();
  const Variable one_head = reshape(scores, {s[0], 1, s[1], s[2]});  // the engine's masks count heads
  return reshape(softmax(one_head, masking), s);
}
// [/weights]

// [attention]
/// Weigh and sum: row i is the mean of the values v [batch, keys, d_v] under the weights of row i.
inline Variable attention(const Variable& q, const Variable& k, const Variable& v,
                          const Masking& masking = {}) {
  return matmul(attention_weights(q, k, masking), v);  // [batch, queries, d_v]
}
// [/attention]

// [self-attention]
/// Queries, keys and values all come from the same x [batch, time, dim]; w_q, w_k [d_k, dim], w_v [d_v, dim].
inline Variable self_attention(const Variable& x, const Variable& w_q, const Variable& w_k,
                               const Variable& w_v, const Masking& masking = {}) {
  return attention(linear(x, w_q), linear(x, w_k), linear(x, w_v), masking);  // [batch, time, d_v]
}
// [/self-attention]

}  // namespace chapter01
}  // namespace tenfold::inline TENFOLD_REAL
