// Chapter 3, exercise: the right constant, and the softmax both ways.
//
// Approach
//   1. scale_factor: a dot product is a sum of d_k products. What is the variance of one product of two independent
//      numbers of mean 0? Of the sum of d_k of them? What happens to a variance when the number is multiplied by c?
//   2. softmax: exponentials of a row, divided by their sum. Make it safe for a score of 1000 first.
//   3. softmax_backward: weight i depends on every score of its row: dw_i/ds_j = w_i (δ_ij - w_j). Write down
//      dL/ds_j = Σ_i dL/dw_i · dw_i/ds_j and take out what is common.
//
// Example: for scores (0, ln 3) the weights are (0.25, 0.75). With dL/dw = (1, 0) the gradient is (0.1875, -0.1875).
//
// Judge it with  make check N=3 ; a hint with  make hint N=3
#include "exercise.hpp"

#include <cmath>

namespace exercise {

double scale_factor(int d_k, double variance) {
  return 1;  // your code: depends on both
}

Matrix softmax(const Matrix& scores) {
  return scores;  // your code
}

Matrix softmax_backward(const Matrix& weights, const Matrix& weights_gradient) {
  return Matrix(weights.rows(), weights.columns());  // your code
}

}  // namespace exercise
