#include "text/grammar_phrases.hpp"

#include <algorithm>
#include <array>

namespace tenfold::grammar {
namespace {

struct Name {
  const char* text;
  Gender gender;
};
constexpr Name names[] = {{"Paul", Gender::masculine},  {"Pierre", Gender::masculine},
                          {"Louis", Gender::masculine}, {"Marie", Gender::feminine},
                          {"Claire", Gender::feminine}, {"Anna", Gender::feminine}};

struct Possessive {
  const char *en, *masculine, *feminine, *plural;
};
constexpr Possessive possessives[] = {{"my", "mon", "ma", "mes"},       {"your", "votre", "votre", "vos"},
                                      {"his", "son", "sa", "ses"},      {"her", "son", "sa", "ses"},
                                      {"our", "notre", "notre", "nos"}, {"their", "leur", "leur", "leurs"}};

std::string by_form(Gender gender, Number number, const char* masculine, const char* feminine,
                    const char* plural) {
  if (number == Number::plural) return plural;
  return gender == Gender::feminine ? feminine : masculine;
}

std::string definite(Gender gender, Number number) { return by_form(gender, number, "le", "la", "les"); }

Phrase possessive(Random& random, Gender gender, Number number) {
  const Possessive& own = random.pick(possessives);
  return {own.en, by_form(gender, number, own.masculine, own.feminine, own.plural)};
}

/// Paul, my uncle, the girl: one person, who can own something.
NounPhrase owner(Random& random) {
  const std::size_t way = random.below(3);
  if (way == 0) {
    const Name& name = random.pick(names);
    return {{name.text, name.text}, name.gender, Number::singular};
  }
  const Noun& who = random_noun(random, way == 1 ? kind::kin : kind::person);
  return noun_phrase(random, who, Number::singular, way == 1 ? Determiner::possessive : Determiner::the, 0);
}

/// "a", "some", "any" or nothing, with un, une, des, de, or the partitive.
Phrase indefinite(const Noun& noun, Number number, bool adjective_first, bool negated, bool spoken) {
  const bool mass = noun.count == Noun::Count::mass;
  const bool plural = number == Number::plural;
  const std::string en = !spoken ? "" : !mass && !plural ? "a" : negated ? "any" : "some";
  if (negated) return {en, "de"};
  if (mass) return {en, words({"de", definite(noun.gender, number)})};
  if (plural) return {en, adjective_first ? "de" : "des"};  // "de grands chiens", the careful form
  return {en, noun.gender == Gender::feminine ? "une" : "un"};
}

Phrase article(Random& random, const Noun& noun, Number number, Determiner determiner, bool adjective_first,
               bool negated) {
  switch (determiner) {
    case Determiner::some:
      return indefinite(noun, number, adjective_first, negated, true);
    case Determiner::bare:
      return indefinite(noun, number, adjective_first, negated, false);
    case Determiner::general:
      return {"", definite(noun.gender, number)};
    case Determiner::demonstrative:
      return {number == Number::plural ? "these" : "this",
              by_form(noun.gender, number, "ce", "cette", "ces")};
    case Determiner::possessive:
      return possessive(random, noun.gender, number);
    case Determiner::numeral:
      return number_words(random.between(2, 12));
    case Determiner::the:
    case Determiner::genitive:
      break;
  }
  return {"the", definite(noun.gender, number)};
}

std::vector<const Adjective*> some_adjectives(Random& random, const Noun& noun, unsigned percent) {
  std::vector<const Adjective*> chosen;
  if (!random.percent(percent)) return chosen;
  const Adjective* first = random_adjective(random, noun.traits, false);
  if (first == nullptr) return chosen;
  chosen.push_back(first);
  const Adjective* second = random.percent(20) ? random_adjective(random, noun.traits, false) : nullptr;
  // "a beautiful red car": the English order has the one that French puts first in front.
  if (second != nullptr && first->before_noun && !second->before_noun) chosen.push_back(second);
  return chosen;
}

Phrase beside(Random& random) {
  static const Phrase sides[] = {{"near", "près de"},
                                 {"next to", "à côté de"},
                                 {"behind", "derrière"},
                                 {"in front of", "devant"},
                                 {"far from", "loin de"}};
  const Phrase& side = random.pick(sides);
  const Noun& where = random.percent(15) ? noun("house") : random_noun(random, kind::place_at);
  return sequence({side, noun_phrase(random, where, Number::singular, Determiner::the, 10).text});
}

}  // namespace

NounPhrase described(const Noun& noun, Number number, const std::vector<const Adjective*>& around) {
  const bool plural = number == Number::plural;
  Phrase text{plural ? noun.en_plural : noun.en, plural ? noun.fr_plural : noun.fr};
  const std::string bare = text.fr;
  std::string qualities;
  for (const Adjective* each : around) {
    qualities = words({qualities, each->en});
    const std::string form = each->form(noun.gender, number);
    const bool liaison =
        noun.gender == Gender::masculine && !plural && !each->before_vowel.empty() && elides_before(bare);
    text.fr =
        each->before_noun ? words({liaison ? each->before_vowel : form, text.fr}) : words({text.fr, form});
  }
  text.en = words({qualities, text.en});
  return {text, noun.gender, number};
}

NounPhrase noun_phrase(Random& random, const Noun& noun, Number number, Determiner determiner,
                       unsigned adjective_percent, bool negated) {
  const auto around = some_adjectives(random, noun, adjective_percent);
  NounPhrase phrase = described(noun, number, around);
  const bool adjective_first = !around.empty() && around.front()->before_noun;
  const Phrase front = article(random, noun, number, determiner, adjective_first, negated);
  if (determiner == Determiner::genitive) {
    const NounPhrase whose = owner(random);
    phrase.text = {words({whose.text.en + "'s", phrase.text.en}),
                   words({front.fr, phrase.text.fr, "de", whose.text.fr})};
  } else {
    phrase.text = sequence({front, phrase.text});
  }
  return phrase;
}

const Noun& random_noun(Random& random, Mask kinds) {
  std::vector<const Noun*> fitting;
  for (const Noun& each : nouns()) {
    if ((each.kinds & kinds) != 0) fitting.push_back(&each);
  }
  return *random.pick(fitting);
}

Number random_number(Random& random, const Noun& noun, unsigned singular_percent) {
  if (noun.count == Noun::Count::plural_only) return Number::plural;
  if (noun.count != Noun::Count::both) return Number::singular;
  return random.percent(singular_percent) ? Number::singular : Number::plural;
}

const Adjective* random_adjective(Random& random, Mask traits, bool predicative) {
  std::vector<const Adjective*> fitting;
  for (const Adjective& each : adjectives()) {
    if ((each.traits & traits) != 0 && (predicative ? each.predicative : each.attributive))
      fitting.push_back(&each);
  }
  return fitting.empty() ? nullptr : random.pick(fitting);
}

NounPhrase known_person(Random& random, unsigned adjective_percent) {
  const std::size_t way = random.below(10);
  if (way < 3) {
    const Name& name = random.pick(names);
    return {{name.text, name.text}, name.gender, Number::singular};
  }
  const bool kin = way < 6;
  const Noun& who = random_noun(random, kin ? kind::kin : kind::person);
  const Number number = random_number(random, who, 65);
  if (kin)
    return noun_phrase(random, who, number,
                       random.percent(85) ? Determiner::possessive : Determiner::genitive, 0);
  return noun_phrase(random, who, number, random.percent(80) ? Determiner::the : Determiner::demonstrative,
                     adjective_percent);
}

Subject noun_subject(const NounPhrase& phrase) {
  return {phrase.text, phrase.number == Number::plural ? Person::they : Person::he, phrase.gender, true};
}

Subject pronoun_subject(Random& random) {
  static const Subject pronouns[] = {
      {{"I", "je"}, Person::i, Gender::masculine},       {{"he", "il"}, Person::he, Gender::masculine},
      {{"she", "elle"}, Person::he, Gender::feminine},   {{"we", "nous"}, Person::we, Gender::masculine},
      {{"you", "vous"}, Person::you, Gender::masculine}, {{"they", "ils"}, Person::they, Gender::masculine}};
  return random.pick(pronouns);
}

Subject any_subject(Random& random, unsigned adjective_percent) {
  return random.percent(50) ? pronoun_subject(random) : noun_subject(known_person(random, adjective_percent));
}

Subject repeatable_subject(Random& random) {
  for (;;) {  // ends: most subjects are repeatable
    Subject subject = any_subject(random, 0);
    if (!subject.animate_noun || subject.person != Person::they || subject.gender == Gender::masculine)
      return subject;
  }
}

Subject pronoun_for(const Subject& subject) {
  if (!subject.animate_noun) return subject;
  if (subject.person == Person::they) return {{"they", "ils"}, Person::they, Gender::masculine};
  if (subject.gender == Gender::feminine) return {{"she", "elle"}, Person::he, Gender::feminine};
  return {{"he", "il"}, Person::he, Gender::masculine};
}

const ObjectPronoun& object_pronoun(Random& random, Person subject, bool speakers_too) {
  static const ObjectPronoun pronouns[] = {{"him", "le", "lui", "lui", Person::he, "", false},
                                           {"her", "la", "lui", "elle", Person::he, "e", false},
                                           {"them", "les", "leur", "eux", Person::they, "s", false},
                                           {"me", "me", "me", "moi", Person::i, "", true},
                                           {"us", "nous", "nous", "nous", Person::we, "", true},
                                           {"you", "vous", "vous", "vous", Person::you, "", true}};
  const auto first = [](Person person) { return person == Person::i || person == Person::we; };
  for (;;) {  // ends: him, her and them always do
    const ObjectPronoun& chosen = pronouns[random.below(speakers_too ? 6 : 3)];
    const bool same = chosen.person == subject || (first(chosen.person) && first(subject));
    if (!chosen.speaker || !same) return chosen;
  }
}

Phrase place(Random& random) {
  const std::size_t way = random.below(10);
  if (way >= 7) return beside(random);
  if (way < 4) {
    const Noun& where = random_noun(random, kind::place_in);
    const bool owned = (where.kinds & kind::place_at) == 0 && random.percent(30);
    const Determiner known = owned ? Determiner::possessive : Determiner::the;
    return sequence({{"in", "dans"}, noun_phrase(random, where, Number::singular, known, 15).text});
  }
  const Noun& where = random_noun(random, kind::place_at);
  const bool park = (where.kinds & kind::place_in) != 0;
  return sequence({park ? Phrase{"in", "dans"} : Phrase{"at", "à"},
                   noun_phrase(random, where, Number::singular, Determiner::the, 0).text});
}

Phrase home(Random& random) {
  if (random.percent(50)) return beside(random);
  static constexpr Determiner known[] = {Determiner::the, Determiner::some, Determiner::demonstrative};
  const Noun& where = noun(random.percent(50) ? "house" : "village");
  const Determiner determiner = random.pick(known);
  return sequence({{"in", "dans"}, noun_phrase(random, where, Number::singular, determiner, 40).text});
}

Phrase direction(Random& random, bool from) {
  const Noun& where = random_noun(random, kind::place_at);
  return sequence({from ? Phrase{"back from", "de"} : Phrase{"to", "à"},
                   noun_phrase(random, where, Number::singular, Determiner::the, 0).text});
}

Phrase clock_time(Random& random) {
  if (random.percent(6)) return random.percent(50) ? Phrase{"noon", "midi"} : Phrase{"midnight", "minuit"};
  const auto hour = [](int h) {
    return h == 1 ? Phrase{"one", "une heure"} : Phrase{number_words(h).en, number_words(h).fr + " heures"};
  };
  const int h = random.between(1, 11);
  static const Phrase past[] = {{"five past", "cinq"},
                                {"ten past", "dix"},
                                {"a quarter past", "et quart"},
                                {"twenty past", "vingt"},
                                {"half past", "et demie"}};
  static const Phrase to[] = {{"twenty to", "moins vingt"},
                              {"a quarter to", "moins le quart"},
                              {"ten to", "moins dix"},
                              {"five to", "moins cinq"}};
  const std::size_t way = random.below(14);
  Phrase time{words({hour(h).en, "o'clock"}), hour(h).fr};
  if (way >= 5) {
    const Phrase& minutes = way < 10 ? past[way - 5] : to[way - 10];
    time = {words({minutes.en, hour(h).en}), words({hour(h).fr, minutes.fr})};
  }
  if (!random.percent(30)) return time;
  const bool morning = random.percent(50);
  if (morning) return sequence({time, {"in the morning", "du matin"}});
  return sequence(
      {time, h >= 6 ? Phrase{"in the evening", "du soir"} : Phrase{"in the afternoon", "de l'après-midi"}});
}

Phrase moment(Random& random) {
  static const Phrase days[] = {
      {"on Monday", "lundi"},    {"on Tuesday", "mardi"}, {"on Thursday", "jeudi"}, {"on Saturday", "samedi"},
      {"on Sunday", "dimanche"}, {"tomorrow", "demain"},  {"today", "aujourd'hui"}};
  const bool timed = random.percent(60);
  if (!timed || random.percent(20)) {
    const Phrase day = random.pick(days);
    if (!timed) return day;
    return sequence({day, {"at", "à"}, clock_time(random)});
  }
  return sequence({{"at", "à"}, clock_time(random)});
}

std::string english_be(Person person) {
  return person == Person::i ? "am" : person == Person::he ? "is" : "are";
}

const std::string& french_present(const FrenchVerb& verb, Person person) {
  return verb.present[static_cast<std::size_t>(person)];
}

}  // namespace tenfold::grammar
