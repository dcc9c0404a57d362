/// @file
/// The exercise of chapter 4: what you write, and what it must do.
#pragma once
#include <vector>

#include "course/matrix.hpp"

namespace exercise {

using tenfold::course::Matrix;
using Vector = std::vector<double>;

/// What Adam remembers between steps. Empty vectors stand for zeros.
struct AdamState {
  Vector mean, square;  ///< running means of the gradient and of its square
  int steps = 0;        ///< how many were made
};

/// One step of Adam with bias correction: `values` are moved, `state` is brought up to date.
void adam_step(Vector& values, const Vector& gradient, AdamState& state, double learning_rate, double beta1,
               double beta2, double epsilon);

/// y = x + relu(W x) for x [n] and W [n, n].
Vector residual_block(const Matrix& w, const Vector& x);

/// Gradients of the loss.
struct BlockGradients {
  Vector x;  ///< [n]
  Matrix w;  ///< [n, n]
};

/// What comes back through residual_block, from its inputs and `dy` [n], the gradient of the loss by its
/// result. The slope of the ReLU at 0 counts as 0.
BlockGradients residual_block_backward(const Matrix& w, const Vector& x, const Vector& dy);

}  // namespace exercise
