/// @file
/// The attention of chapter 1, whole and broken.
#pragma once
#include <limits>
#include <string>
#include <vector>

#include "01-self-attention/lesson.hpp"
#include "ops/add.hpp"
#include "ops/permute.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter01 {

/// 0 where query i may look at key j ≤ i, minus infinity where j comes later.
inline Tensor causal_penalty(Kernels& k, Index time) {
  std::vector<Real> values(static_cast<std::size_t>(time * time), 0);
  for (Index i = 0; i < time; ++i)
    for (Index j = i + 1; j < time; ++j)
      values[static_cast<std::size_t>(i * time + j)] = -std::numeric_limits<Real>::infinity();
  return Tensor::from(k, {time, time}, values);
}

/// [batch, queries, keys] as `variant` has them; "" is the lesson's own code.
inline Variable weights_of(const std::string& variant, const Variable& q, const Variable& k,
                           bool causal = false) {
  if (variant == "no-transpose") {  // the product exists only where there are as many positions as features
    const Variable scores = matmul(q, k);
    const Shape s = scores.shape();
    return reshape(softmax(reshape(scores, {s[0], 1, s[1], s[2]}), {causal, 0, {}}), s);
  }
  if (variant == "wrong-axis") {  // each key's column sums to 1, instead of each query's row
    Variable scores = matmul(q, k, false, true);
    if (causal) scores = add(scores, causal_penalty(kernels(q.value), q.shape()[1]));
    return transpose(softmax(transpose(scores)));
  }
  return attention_weights(q, k, {causal, 0, {}});
}

}  // namespace chapter01
}  // namespace tenfold::inline TENFOLD_REAL
