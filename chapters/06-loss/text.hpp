/// @file
/// The text of chapter 6: English sentences of the built-in grammar in small letters, a symbol for each
/// character, in padded batches; and how well mere counting predicts it.
#pragma once
#include <cctype>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "autograd/tensor.hpp"
#include "core/errors.hpp"
#include "core/philox.hpp"
#include "text/grammar.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

using Sentence = std::vector<std::int32_t>;

inline constexpr std::int32_t blank = 0;       ///< padding; a model could say it, like any character
inline constexpr Index classes = 32;           ///< what can be said: the blank and 31 characters
inline constexpr std::int32_t mark = classes;  ///< begins a text, or hides a character; can only be read
inline const std::string characters = " !',-.?abcdefghiklmnopqrstuvwxy";

inline Sentence encoded(const std::string& text) {
  Sentence ids;
  for (char c : text) {
    const auto at = characters.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    if (at == std::string::npos) throw DataError(std::string("chapter 6: no symbol for the character ") + c);
    ids.push_back(static_cast<std::int32_t>(at) + 1);
  }
  return ids;
}

/// Sentences to learn from, and others to be judged by.
struct Text {
  std::vector<Sentence> train, test;
  /// The same text for every seed.
  static Text make() {
    const BuiltinCorpus corpus = builtin_corpus(6, 6000, 200);
    Text text;
    for (const auto& pair : corpus.train) text.train.push_back(encoded(pair.source));
    for (const auto& pair : corpus.test) text.test.push_back(encoded(pair.source));
    return text;
  }
};

/// `count` training sentences, those of training step `step`.
inline std::vector<Sentence> drawn(const Text& text, std::uint64_t seed, int step, int count) {
  PhiloxSequence random(seed, 5000 + static_cast<std::uint64_t>(step));
  std::vector<Sentence> some;
  for (int i = 0; i < count; ++i)
    some.push_back(text.train[random.below(static_cast<std::uint32_t>(text.train.size()))]);
  return some;
}

/// Rows of unequal length as one tensor [rows, longest], blanks at the end.
inline IdTensor padded(Kernels& k, const std::vector<std::vector<std::int32_t>>& rows) {
  std::size_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size());
  std::vector<std::int32_t> all;
  for (const auto& row : rows) {
    all.insert(all.end(), row.begin(), row.end());
    all.insert(all.end(), longest - row.size(), blank);
  }
  return IdTensor::from(k, {static_cast<Index>(rows.size()), static_cast<Index>(longest)}, all);
}

/// [rows]: the length of each.
inline IdTensor lengths(Kernels& k, const std::vector<Sentence>& rows) {
  std::vector<std::int32_t> all;
  for (const auto& row : rows) all.push_back(static_cast<std::int32_t>(row.size()));
  return IdTensor::from(k, {static_cast<Index>(rows.size())}, all);
}

inline Index count_characters(const std::vector<Sentence>& sentences) {
  std::size_t all = 0;
  for (const auto& sentence : sentences) all += sentence.size();
  return static_cast<Index>(all);
}

/// Bits per character of the test sentences under counts of the training sentences: each character beside
/// those that stand at the places `seen` from it (-1: the one before). Every count begins at 0.1, so that
/// nothing is impossible.
inline double counted_bits(const Text& text, const std::vector<int>& seen) {
  std::map<Sentence, std::vector<double>> counts;
  const auto each = [&seen](const std::vector<Sentence>& sentences, const auto& f) {
    for (const Sentence& sentence : sentences)
      for (int i = 0; i < static_cast<int>(sentence.size()); ++i) {
        Sentence context;
        for (int place : seen) {
          const int at = i + place;
          context.push_back(at < 0 || at >= static_cast<int>(sentence.size())
                                ? mark
                                : sentence[static_cast<std::size_t>(at)]);
        }
        f(context, static_cast<std::size_t>(sentence[static_cast<std::size_t>(i)]));
      }
  };
  const std::vector<double> none(static_cast<std::size_t>(classes), 0.1);
  each(text.train, [&](const Sentence& context, std::size_t c) {
    counts.try_emplace(context, none).first->second[c] += 1;
  });
  double bits = 0;
  each(text.test, [&](const Sentence& context, std::size_t c) {
    const auto found = counts.find(context);
    const std::vector<double>& n = found == counts.end() ? none : found->second;
    double sum = 0;
    for (std::size_t i = 1; i < n.size(); ++i) sum += n[i];  // a blank is no character
    bits -= std::log2(n[c] / sum);
  });
  return bits / static_cast<double>(count_characters(text.test));
}

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
