/// @file
/// The exercise of chapter 1: what you write, and what it must do.
#pragma once
#include "course/matrix.hpp"

namespace exercise {

using tenfold::course::Matrix;

/// The softmax of q kᵀ over the keys. q [queries, d_k], k [keys, d_k]; the result [queries, keys] has rows
/// that sum to 1 and is finite for scores of any size. No factor yet: that is chapter 3's.
Matrix attention_weights(const Matrix& q, const Matrix& k);

/// Row i is the mean of the values v [keys, d_v] under row i of attention_weights(q, k); the result is
/// [queries, d_v].
Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v);

/// Attention of x [time, dim] to itself: queries x w_qᵀ, keys x w_kᵀ, values x w_vᵀ, where w_q and w_k are
/// [d_k, dim] and w_v is [d_v, dim]. The result is [time, d_v].
Matrix self_attention(const Matrix& x, const Matrix& w_q, const Matrix& w_k, const Matrix& w_v);

}  // namespace exercise
