/// @file
/// The exercise of chapter 6: what you write, and what it must do.
#pragma once
#include <vector>

#include "course/matrix.hpp"

namespace exercise {

using tenfold::course::Matrix;

/// log Σ_c exp(z_c), finite for numbers of any size. `z` has at least one entry.
double log_sum_exp(const std::vector<double>& z);

struct Loss {
  double value = 0;
  Matrix gradient;  ///< of the value by the logits, the same shape
};

/// Cross-entropy of `logits` [rows, classes] and one target class for each row, averaged over the rows that
/// count: those whose target is not `ignore`. With p the softmax of a row and s the smoothing, a row's loss
/// is -Σ_c y_c log p_c, where y_c = s / classes for every class, and 1 - s more at the target. A row that
/// does not count adds nothing to the value and has a gradient of zero; when no row counts, the value is 0.
Loss cross_entropy(const Matrix& logits, const std::vector<int>& targets, int ignore, double smoothing);

}  // namespace exercise
