/// @file
/// Chapter 3 at lesson size: dot-product attention with the factor between product and softmax left open.
#pragma once
#include <cmath>

#include "ops/matmul.hpp"
#include "ops/scale.hpp"
#include "ops/softmax.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter03 {

// [factor]
/// What the scores are multiplied by before the softmax.
enum class Scaling { none, by_root, by_width, by_model_width };

/// @param d_k     width of one head's queries and keys
/// @param d_model width of the model, all heads together
inline double factor(Scaling scaling, Index d_k, Index d_model) {
  const auto root = [](Index width) { return 1 / std::sqrt(static_cast<double>(width)); };
  switch (scaling) {
    case Scaling::none: return 1;                               // variance of a score: d_k
    case Scaling::by_root: return root(d_k);                    // variance 1, whatever the width
    case Scaling::by_width: return 1 / static_cast<double>(d_k);  // variance 1 / d_k
    case Scaling::by_model_width: return root(d_model);         // variance 1 / heads
  }
  return 1;
}
// [/factor]

// [attention]
/// softmax(factor · q kᵀ) v for q [batch, queries, d_k], k [batch, keys, d_k], v [batch, keys, d_v].
inline Variable attention(const Variable& q, const Variable& k, const Variable& v, double factor) {
  const Variable scores = scale(matmul(q, k, false, true), static_cast<Real>(factor));  // [batch, queries, keys]
  return matmul(softmax(scores), v);                                                    // [batch, queries, d_v]
}
// [/attention]

}  // namespace chapter03
}  // namespace tenfold::inline TENFOLD_REAL
