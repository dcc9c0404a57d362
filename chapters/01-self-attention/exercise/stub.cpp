// Chapter 1, exercise: one head of self-attention, forward.
//
// Approach
//   1. attention_weights, compare: the score of query i and key j is the dot product of row i of q and row j
//      of k.
//   2. attention_weights, share out: a softmax of every row of scores. Subtract the row's largest score
//      first.
//   3. attention: row i of the result is Σ_j weight(i, j) · (row j of v).
//   4. self_attention: project x three times, then 3. Row t of x wᵀ has the dot products of row t of x with
//      the rows of w.
//
// Example: with q = (ln 3, 0) and keys (1, 0) and (0, 1) the scores are (ln 3, 0), the weights (0.75, 0.25);
// for values (4) and (8) the result is (5).
//
// Judge it with  make check N=1 ; a hint with  make hint N=1
#include "exercise.hpp"

#include <cmath>

namespace exercise {

Matrix attention_weights(const Matrix& q, const Matrix& k) {
  return Matrix(q.rows(), k.rows());  // your code
}

Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v) {
  const Matrix weights = attention_weights(q, k);
  return Matrix(weights.rows(), v.columns());  // your code
}

Matrix self_attention(const Matrix& x, const Matrix& w_q, const Matrix& w_k, const Matrix& w_v) {
  (void)w_q, (void)w_k, (void)w_v;  // this line goes: they have work to do
  return attention(x, x, x);        // your code
}

}  // namespace exercise
