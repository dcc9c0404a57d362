/// @file
/// The words of the built-in grammar, and which of them make sense together: a noun's kinds say what verbs
/// can be done to it, its traits what adjectives can be said of it.
#pragma once
#include <string>
#include <vector>

#include "text/grammar_morphology.hpp"

namespace tenfold::grammar {

using Mask = unsigned;

/// What a noun is, as verbs and prepositions ask.
namespace kind {
inline constexpr Mask person = 1u << 0, kin = 1u << 1, animal = 1u << 2, snack = 1u << 3, food = 1u << 4,
                      drink = 1u << 5, text = 1u << 6, letter = 1u << 7, belonging = 1u << 8, gift = 1u << 9,
                      buyable = 1u << 10, opening = 1u << 11, clothes = 1u << 12, vehicle = 1u << 13,
                      transit = 1u << 14, place_at = 1u << 15, place_in = 1u << 16, surface = 1u << 17;
}

/// What can be said of a noun, as adjectives ask.
namespace trait {
inline constexpr Mask big = 1u << 0, small = 1u << 1, fresh_made = 1u << 2, old = 1u << 3, fine = 1u << 4,
                      coloured = 1u << 5, furred = 1u << 6, red_green = 1u << 7, costly = 1u << 8,
                      weighty = 1u << 9, breakable = 1u << 10, warm = 1u << 11, fresh = 1u << 12,
                      readable = 1u << 13, tasty = 1u << 14, adult = 1u << 15, human = 1u << 16,
                      closable = 1u << 17, skilled = 1u << 18;
}

struct Noun {
  std::string en, en_plural, fr, fr_plural;
  Gender gender;
  Mask kinds, traits;
  enum class Count { both, singular_only, plural_only, mass } count;
};

struct Adjective {
  std::string en;
  std::string masculine, feminine;
  std::string before_vowel;  ///< masculine singular before a vowel: "bel"
  Mask traits;               ///< nouns that have one of these can take it
  bool before_noun;
  bool attributive, predicative;
  /// The form for a gender and number.
  std::string form(Gender gender, Number number) const;
};

struct Verb {
  std::string en,
      en_past;  ///< no past where English would not tell it from the present, or French wants the imparfait
  std::string particle;  ///< between an English verb and its object: "for"
  FrenchVerb fr;
  Mask objects;     ///< kinds of nouns it takes as a thing
  bool persons;     ///< whether it takes people
  bool indirect;    ///< whether the French object needs à
  bool indefinite;  ///< whether "some apples" or "apples" are natural objects
  bool habit;       ///< whether it makes sense with often, never, every day
  bool action;      ///< whether it goes with can, must and going to
};

const std::vector<Noun>& nouns();
const std::vector<Adjective>& adjectives();
/// Verbs with an object.
const std::vector<Verb>& transitives();
/// give, show, send, sell: something to someone.
const std::vector<Verb>& givers();
/// Verbs that need nothing more.
const std::vector<Verb>& intransitives();
/// A verb of any list, or go, leave, live and other verbs with rules of their own, by its English base form
/// and, where two share it, French infinitive. Throws std::out_of_range when there is none.
const Verb& verb(std::string_view en, std::string_view infinitive = "");
const Noun& noun(std::string_view en);
const Adjective& adjective(std::string_view en);

const FrenchVerb& etre();
const FrenchVerb& avoir();

}  // namespace tenfold::grammar
