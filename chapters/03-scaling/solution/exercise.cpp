// Chapter 3, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>

namespace exercise {

double scale_factor(int d_k, double variance) {
  // Var(Σ q_i k_i) = d_k · variance², and c² times that must be 1.
  return 1 / (std::sqrt(d_k) * variance);
}

Matrix softmax(const Matrix& scores) {
  Matrix weights(scores.rows(), scores.columns());
  for (int r = 0; r < scores.rows(); ++r) {
    double most = scores(r, 0), sum = 0;
    for (int c = 1; c < scores.columns(); ++c) most = std::max(most, scores(r, c));
    for (int c = 0; c < scores.columns(); ++c) {
      weights(r, c) = std::exp(scores(r, c) - most);
      sum += weights(r, c);
    }
    for (int c = 0; c < scores.columns(); ++c) weights(r, c) /= sum;
  }
  return weights;
}

Matrix softmax_backward(const Matrix& weights, const Matrix& weights_gradient) {
  Matrix gradient(weights.rows(), weights.columns());
  for (int r = 0; r < weights.rows(); ++r) {
    double mean = 0;  // of the incoming gradient under the weights
    for (int c = 0; c < weights.columns(); ++c) mean += weights_gradient(r, c) * weights(r, c);
    for (int c = 0; c < weights.columns(); ++c) gradient(r, c) = weights(r, c) * (weights_gradient(r, c) - mean);
  }
  return gradient;
}

}  // namespace exercise
