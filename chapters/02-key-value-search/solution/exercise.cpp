// Chapter 2, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>

namespace exercise {
namespace {

/// Row j of m · x.
double dot_row(const Matrix& m, int j, const Vector& x) {
  double sum = 0;
  for (int c = 0; c < m.columns(); ++c) sum += m(j, c) * x.at(static_cast<std::size_t>(c));
  return sum;
}

}  // namespace

Vector match(const Vector& query, const Matrix& keys, double temperature) {
  Vector weights;
  for (int j = 0; j < keys.rows(); ++j) weights.push_back(dot_row(keys, j, query) / temperature);
  const double most = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (double& w : weights) sum += w = std::exp(w - most);
  for (double& w : weights) w /= sum;
  return weights;
}

Vector soft_lookup(const Vector& query, const Matrix& keys, const Matrix& values, double temperature) {
  const Vector weights = match(query, keys, temperature);
  Vector answer(static_cast<std::size_t>(values.columns()), 0.0);
  for (int j = 0; j < values.rows(); ++j)
    for (std::size_t c = 0; c < answer.size(); ++c)
      answer[c] += weights[static_cast<std::size_t>(j)] * values(j, static_cast<int>(c));
  return answer;
}

Gradients soft_lookup_backward(const Vector& query, const Matrix& keys, const Matrix& values,
                               double temperature, const Vector& output_gradient) {
  const Vector weights = match(query, keys, temperature);
  Gradients g{Vector(query.size(), 0.0), Matrix(keys.rows(), keys.columns()),
              Matrix(values.rows(), values.columns())};
  double mean = 0;  // of the weights' gradients, under the weights
  for (int j = 0; j < keys.rows(); ++j)
    mean += weights[static_cast<std::size_t>(j)] * dot_row(values, j, output_gradient);
  for (int j = 0; j < keys.rows(); ++j) {
    const double w = weights[static_cast<std::size_t>(j)];
    const double score = w * (dot_row(values, j, output_gradient) - mean);  // gradient of score j
    for (int c = 0; c < keys.columns(); ++c) {
      g.query[static_cast<std::size_t>(c)] += score * keys(j, c) / temperature;
      g.keys(j, c) = score * query[static_cast<std::size_t>(c)] / temperature;
    }
    for (int c = 0; c < values.columns(); ++c)
      g.values(j, c) = w * output_gradient[static_cast<std::size_t>(c)];
  }
  return g;
}

}  // namespace exercise
