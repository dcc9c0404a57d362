// Chapter 5, solution.
#include "exercise.hpp"

#include <cmath>

namespace exercise {
namespace {

/// x̂, and 1 / sqrt(variance + ε) of each row.
struct Normalized {
  Matrix hat;
  std::vector<double> inverse;
};

Normalized normalize(const Matrix& x, double epsilon) {
  const int n = x.columns();
  Normalized out{Matrix(x.rows(), n), {}};
  for (int r = 0; r < x.rows(); ++r) {
    double mean = 0, variance = 0;
    for (int c = 0; c < n; ++c) mean += x(r, c) / n;
    for (int c = 0; c < n; ++c) variance += (x(r, c) - mean) * (x(r, c) - mean) / n;
    out.inverse.push_back(1 / std::sqrt(variance + epsilon));
    for (int c = 0; c < n; ++c) out.hat(r, c) = (x(r, c) - mean) * out.inverse.back();
  }
  return out;
}

}  // namespace

Matrix layer_norm(const Matrix& x, const std::vector<double>& gamma, const std::vector<double>& beta, double epsilon) {
  Matrix y = normalize(x, epsilon).hat;
  for (int r = 0; r < y.rows(); ++r)
    for (int c = 0; c < y.columns(); ++c) y(r, c) = gamma.at(c) * y(r, c) + beta.at(c);
  return y;
}

Gradients layer_norm_backward(const Matrix& x, const std::vector<double>& gamma, double epsilon, const Matrix& dy) {
  const int n = x.columns();
  const auto [hat, inverse] = normalize(x, epsilon);
  Gradients out{Matrix(x.rows(), n), std::vector<double>(gamma.size()), std::vector<double>(gamma.size())};
  for (int r = 0; r < x.rows(); ++r) {
    double mean = 0, along = 0;  // of g, and of g ⊙ x̂
    for (int c = 0; c < n; ++c) {
      out.gamma[c] += dy(r, c) * hat(r, c);
      out.beta[c] += dy(r, c);
      mean += gamma.at(c) * dy(r, c) / n;
      along += gamma.at(c) * dy(r, c) * hat(r, c) / n;
    }
    for (int c = 0; c < n; ++c) out.x(r, c) = inverse[r] * (gamma[c] * dy(r, c) - mean - hat(r, c) * along);
  }
  return out;
}

}  // namespace exercise
