// Chapter 6, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>

namespace exercise {

double log_sum_exp(const std::vector<double>& z) {
  const double most = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (double v : z) sum += std::exp(v - most);
  return most + std::log(sum);
}

Loss cross_entropy(const Matrix& logits, const std::vector<int>& targets, int ignore, double smoothing) {
  Loss loss{0, Matrix(logits.rows(), logits.columns())};
  const int classes = logits.columns();
  double counted = 0;
  for (int target : targets) counted += target != ignore;
  const double rows = std::max(counted, 1.0);
  for (int r = 0; r < logits.rows(); ++r) {
    const int target = targets[static_cast<std::size_t>(r)];
    if (target == ignore) continue;
    std::vector<double> row;
    for (int c = 0; c < classes; ++c) row.push_back(logits(r, c));
    const double log_sum = log_sum_exp(row);
    for (int c = 0; c < classes; ++c) {
      const double log_p = logits(r, c) - log_sum;
      const double y = (c == target ? 1 - smoothing : 0) + smoothing / classes;
      loss.value -= y * log_p / rows;
      loss.gradient(r, c) = (std::exp(log_p) - y) / rows;
    }
  }
  return loss;
}

}  // namespace exercise
