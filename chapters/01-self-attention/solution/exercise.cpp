// Chapter 1, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>

namespace exercise {
namespace {

/// a bᵀ: entry (i, j) is the dot product of row i of a and row j of b.
Matrix times_transposed(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows(), b.rows());
  for (int i = 0; i < a.rows(); ++i)
    for (int j = 0; j < b.rows(); ++j)
      for (int m = 0; m < a.columns(); ++m) c(i, j) += a(i, m) * b(j, m);
  return c;
}

}  // namespace

Matrix attention_weights(const Matrix& q, const Matrix& k) {
  const Matrix scores = times_transposed(q, k);
  Matrix weights(scores.rows(), scores.columns());
  for (int i = 0; i < scores.rows(); ++i) {
    double most = scores(i, 0), sum = 0;
    for (int j = 1; j < scores.columns(); ++j) most = std::max(most, scores(i, j));
    for (int j = 0; j < scores.columns(); ++j) sum += weights(i, j) = std::exp(scores(i, j) - most);
    for (int j = 0; j < scores.columns(); ++j) weights(i, j) /= sum;
  }
  return weights;
}

Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v) {
  const Matrix weights = attention_weights(q, k);
  Matrix y(weights.rows(), v.columns());
  for (int i = 0; i < y.rows(); ++i)
    for (int j = 0; j < v.rows(); ++j)
      for (int c = 0; c < y.columns(); ++c) y(i, c) += weights(i, j) * v(j, c);
  return y;
}

Matrix self_attention(const Matrix& x, const Matrix& w_q, const Matrix& w_k, const Matrix& w_v) {
  return attention(times_transposed(x, w_q), times_transposed(x, w_k), times_transposed(x, w_v));
}

}  // namespace exercise
