/// @file
/// The built-in corpus: a small English-to-French grammar written for this project, and the splits drawn from
/// it.
///
/// It covers agreement in gender and number, adjectives before and after the noun, negation around the verb,
/// clitic pronouns, elision and contraction, the passé composé with its agreement, numbers and clock times in
/// words, questions, orders, and subordinate clauses. Every English sentence has exactly one French one
/// ("you" is always the polite "vous", "they" is "ils"; a word whose gender the English would not tell is
/// never used where it would show), so exact match is a fair score. The same seed gives the same corpus on
/// every machine and standard library.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/sentence_pair.hpp"

namespace tenfold {

/// The most distinct pairs one call can be asked for (the grammar holds many times more, ever rarer ones).
inline constexpr std::size_t max_builtin_pairs = 100'000;
/// The longest source sentence, in words between spaces, of every split but `longer`.
inline constexpr std::size_t max_builtin_words = 12;

/// No source sentence occurs twice, in one split or in two.
struct BuiltinCorpus {
  std::vector<SentencePair> train, validation, test;  ///< the three usual splits
  std::vector<SentencePair> longer;  ///< every source has more words than the longest the others may have
};

/// `count` training pairs, `held_out` pairs each for validation, test and longer. Throws DataError when
/// count + 2 held_out or held_out exceeds max_builtin_pairs, or count is 0.
BuiltinCorpus builtin_corpus(std::uint64_t seed, std::size_t count, std::size_t held_out = 500);

/// `count` distinct pairs of at most max_builtin_words source words; a smaller count gives a prefix of a
/// larger one. Throws DataError when count exceeds max_builtin_pairs.
std::vector<SentencePair> generate_pairs(std::uint64_t seed, std::size_t count);

}  // namespace tenfold
