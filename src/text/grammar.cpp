#include "text/grammar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "core/errors.hpp"
#include "text/grammar_sentences.hpp"

namespace tenfold {
namespace {

using grammar::Random;

std::size_t word_count(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) + 1;
}

void check_count(std::size_t count, const char* what) {
  if (count > max_builtin_pairs) {
    throw DataError(fmt::format("built-in corpus: at most {} {}, got {}", max_builtin_pairs, what, count));
  }
}

/// The first `count` distinct pairs of the stream for which `wanted` holds. The grammar has many times
/// max_builtin_pairs of them, so this ends.
template <class Draw, class Wanted>
std::vector<SentencePair> distinct(Random& random, std::size_t count, Draw draw, Wanted wanted) {
  std::vector<SentencePair> pairs;
  std::unordered_set<std::string> seen;
  pairs.reserve(count);
  while (pairs.size() < count) {
    SentencePair pair = draw(random);
    if (wanted(word_count(pair.source)) && seen.insert(pair.source).second) pairs.push_back(std::move(pair));
  }
  return pairs;
}

std::vector<SentencePair> take(std::vector<SentencePair>& from, std::size_t count) {
  const auto first = from.end() - static_cast<std::ptrdiff_t>(count);
  std::vector<SentencePair> taken(std::make_move_iterator(first), std::make_move_iterator(from.end()));
  from.erase(first, from.end());
  return taken;
}

}  // namespace

std::vector<SentencePair> generate_pairs(std::uint64_t seed, std::size_t count) {
  check_count(count, "distinct pairs");
  Random random(seed);
  return distinct(random, count, grammar::any_sentence, [](std::size_t n) { return n <= max_builtin_words; });
}

BuiltinCorpus builtin_corpus(std::uint64_t seed, std::size_t count, std::size_t held_out) {
  if (count == 0) throw DataError("built-in corpus: needs at least one training pair, got 0");
  check_count(held_out, "held-out pairs");
  check_count(count, "training pairs");
  std::vector<SentencePair> pairs = generate_pairs(seed, count + 2 * held_out);
  // Later draws are rarer sentences, since common ones are taken; shuffled, every split has its share of
  // both.
  Random random(seed, 1);
  for (std::size_t i = pairs.size() - 1; i > 0; --i) std::swap(pairs[i], pairs[random.below(i + 1)]);
  BuiltinCorpus corpus;
  corpus.validation = take(pairs, held_out);
  corpus.test = take(pairs, held_out);
  corpus.train = std::move(pairs);
  corpus.longer =
      distinct(random, held_out, grammar::long_sentence, [](std::size_t n) { return n > max_builtin_words; });
  return corpus;
}

}  // namespace tenfold
