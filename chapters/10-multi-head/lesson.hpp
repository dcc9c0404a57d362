/// @file
/// Chapter 10 at lesson size: several heads are one attention on several slices of the columns. What each slice does
/// with its queries, keys and values is any attention of the chapters before.
#pragma once
#include "03-scaling/lesson.hpp"
#include "ops/linear.hpp"
#include "ops/permute.hpp"
#include "ops/reshape.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter10 {

// [split]
/// [batch, time, dim] to [batch, heads, time, d_k], d_k = dim / heads: head h gets columns h·d_k up to (h+1)·d_k.
inline Variable split_heads(const Variable& x, Index heads) {
  const Shape s = x.shape();
  return permute(reshape(x, {s[0], s[1], heads, s[2] / heads}), {0, 2, 1, 3});
}

/// [batch, heads, time, d_k] back to [batch, time, dim], the heads' results side by side in the heads' order.
inline Variable merge_heads(const Variable& x) {
  const Shape s = x.shape();
  return reshape(permute(x, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
}
// [/split]

// [heads]
/// `attend(q, k, v)` for every head's slices of q [batch, queries, dim] and k, v [batch, keys, dim].
template <class Attend>
Variable multi_head(const Variable& q, const Variable& k, const Variable& v, Index heads, const Attend& attend) {
  return merge_heads(attend(split_heads(q, heads), split_heads(k, heads), split_heads(v, heads)));
}

/// With the attention of chapter 3: a softmax for every head.
inline Variable multi_head(const Variable& q, const Variable& k, const Variable& v, Index heads) {
  const Index dim = q.shape().back();
  const double factor = chapter03::factor(chapter03::Scaling::by_root, dim / heads, dim);
  return multi_head(q, k, v, heads, [&](const Variable& a, const Variable& b, const Variable& c) {
    return chapter03::attention(a, b, c, factor);
  });
}
// [/heads]

// [layer]
/// The whole layer: project, attend with every head, mix the heads' results by W_O. Every weight is [dim, dim],
/// whatever the number of heads.
inline Variable layer(const Variable& x, const Variable& memory, const Variable& w_q, const Variable& w_k,
                      const Variable& w_v, const Variable& w_o, Index heads) {
  return linear(multi_head(linear(x, w_q), linear(memory, w_k), linear(memory, w_v), heads), w_o);
}
// [/layer]

}  // namespace chapter10
}  // namespace tenfold::inline TENFOLD_REAL
