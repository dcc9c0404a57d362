/// @file
/// The exercise of chapter 9: what you write, and what it must do.
#pragma once
#include <functional>
#include <vector>

namespace exercise {

/// A model: the log-probabilities of the next token, one for each token there is, given all tokens before.
/// Minus infinity is the logarithm of a token that is impossible.
using Scorer = std::function<std::vector<double>(const std::vector<int>& prefix)>;

/// ln p of the whole output `tokens`, which does not hold the end token, and of its end after that: the chain
/// rule.
double log_probability(const Scorer& next, const std::vector<int>& tokens, int end);

/// An output that has ended.
struct Hypothesis {
  std::vector<int> tokens;     ///< without the end token
  double log_probability = 0;  ///< of the tokens and the end
  double score = 0;            ///< log_probability / length^alpha, where length counts the tokens and the end
};

/// Beam search. It begins with one empty beginning. In each round
///   - every living beginning is continued with every token, and these candidates are ranked by
///     log-probability;
///   - from the best on down, a candidate that does not end lives on, until `beam` of them live; one that
///     ends is an output if it is among the first `beam` of the ranking, and forgotten otherwise; impossible
///     ones are left out.
/// The search is over when there are `beam` outputs or more, when nothing lives, or after `limit` rounds.
/// Returns the outputs found, the best score first.
std::vector<Hypothesis> beam_search(const Scorer& next, int beam, double alpha, int end, int limit);

}  // namespace exercise
