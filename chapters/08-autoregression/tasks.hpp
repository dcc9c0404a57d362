/// @file
/// The two tasks of chapter 8, made here word by word: repeat a line of letters, and shorten a message to a
/// telegram.
#pragma once
#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/philox.hpp"
#include "nn/config.hpp"
#include "text/batching.hpp"

namespace tenfold::chapter08_tasks {

/// How many letters there are to repeat; their ids follow the special ones.
inline constexpr Index letters = 16;

/// A line of `length` random letters, and the same line.
inline TokenPair echo(PhiloxSequence& random, Index length) {
  TokenPair pair;
  for (Index i = 0; i < length; ++i)
    pair.source.push_back(4 + static_cast<std::int32_t>(random.below(letters)));
  pair.target = pair.source;
  return pair;
}

/// The words of the messages: small ones, which a telegram leaves out, and then those it keeps.
inline constexpr std::array<std::string_view, 15> small_words{"the",     "our", "old",    "will", "has",
                                                              "to",      "in",  "at",     "a",    "of",
                                                              "because", "and", "please", "very", "soon"};
inline constexpr std::array<std::string_view, 21> kept_words{
    "train", "doctor", "ship", "letter", "captain", "parcel", "arrive", "leave",    "wait",  "return", "stop",
    "write", "lisbon", "york", "bremen", "turin",   "noon",   "dawn",   "midnight", "storm", "strike"};
inline constexpr Index telegram_vocabulary = 4 + static_cast<Index>(small_words.size() + kept_words.size());

inline std::int32_t word_id(std::string_view word) {
  std::int32_t id = 4;
  for (std::string_view w : small_words) {
    if (w == word) return id;
    ++id;
  }
  for (std::string_view w : kept_words) {
    if (w == word) return id;
    ++id;
  }
  throw std::logic_error("telegram: no such word: " + std::string(word));
}
inline bool is_small(std::int32_t id) { return id < 4 + static_cast<std::int32_t>(small_words.size()); }

inline std::string telegram_text(const std::vector<std::int32_t>& ids) {
  std::string out;
  for (std::int32_t id : ids) {
    const auto i = static_cast<std::size_t>(id - 4);
    out += out.empty() ? "" : " ";
    out += id < 4 ? "?" : i < small_words.size() ? small_words[i] : kept_words[i - small_words.size()];
  }
  return out;
}

/// A message of `clauses` clauses, 4 to 15 words each, and its telegram: the same without the small words.
inline TokenPair telegram(PhiloxSequence& random, int clauses) {
  TokenPair pair;
  const auto say = [&](std::initializer_list<std::string_view> words) {
    for (std::string_view w : words) pair.source.push_back(word_id(w));
  };
  const auto one_of = [&](std::initializer_list<std::string_view> words) {
    return words.begin()[random.below(static_cast<std::uint32_t>(words.size()))];
  };
  for (int c = 0; c < clauses; ++c) {
    if (c > 0) say({"and"});
    if (random.below(4) == 0) say({"please"});
    say({one_of({"the", "our", "a"})});
    if (random.below(3) == 0) say({"very", "old"});
    say({one_of({"train", "doctor", "ship", "letter", "captain", "parcel"})});
    if (random.below(2))
      say({"will"});
    else
      say({"has", "to"});
    say({one_of({"arrive", "leave", "wait", "return", "stop", "write"})});
    if (random.below(2)) say({"in", one_of({"lisbon", "york", "bremen", "turin"})});
    if (random.below(2)) say({"at", one_of({"noon", "dawn", "midnight"})});
    if (random.below(3) == 0) say({"because", "of", "the", one_of({"storm", "strike"})});
    if (random.below(4) == 0) say({"soon"});
  }
  std::copy_if(pair.source.begin(), pair.source.end(), std::back_inserter(pair.target),
               [](auto id) { return !is_small(id); });
  return pair;
}

}  // namespace tenfold::chapter08_tasks
