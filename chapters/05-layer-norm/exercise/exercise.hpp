/// @file
/// The exercise of chapter 5: what you write, and what it must do.
#pragma once
#include <vector>

#include "course/matrix.hpp"

namespace exercise {

using tenfold::course::Matrix;

/// Layer norm of every row of `x` [tokens, features]: γ ⊙ (x - mean) / sqrt(variance + ε) + β, with the mean
/// and the variance (divided by the number of features) of that row alone. `gamma` and `beta` have a number
/// for each feature.
Matrix layer_norm(const Matrix& x, const std::vector<double>& gamma, const std::vector<double>& beta,
                  double epsilon);

/// Gradients of the loss.
struct Gradients {
  Matrix x;                         ///< [tokens, features]
  std::vector<double> gamma, beta;  ///< one for each feature
};

/// What comes back through layer_norm, from the same inputs and `dy`, the gradient of the loss by its result
/// [tokens, features].
Gradients layer_norm_backward(const Matrix& x, const std::vector<double>& gamma, double epsilon,
                              const Matrix& dy);

}  // namespace exercise
