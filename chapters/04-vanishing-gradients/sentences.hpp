/// @file
/// Chapter 4's task: is a short review good or bad? Two clauses, one of which counts; a clause may be turned round by
/// "not". The same words in another order mean something else.
///
///     the food was not good but the room was really clean          good: after "but" is what counts
///     the food was not good although the room was really clean     bad: before "although" is what counts
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/philox.hpp"

namespace tenfold::chapter04 {

inline const std::vector<std::string>& words() {
  static const std::vector<std::string> all{"the",  "was",    "not",   "very",  "really", "so",     "but",   "although",
                                            "food", "room",   "staff", "view",  "music",  "garden",
                                            "good", "clean",  "nice",  "great", "lovely",
                                            "bad",  "dirty",  "rude",  "poor",  "awful"};
  return all;
}

constexpr int sentence_length = 11;

struct Sentence {
  std::vector<std::int32_t> ids;  ///< sentence_length of them
  std::int32_t good = 0;          ///< 1: a good review
};

inline Sentence sentence(PhiloxSequence& random) {
  constexpr std::int32_t the = 0, was = 1, no = 2, but = 6, nouns = 8, positive = 14, negative = 19;
  Sentence s;
  std::int32_t good[2];
  const auto clause = [&](int which) {
    const auto turned = random.below(2), kind = random.below(2);
    s.ids.insert(s.ids.end(), {the, nouns + std::int32_t(random.below(6)), was, turned ? no : 3 + std::int32_t(random.below(3)),
                               (kind ? positive : negative) + std::int32_t(random.below(5))});
    good[which] = kind != turned;
  };
  clause(0);
  const auto although = static_cast<std::int32_t>(random.below(2));
  s.ids.push_back(but + although);
  clause(1);
  s.good = good[although ? 0 : 1];
  return s;
}

inline std::string text_of(const Sentence& s) {
  std::string text;
  for (std::int32_t id : s.ids) text += (text.empty() ? "" : " ") + words()[static_cast<std::size_t>(id)];
  return text;
}

}  // namespace tenfold::chapter04
