/// @file
/// The exercise of chapter 2: what you write, and what it must do.
#pragma once
#include <vector>

#include "course/matrix.hpp"

namespace exercise {

using tenfold::course::Matrix;
using Vector = std::vector<double>;

/// How much each stored pair has to say: the softmax of (query · key_j) / temperature over the rows of `keys`
/// [pairs, d_k]. The result has a weight for each pair; finite for scores of any size.
Vector match(const Vector& query, const Matrix& keys, double temperature);

/// The mean of the rows of `values` [pairs, d_v] under that match: d_v numbers.
Vector soft_lookup(const Vector& query, const Matrix& keys, const Matrix& values, double temperature);

/// The gradient of the loss by each of the three inputs, in their shapes.
struct Gradients {
  Vector query;
  Matrix keys, values;
};

/// From the gradient of the loss by soft_lookup's result (d_v numbers) to the gradients by its inputs.
Gradients soft_lookup_backward(const Vector& query, const Matrix& keys, const Matrix& values,
                               double temperature, const Vector& output_gradient);

}  // namespace exercise
