/// @file
/// Chapter 4's task: is a short review good or bad? What counts is the clause after "but", and "not" turns a
/// clause round. The same words in another order mean something else:
///
///     the food was really bad but the room was very clean      good
///     the room was very clean but the food was really bad      bad
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/philox.hpp"

namespace tenfold::chapter04 {

inline const std::vector<std::string>& words() {
  static const std::vector<std::string> all{"the",   "was",  "but",  "not",   "very", "really",
                                            "so",    "food", "room", "staff", "view", "good",
                                            "clean", "nice", "bad",  "dirty", "rude"};
  return all;
}

constexpr int sentence_length = 11;

struct Sentence {
  std::vector<std::int32_t> ids;  ///< sentence_length of them
  std::int32_t good = 0;          ///< 1: a good review
};

inline Sentence sentence(PhiloxSequence& random) {
  constexpr std::int32_t the = 0, was = 1, but = 2, no = 3, very = 4, noun = 7, positive = 11, negative = 14;
  const auto one_of = [&](std::int32_t first, std::uint32_t count) {
    return first + std::int32_t(random.below(count));
  };
  Sentence s;
  for (int clause = 0; clause < 2; ++clause) {
    const bool kind = random.below(2) == 0, turned = random.below(4) == 0;
    if (clause == 1) s.ids.push_back(but);
    for (std::int32_t id :
         {the, one_of(noun, 4), was, turned ? no : one_of(very, 3), one_of(kind ? positive : negative, 3)})
      s.ids.push_back(id);
    s.good = kind != turned;
  }
  return s;
}

inline std::string text_of(const Sentence& s) {
  std::string text;
  for (std::int32_t id : s.ids) text += (text.empty() ? "" : " ") + words()[static_cast<std::size_t>(id)];
  return text;
}

}  // namespace tenfold::chapter04
