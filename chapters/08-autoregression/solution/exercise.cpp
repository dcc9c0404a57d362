// Chapter 8, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>

namespace exercise {

std::vector<double> attend_newest(const std::vector<double>& query, const std::vector<double>& key,
                                  const std::vector<double>& value, Cache& cache) {
  cache.keys.push_back(key);
  cache.values.push_back(value);
  std::vector<double> weights;
  for (const auto& k : cache.keys) {
    double dot = 0;
    for (std::size_t i = 0; i < query.size(); ++i) dot += query[i] * k[i];
    weights.push_back(dot / std::sqrt(static_cast<double>(query.size())));
  }
  const double most = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (double& w : weights) sum += w = std::exp(w - most);
  std::vector<double> result(value.size(), 0);
  for (std::size_t t = 0; t < weights.size(); ++t)
    for (std::size_t i = 0; i < result.size(); ++i) result[i] += weights[t] / sum * cache.values[t][i];
  return result;
}

std::vector<int> greedy(Model& model, const std::vector<int>& prompt, int end, int limit) {
  std::vector<int> output;
  if (limit <= 0) return output;
  Cache cache;
  int position = 0;
  std::vector<double> logits;
  for (int token : prompt) logits = model.step(token, position++, cache);
  while (true) {
    const int token = static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (token == end) break;
    output.push_back(token);
    if (static_cast<int>(output.size()) >= limit) break;
    logits = model.step(token, position++, cache);
  }
  return output;
}

}  // namespace exercise
