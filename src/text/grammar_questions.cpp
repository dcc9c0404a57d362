// Questions: yes or no, and with a question word.
#include "text/grammar_sentences.hpp"

namespace tenfold::grammar {
namespace {

template <std::size_t Size>
const Verb& one_of(Random& random, const char* const (&list)[Size]) {
  return verb(list[random.below(Size)]);
}

/// A subject and a verb with a tense or modal, and nothing after it yet.
Clause asked(Random& random, const Verb& what) {
  const Subject subject = any_subject(random, 0);
  Clause clause{subject, &what};
  add_mood(random, clause, true);
  return clause;
}

std::string which(Gender gender, Number number) {
  const std::string stem = gender == Gender::feminine ? "quelle" : "quel";
  return number == Number::plural ? stem + "s" : stem;
}

std::string participle_ending(Gender gender, Number number) {
  return std::string(gender == Gender::feminine ? "e" : "") + (number == Number::plural ? "s" : "");
}

SentencePair what_question(Random& random) {
  static const char* const verbs[] = {"buy",  "sell", "read", "eat",   "drink", "want", "see",
                                      "look", "find", "hear", "write", "lose",  "wear", "like"};
  const Clause clause = asked(random, one_of(random, verbs));
  const Phrase body = question(clause);
  // "que" joins est-ce, so that it stays one form whatever the verb: "qu'est-ce que".
  return sentence({words({"what", body.en}), "qu'" + body.fr}, '?');
}

SentencePair who_question(Random& random) {
  if (random.percent(45)) {
    const Subject who{{"who", "qui"}, Person::he, Gender::masculine};
    const bool object = random.percent(65);
    const Clause clause = object ? transitive_clause(random, who) : intransitive_clause(random, who);
    return sentence(statement(clause), '?');
  }
  static const char* const verbs[] = {"see",  "hear", "help", "invite", "call",
                                      "look", "wait", "know", "love",   "speak"};
  const Clause clause = asked(random, one_of(random, verbs));
  return sentence(question(clause, {"who", words({clause.verb->indirect ? "à" : "", "qui"})}), '?');
}

SentencePair where_question(Random& random) {
  const std::size_t way = random.below(10);
  if (way < 3) {
    const bool thing = random.percent(60);
    const Noun& what = random_noun(
        random, thing ? kind::belonging | kind::text | kind::clothes | kind::animal : kind::place_at);
    const Number number = thing ? random_number(random, what) : Number::singular;
    const Determiner determiner = !thing               ? Determiner::the
                                  : random.percent(70) ? Determiner::possessive
                                                       : Determiner::genitive;
    const NounPhrase phrase = noun_phrase(random, what, number, determiner, 15);
    const Person person = number == Number::plural ? Person::they : Person::he;
    return sentence({words({"where", english_be(person), phrase.text.en}),
                     words({"où", french_present(etre(), person), phrase.text.fr})},
                    '?');
  }
  static const char* const doing[] = {"work", "live", "go", "sleep", "eat", "play", "dance", "swim"};
  static const char* const acting[] = {"buy", "find", "see", "lose"};
  Clause clause = asked(random, way < 7 ? one_of(random, doing) : one_of(random, acting));
  if (clause.verb->en == "go" && clause.modal == Modal::going_to) clause.modal = Modal::want_to;
  if (way >= 7) add_object(random, clause);
  return sentence(question(clause, {"where", "où"}), '?');
}

SentencePair when_question(Random& random) {
  const Phrase when = random.percent(50) ? Phrase{"when", "quand"} : Phrase{"at what time", "à quelle heure"};
  if (random.percent(35)) {
    const bool travel = random.percent(60);
    const Noun& what =
        travel ? random_noun(random, kind::transit) : noun(random.percent(50) ? "museum" : "restaurant");
    const NounPhrase phrase = noun_phrase(random, what, Number::singular, Determiner::the, 0);
    const bool first = random.percent(50);
    Clause clause{noun_subject(phrase),
                  &verb(travel ? (first ? "leave" : "arrive") : (first ? "open" : "close"))};
    return sentence(question(clause, when), '?');
  }
  static const char* const verbs[] = {"leave", "arrive", "eat", "work", "sleep", "swim"};
  return sentence(question(asked(random, one_of(random, verbs)), when), '?');
}

SentencePair why_question(Random& random) {
  const Phrase why{"why", "pourquoi"};
  const Subject subject = any_subject(random, 0);
  const std::size_t way = random.below(10);
  if (way < 3) {
    const State state = random_state(random, subject);
    const Phrase body = being_question(subject, state.verb(), state.complement(subject));
    return sentence(sequence({why, body}), '?');
  }
  Clause clause =
      way < 7 ? transitive_clause(random, subject, true) : Clause{subject, &random.pick(intransitives())};
  if (way >= 7) add_mood(random, clause, true);
  // "can you not" would be another word order; only plain clauses are denied, and objects in them stay
  // definite.
  const bool plain = clause.modal == Modal::none && clause.rest.en.empty();
  if (plain && random.percent(50)) clause.negation = Negation::not_at_all;
  return sentence(question(clause, why), '?');
}

SentencePair how_many_question(Random& random) {
  static const char* const verbs[] = {"buy", "sell", "want", "have", "eat"};
  for (;;) {  // ends: most of their objects can be counted
    Clause clause = asked(random, one_of(random, verbs));
    const Noun& what = random_noun(random, clause.verb->objects);
    if (what.count == Noun::Count::mass || what.count == Noun::Count::singular_only) continue;
    const NounPhrase things = noun_phrase(random, what, Number::plural, Determiner::bare, 15, true);
    clause.agreement = participle_ending(things.gender, things.number);
    return sentence(
        question(clause, {words({"how many", things.text.en}), words({"combien", things.text.fr})}), '?');
  }
}

SentencePair which_question(Random& random) {
  static const char* const verbs[] = {"buy",  "want",  "read", "wear", "sell",
                                      "open", "close", "take", "find", "eat"};
  for (;;) {  // ends, as above
    Clause clause = asked(random, one_of(random, verbs));
    const Noun& what = random_noun(random, clause.verb->objects);
    if (what.count == Noun::Count::mass) continue;
    const Number number = random_number(random, what);
    const NounPhrase thing = described(what, number, {});
    clause.agreement = participle_ending(thing.gender, thing.number);
    const Phrase front{words({"which", thing.text.en}), words({which(thing.gender, number), thing.text.fr})};
    return sentence(question(clause, front), '?');
  }
}

SentencePair how_old_question(Random& random) {
  const Noun& who = random_noun(random, kind::kin | kind::animal);
  const Number number = random_number(random, who);
  const Determiner determiner = random.percent(60) ? Determiner::possessive : Determiner::genitive;
  const NounPhrase phrase = noun_phrase(random, who, number, determiner, 0);
  const Person person = number == Number::plural ? Person::they : Person::he;
  return sentence({words({"how old", english_be(person), phrase.text.en}),
                   words({"quel âge", french_present(avoir(), person), phrase.text.fr})},
                  '?');
}

}  // namespace

SentencePair yes_no_question(Random& random) {
  const Subject subject = any_subject(random, 0);
  const std::size_t way = random.below(10);
  if (way < 4) return sentence(question(transitive_clause(random, subject, true)), '?');
  if (way < 6) return sentence(question(intransitive_clause(random, subject, true)), '?');
  if (way < 7) return sentence(question(giving_clause(random, subject, true)), '?');
  if (way < 8) {
    const Phrase where = place(random);
    return sentence(being_question(subject, etre(), where), '?');
  }
  const State state = random_state(random, subject);
  return sentence(being_question(subject, state.verb(), state.complement(subject)), '?');
}

SentencePair open_question(Random& random) {
  switch (random.below(16)) {
    case 0:
    case 1:
      return what_question(random);
    case 2:
    case 3:
    case 4:
      return who_question(random);
    case 5:
    case 6:
      return where_question(random);
    case 7:
    case 8:
      return when_question(random);
    case 9:
    case 10:
      return why_question(random);
    case 11:
    case 12:
      return how_many_question(random);
    case 13:
    case 14:
      return which_question(random);
    default:
      return how_old_question(random);
  }
}

}  // namespace tenfold::grammar
