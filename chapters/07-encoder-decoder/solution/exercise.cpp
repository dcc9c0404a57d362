// Chapter 7, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace exercise {
namespace {

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix y(a.rows(), b.columns());
  for (int r = 0; r < a.rows(); ++r)
    for (int c = 0; c < b.columns(); ++c)
      for (int i = 0; i < a.columns(); ++i) y(r, c) += a(r, i) * b(i, c);
  return y;
}

}  // namespace

Matrix positional_encoding(int length, int width) {
  Matrix p(length, width);
  for (int t = 0; t < length; ++t)
    for (int c = 0; c < width; ++c) {
      const int pair = c / 2;
      const double angle = t / std::pow(10000.0, 2.0 * pair / width);
      p(t, c) = c % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  return p;
}

Matrix cross_attention(const Matrix& decoder, const Matrix& memory, const Matrix& w_query,
                       const Matrix& w_key, const Matrix& w_value, int source_length) {
  const Matrix q = product(decoder, w_query);  // the decoder asks
  const Matrix k = product(memory, w_key);     // the memory answers
  const Matrix v = product(memory, w_value);
  const double factor = 1 / std::sqrt(w_key.columns());
  Matrix y(q.rows(), v.columns());
  std::vector<double> weights(static_cast<std::size_t>(source_length));  // padding has no place in it
  for (int t = 0; t < q.rows(); ++t) {
    for (int s = 0; s < source_length; ++s) {
      double dot = 0;
      for (int i = 0; i < q.columns(); ++i) dot += q(t, i) * k(s, i);
      weights[s] = factor * dot;
    }
    const double most = *std::max_element(weights.begin(), weights.end());
    double sum = 0;
    for (double& w : weights) sum += w = std::exp(w - most);
    for (int s = 0; s < source_length; ++s)
      for (int c = 0; c < v.columns(); ++c) y(t, c) += weights[s] / sum * v(s, c);
  }
  return y;
}

}  // namespace exercise
