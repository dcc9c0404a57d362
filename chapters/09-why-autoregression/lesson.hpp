/// @file
/// Chapter 9 at lesson size: the chain rule of probability, and two ways through the tree that it makes:
/// sampling and beam search.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/tape.hpp"
#include "ops/add.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter09 {

using Tokens = std::vector<std::int32_t>;

// [chain]
/// -ln p(y) = -Σ_t ln p(y_t | y_1 … y_{t-1}), one prefix at a time; nats(prefix, next) is -ln p(next |
/// prefix), of shape [1].
template <class Nats>
Variable chain_rule(const Nats& nats, const Tokens& y) {
  Variable total = nats(Tokens{}, y.front());
  for (std::size_t t = 1; t < y.size(); ++t)
    total = add(total, nats(Tokens(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(t)), y[t]));
  return total;
}
// [/chain]

// [beam]
/// A beginning of an output, or a whole one: then its score is the log-probability over length^alpha, the end
/// counted.
struct Hypothesis {
  Tokens tokens;
  double log_probability = 0, score = 0;
};

/// The `beam` best beginnings go on, each with every token; next(prefix) gives the log-probabilities of the
/// next token. Ends when `beam` outputs have ended or beginnings have `limit` tokens. Best first; empty when
/// nothing ended.
template <class Next>
std::vector<Hypothesis> beam_search(const Next& next, std::size_t beam, double alpha, std::int32_t end,
                                    std::size_t limit) {
  std::vector<Hypothesis> live{{}}, ended;
  for (std::size_t length = 1; length <= limit && ended.size() < beam && !live.empty(); ++length) {
    std::vector<Hypothesis> candidates;
    for (const Hypothesis& h : live) {
      const std::vector<double> log_p = next(h.tokens);
      for (std::size_t token = 0; token < log_p.size(); ++token) {
        candidates.push_back({h.tokens, h.log_probability + log_p[token], 0});
        candidates.back().tokens.push_back(static_cast<std::int32_t>(token));
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.log_probability > b.log_probability; });
    live.clear();
    for (std::size_t rank = 0; rank < candidates.size() && live.size() < beam; ++rank) {
      Hypothesis& c = candidates[rank];
      if (c.tokens.back() != end) {
        live.push_back(std::move(c));
      } else if (rank < beam) {  // an end that is not among the best is forgotten
        c.score = c.log_probability / std::pow(static_cast<double>(length), alpha);
        c.tokens.pop_back();
        ended.push_back(std::move(c));
      }
    }
  }
  std::stable_sort(ended.begin(), ended.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  return ended;
}
// [/beam]

// [sample]
/// A token drawn with the probabilities whose logarithms are given; uniform in [0, 1).
inline std::int32_t drawn(const std::vector<double>& log_p, double uniform) {
  double sum = 0;
  for (std::size_t token = 0; token < log_p.size(); ++token)
    if ((sum += std::exp(log_p[token])) > uniform) return static_cast<std::int32_t>(token);
  return static_cast<std::int32_t>(std::max_element(log_p.begin(), log_p.end()) - log_p.begin());  // rounding
}
// [/sample]

}  // namespace chapter09
}  // namespace tenfold::inline TENFOLD_REAL
