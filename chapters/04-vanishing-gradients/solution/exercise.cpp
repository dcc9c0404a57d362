// Chapter 4, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>

namespace exercise {
namespace {

Vector product(const Matrix& w, const Vector& x) {
  Vector h(static_cast<std::size_t>(w.rows()));
  for (int i = 0; i < w.rows(); ++i)
    for (int j = 0; j < w.columns(); ++j) h[i] += w(i, j) * x.at(j);
  return h;
}

}  // namespace

void adam_step(Vector& values, const Vector& gradient, AdamState& state, double learning_rate, double beta1, double beta2,
               double epsilon) {
  state.mean.resize(gradient.size());
  state.square.resize(gradient.size());
  ++state.steps;
  const double correction1 = 1 - std::pow(beta1, state.steps);
  const double correction2 = 1 - std::pow(beta2, state.steps);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double g = gradient[i];
    state.mean[i] = beta1 * state.mean[i] + (1 - beta1) * g;
    state.square[i] = beta2 * state.square[i] + (1 - beta2) * g * g;
    const double m = state.mean[i] / correction1, v = state.square[i] / correction2;
    if (m != 0) values[i] -= learning_rate * m / (std::sqrt(v) + epsilon);
  }
}

Vector residual_block(const Matrix& w, const Vector& x) {
  Vector y = product(w, x);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] + std::max(y[i], 0.0);
  return y;
}

BlockGradients residual_block_backward(const Matrix& w, const Vector& x, const Vector& dy) {
  const Vector h = product(w, x);
  BlockGradients g{dy, Matrix(w.rows(), w.columns())};
  for (int i = 0; i < w.rows(); ++i) {
    if (h[i] <= 0) continue;
    for (int j = 0; j < w.columns(); ++j) {
      g.w(i, j) = dy[i] * x[j];
      g.x[j] += w(i, j) * dy[i];
    }
  }
  return g;
}

}  // namespace exercise
