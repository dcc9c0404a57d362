// Chapter 10, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>

namespace exercise {

std::vector<Matrix> split(const Matrix& x, int heads) {
  const int d_k = x.columns() / heads;
  std::vector<Matrix> parts;
  for (int h = 0; h < heads; ++h) {
    Matrix part(x.rows(), d_k);
    for (int t = 0; t < x.rows(); ++t)
      for (int c = 0; c < d_k; ++c) part(t, c) = x(t, h * d_k + c);
    parts.push_back(part);
  }
  return parts;
}

Matrix attend(const Matrix& q, const Matrix& k, const Matrix& v) {
  const double factor = 1 / std::sqrt(q.columns());
  Matrix result(q.rows(), v.columns());
  for (int i = 0; i < q.rows(); ++i) {
    std::vector<double> weights;
    for (int j = 0; j < k.rows(); ++j) {
      double dot = 0;
      for (int c = 0; c < q.columns(); ++c) dot += q(i, c) * k(j, c);
      weights.push_back(factor * dot);
    }
    const double most = *std::max_element(weights.begin(), weights.end());
    double sum = 0;
    for (double& w : weights) sum += w = std::exp(w - most);
    for (int j = 0; j < k.rows(); ++j)
      for (int c = 0; c < v.columns(); ++c) result(i, c) += weights[static_cast<std::size_t>(j)] / sum * v(j, c);
  }
  return result;
}

Matrix merge(const std::vector<Matrix>& heads) {
  const int d_k = heads.front().columns();
  Matrix x(heads.front().rows(), d_k * static_cast<int>(heads.size()));
  for (int h = 0; h < static_cast<int>(heads.size()); ++h)
    for (int t = 0; t < x.rows(); ++t)
      for (int c = 0; c < d_k; ++c) x(t, h * d_k + c) = heads[static_cast<std::size_t>(h)](t, c);
  return x;
}

Matrix multi_head(const Matrix& q, const Matrix& k, const Matrix& v, int heads) {
  const std::vector<Matrix> queries = split(q, heads), keys = split(k, heads), values = split(v, heads);
  std::vector<Matrix> results;
  for (std::size_t h = 0; h < queries.size(); ++h) results.push_back(attend(queries[h], keys[h], values[h]));
  return merge(results);
}

}  // namespace exercise
