/// @file
/// Chapter 2 at lesson size: a dictionary that answers softly, and what its answer's slope is.
#pragma once
#include "ops/add.hpp"
#include "ops/matmul.hpp"
#include "ops/multiply.hpp"
#include "ops/scale.hpp"
#include "ops/softmax.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter02 {

// [lookup]
/// How much each stored pair has to say: softmax(q keysᵀ / temperature).
/// q [batch, queries, d_k], keys [batch, pairs, d_k]; the result is [batch, queries, pairs], rows sum to 1.
inline Variable match(const Variable& q, const Variable& keys, double temperature) {
  return softmax(scale(matmul(q, keys, false, true), static_cast<Real>(1 / temperature)));
}

/// The mean of the values [batch, pairs, d_v] under that match: [batch, queries, d_v].
inline Variable soft_lookup(const Variable& q, const Variable& keys, const Variable& values,
                            double temperature) {
  return matmul(match(q, keys, temperature), values);
}
// [/lookup]

// [covariance]
/// Σ_j w_j (k_j - k̄)(v_j - v̄)ᵀ, the covariance of keys [pairs, d_k] with values [pairs, d_v] under weights
/// w [1, pairs] that sum to 1. Over the temperature it is the derivative of soft_lookup by its query,
/// [d_k, d_v].
inline Variable covariance(const Variable& w, const Variable& keys, const Variable& values) {
  const Variable mean_key = matmul(w, keys), mean_value = matmul(w, values);  // [1, d_k], [1, d_v]
  const Tensor ones = filled(kernels(w.value), {1, values.shape()[1]}, 1);
  const Variable weighted = multiply(matmul(w, ones, true), values);     // w_j v_j
  const Variable product_of_means = matmul(mean_key, mean_value, true);  // k̄ v̄ᵀ
  return add(matmul(keys, weighted, true), scale(product_of_means, -1));
}
// [/covariance]

// [merged]
/// Scores x m xᵀ of x [time, dim] against itself, [time, time], with one matrix m = W_Qᵀ W_K [dim, dim]
/// in place of the two.
inline Variable merged_scores(const Variable& x, const Variable& m) {
  return matmul(matmul(x, m), x, false, true);
}
// [/merged]

}  // namespace chapter02
}  // namespace tenfold::inline TENFOLD_REAL
