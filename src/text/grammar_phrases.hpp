/// @file
/// Noun phrases, subjects, pronouns, places and times of the built-in grammar, drawn at random.
#pragma once
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "core/philox.hpp"
#include "text/grammar_lexicon.hpp"

namespace tenfold::grammar {

/// Draws from one Philox sequence, by integer arithmetic only: the same on every machine and standard
/// library.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : sequence_(seed, stream) {}
  /// Uniform in [0, n), n > 0.
  std::size_t below(std::size_t n) { return sequence_.below(static_cast<std::uint32_t>(n)); }
  int between(int low, int high) {
    return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1)));
  }
  bool percent(unsigned chance) { return below(100) < chance; }
  template <class List>
  const auto& pick(const List& list) {
    return list[below(std::size(list))];
  }

 private:
  PhiloxSequence sequence_;
};

/// What stands before a noun. `some` is "a" or "some"/"any"; `bare` is the same in French without an English
/// word
/// ("eats apples"); `general` is "likes apples", which French says with "les".
enum class Determiner { the, some, bare, general, demonstrative, possessive, genitive, numeral };

struct NounPhrase {
  Phrase text;
  Gender gender;
  Number number;
};

/// Who does something. `they` stands for every plural noun, `he` for every singular one and for "she".
struct Subject {
  Phrase text;
  Person person;
  Gender gender;
  bool animate_noun = false;  ///< a noun or a name, not a pronoun
};

/// A pronoun as object. `direct` and `indirect` stand before the French verb, `stressed` after a preposition
/// or order.
struct ObjectPronoun {
  std::string en, direct, indirect, stressed;
  Person person;
  std::string agreement;  ///< what it adds to a participle after it: "", "e", "s"
  bool speaker;           ///< me, us, you: their gender is not told
};

/// The noun with 0 to 2 of its adjectives around it, and a determiner. Negated, "some" becomes "any" and
/// French "de".
NounPhrase noun_phrase(Random& random, const Noun& noun, Number number, Determiner determiner,
                       unsigned adjective_percent, bool negated = false);
/// The noun with these adjectives, each on its own side, without a determiner.
NounPhrase described(const Noun& noun, Number number, const std::vector<const Adjective*>& around);

/// Any noun of these kinds.
const Noun& random_noun(Random& random, Mask kinds);
/// A number the noun allows, singular in `singular_percent` of the cases.
Number random_number(Random& random, const Noun& noun, unsigned singular_percent = 60);
/// An adjective that fits the noun, and the position asked for; null when there is none.
const Adjective* random_adjective(Random& random, Mask traits, bool predicative);

/// A known person: Paul, my sister, the old doctor.
NounPhrase known_person(Random& random, unsigned adjective_percent = 15);
Subject pronoun_subject(Random& random);
/// Any subject: half of them pronouns. No adjectives where the sentence says its own: "the happy girl is
/// sad".
Subject any_subject(Random& random, unsigned adjective_percent);
/// A subject without adjectives which a pronoun can take up: not a feminine plural, whose "they" would not be
/// "ils".
Subject repeatable_subject(Random& random);
/// he, she, they … for a repeatable subject.
Subject pronoun_for(const Subject& subject);
Subject noun_subject(const NounPhrase& phrase);

/// me, him, her, us, you, them; never the subject's own person.
const ObjectPronoun& object_pronoun(Random& random, Person subject, bool speakers_too);

/// in the garden, at the hospital, near the station.
Phrase place(Random& random);
/// in the village, next to the park: where one can live.
Phrase home(Random& random);
/// to the market; back from the hotel.
Phrase direction(Random& random, bool from);
/// ten past three in the afternoon.
Phrase clock_time(Random& random);
/// on Monday, tomorrow, at seven o'clock.
Phrase moment(Random& random);
/// is and its kin: "am", "is", "are".
std::string english_be(Person person);
/// The French form of the verb for the person.
const std::string& french_present(const FrenchVerb& verb, Person person);

}  // namespace tenfold::grammar
