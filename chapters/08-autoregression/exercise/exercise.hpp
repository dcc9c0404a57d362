/// @file
/// The exercise of chapter 8: what you write, and what it must do.
#pragma once
#include <vector>

namespace exercise {

/// What a decoder remembers of the tokens so far: for each a key and a value, oldest first. Begins empty.
struct Cache {
  std::vector<std::vector<double>> keys, values;
};

/// A language model, one token at a time. You call it; you need not write one.
class Model {
 public:
  virtual ~Model() = default;
  /// Reads `token` as number `position` of the text (0 for the first), adds it to `cache`, and returns the
  /// logits of the next token, one for each token there is.
  virtual std::vector<double> step(int token, int position, Cache& cache) = 0;
};

/// Attention of the newest token: its key and value join the cache, and its query then meets all keys of the
/// cache, its own included. The result is Σ_t w_t value_t with w = softmax(query·key_t / √d), d the width of
/// the query.
std::vector<double> attend_newest(const std::vector<double>& query, const std::vector<double>& key,
                                  const std::vector<double>& value, Cache& cache);

/// Continues `prompt` (at least one token) greedily: the likeliest next token again and again, of equal ones
/// the first, until that is `end` or there are `limit` of them. The result holds the new tokens, without the
/// prompt and without `end`. The model reads every token once, and none that nobody will ask about.
std::vector<int> greedy(Model& model, const std::vector<int>& prompt, int end, int limit);

}  // namespace exercise
