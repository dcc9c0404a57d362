/// @file
/// The exercise of chapter 3: what you write, and what it must do.
#pragma once
#include "course/matrix.hpp"

namespace exercise {

using tenfold::course::Matrix;

/// What the dot product of a query and a key, each with `d_k` independent entries of mean 0 and variance `variance`, must
/// be multiplied by to have variance 1.
double scale_factor(int d_k, double variance);

/// Softmax of every row of `scores` [rows, keys]: the same shape, rows that sum to 1, finite for scores of any size.
Matrix softmax(const Matrix& scores);

/// The gradient of the loss by the scores, from the softmax's result and the gradient of the loss by that result; all three
/// [rows, keys].
Matrix softmax_backward(const Matrix& weights, const Matrix& weights_gradient);

}  // namespace exercise
