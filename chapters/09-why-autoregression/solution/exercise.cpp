// Chapter 9, solution.
#include "exercise.hpp"

#include <algorithm>
#include <cmath>

namespace exercise {

double log_probability(const Scorer& next, const std::vector<int>& tokens, int end) {
  double sum = 0;
  std::vector<int> prefix;
  for (int token : tokens) {
    sum += next(prefix)[static_cast<std::size_t>(token)];
    prefix.push_back(token);
  }
  return sum + next(prefix)[static_cast<std::size_t>(end)];
}

std::vector<Hypothesis> beam_search(const Scorer& next, int beam, double alpha, int end, int limit) {
  const auto width = static_cast<std::size_t>(beam);
  std::vector<Hypothesis> living(1), ended;
  for (int round = 0; round < limit && ended.size() < width && !living.empty(); ++round) {
    std::vector<Hypothesis> candidates;
    for (const Hypothesis& h : living) {
      const std::vector<double> log_p = next(h.tokens);
      for (std::size_t token = 0; token < log_p.size(); ++token) {
        if (std::isinf(log_p[token])) continue;
        Hypothesis c{h.tokens, h.log_probability + log_p[token], 0};
        c.tokens.push_back(static_cast<int>(token));
        candidates.push_back(std::move(c));
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(), [](const Hypothesis& a, const Hypothesis& b) {
      return a.log_probability > b.log_probability;
    });
    living.clear();
    for (std::size_t rank = 0; rank < candidates.size() && living.size() < width; ++rank) {
      Hypothesis& c = candidates[rank];
      if (c.tokens.back() != end) {
        living.push_back(c);
      } else if (rank < width) {
        c.score = c.log_probability / std::pow(static_cast<double>(c.tokens.size()), alpha);
        c.tokens.pop_back();
        ended.push_back(c);
      }
    }
  }
  std::stable_sort(ended.begin(), ended.end(),
                   [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  return ended;
}

}  // namespace exercise
