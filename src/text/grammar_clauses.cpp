#include "text/grammar_clauses.hpp"

namespace tenfold::grammar {
namespace {

const FrenchVerb& modal_verb(Modal modal) {
  static const FrenchVerb can{"pouvoir", {"peux", "peut", "pouvons", "pouvez", "peuvent"}, ""};
  static const FrenchVerb must{"devoir", {"dois", "doit", "devons", "devez", "doivent"}, ""};
  switch (modal) {
    case Modal::can:
      return can;
    case Modal::must:
      return must;
    case Modal::want_to:
      return verb("want").fr;
    default:
      return verb("go").fr;
  }
}

std::string english_do(Person person, Tense tense) {
  if (tense == Tense::past) return "did";
  return person == Person::he ? "does" : "do";
}

std::string english_finite(const Clause& clause) {
  const Verb& verb = *clause.verb;
  if (clause.tense == Tense::past) return verb.en_past;
  return clause.subject.person == Person::he ? english_third(verb.en) : verb.en;
}

/// "cannot see", "does not want to see", "never sees", without the subject.
std::string english_group(const Clause& clause) {
  const Person person = clause.subject.person;
  const bool no = clause.negation != Negation::none;
  const std::string& base = clause.verb->en;
  switch (clause.modal) {
    case Modal::can:
      return words({no ? "cannot" : "can", base});
    case Modal::must:
      return words({no ? "must not" : "must", base});
    case Modal::going_to:
      return words({english_be(person), no ? "not" : "", "going to", base});
    case Modal::want_to:
      if (no) return words({english_do(person, Tense::present), "not want to", base});
      return words({person == Person::he ? "wants to" : "want to", base});
    case Modal::none:
      break;
  }
  switch (clause.negation) {
    case Negation::not_at_all:
      return words({english_do(person, clause.tense), "not", base});
    case Negation::never:
      return words({"never", english_finite(clause)});
    case Negation::no_longer:
      return words({"no longer", english_finite(clause)});
    case Negation::none:
      break;
  }
  return words({clause.adverb.en, english_finite(clause)});
}

std::string english_object(const Clause& clause) {
  return words({clause.verb->particle, clause.pronouns, clause.rest.en});
}

/// The verb and all that clings to it: "ne l'a pas vue", "ne peut pas la voir", "la voit souvent".
std::string french_group(const Clause& clause) {
  const Person person = clause.subject.person;
  const FrenchVerb& fr = clause.verb->fr;
  if (clause.modal != Modal::none) {
    const std::string finite = french_present(modal_verb(clause.modal), person);
    return words({around("", finite, clause.negation), clause.clitics, fr.infinitive});
  }
  if (clause.tense == Tense::past) {
    const std::string& finite = french_present(avoir(), person);
    // A participle in -s, like pris, takes no second s.
    const bool silent = clause.agreement == "s" && fr.participle.ends_with("s");
    return words(
        {around(clause.clitics, finite, clause.negation), fr.participle + (silent ? "" : clause.agreement)});
  }
  return words({around(clause.clitics, french_present(fr, person), clause.negation), clause.adverb.fr});
}

std::string french_statement(const Clause& clause) {
  return words({clause.subject.text.fr, french_group(clause), clause.rest.fr});
}

Phrase frequency(Random& random) {
  static const Phrase adverbs[] = {{"often", "souvent"}, {"always", "toujours"}, {"sometimes", "parfois"}};
  return random.pick(adverbs);
}

/// Whether the clause tells of a habit, so that it needs a general object: "she never eats apples".
bool habitual(const Clause& clause) {
  return !clause.adverb.en.empty() || clause.negation == Negation::never ||
         clause.negation == Negation::no_longer;
}

Determiner thing_determiner(Random& random, const Clause& clause, const Noun& noun) {
  if ((noun.kinds & kind::transit) != 0) return Determiner::the;
  const bool negated = clause.negation != Negation::none;
  const bool mass = noun.count == Noun::Count::mass;
  const std::size_t way = random.below(10);
  if (clause.verb->en == "like") {
    if (way < 6 && (noun.kinds & kind::place_in) == 0) return Determiner::general;
    return way < 8 ? Determiner::demonstrative : Determiner::possessive;
  }
  if (habitual(clause)) return clause.verb->indefinite ? Determiner::bare : Determiner::possessive;
  if (way < 4) return Determiner::the;
  if (way < 5) return mass ? Determiner::the : Determiner::demonstrative;
  if (way < 6) return mass ? Determiner::some : Determiner::possessive;
  if (way < 7) return mass || clause.verb->en == "write" ? Determiner::some : Determiner::genitive;
  if (clause.verb->indefinite) {
    if (way < 8) return Determiner::bare;
    return way < 9 && !mass && !negated ? Determiner::numeral : Determiner::some;
  }
  return Determiner::some;
}

Number thing_number(Random& random, Determiner determiner, const Noun& noun, const Verb& verb) {
  if (noun.count != Noun::Count::both) return random_number(random, noun);
  if (determiner == Determiner::general || determiner == Determiner::bare ||
      determiner == Determiner::numeral) {
    return Number::plural;
  }
  // "some windows" only for what is bought, eaten and the like; otherwise "a window".
  if (determiner == Determiner::some && !verb.indefinite) return Number::singular;
  return random_number(random, noun);
}

/// Whether an object takes up the noun of the subject: "Paul helps Paul" would have to be "himself", "Paul's
/// car" "his car", and "these women help the women" sounds odd.
bool names_subject(const Clause& clause, const Phrase& object) {
  const std::string& who = clause.subject.text.en;
  if (!clause.subject.animate_noun) return false;
  const auto space = who.rfind(' ');
  const std::string noun = space == std::string::npos ? who : who.substr(space + 1);
  return (" " + object.en).find(" " + noun) != std::string::npos;
}

void add_thing(Random& random, Clause& clause) {
  const Noun& what = random_noun(random, clause.verb->objects);
  Determiner determiner = thing_determiner(random, clause, what);
  if (determiner == Determiner::numeral && what.count != Noun::Count::both) determiner = Determiner::the;
  if (determiner == Determiner::some && what.count == Noun::Count::plural_only) determiner = Determiner::the;
  const Number number = thing_number(random, determiner, what, *clause.verb);
  const bool negated = clause.negation != Negation::none;
  do {
    clause.rest = noun_phrase(random, what, number, determiner, 25, negated).text;
  } while (names_subject(clause, clause.rest));
}

void add_person(Random& random, Clause& clause) {
  const Verb& verb = *clause.verb;
  if (random.percent(50)) {
    const ObjectPronoun& who =
        object_pronoun(random, clause.subject.person, clause.tense == Tense::present || verb.indirect);
    clause.pronouns = who.en;
    clause.clitics = verb.indirect ? who.indirect : who.direct;
    if (!verb.indirect) clause.agreement = who.agreement;
    return;
  }
  Phrase who = known_person(random).text;
  while (names_subject(clause, who)) who = known_person(random).text;
  clause.rest = {who.en, words({verb.indirect ? "à" : "", who.fr})};
}

}  // namespace

std::string around(const std::string& clitics, const std::string& finite, Negation negation) {
  static constexpr std::string_view partners[] = {"", "pas", "jamais", "plus"};
  if (negation == Negation::none) return words({clitics, finite});
  return words({"ne", clitics, finite, partners[static_cast<std::size_t>(negation)]});
}

Phrase statement(const Clause& clause) {
  return {words({clause.subject.text.en, english_group(clause), english_object(clause)}),
          french_statement(clause)};
}

Phrase question(const Clause& clause, const Phrase& question_word) {
  const Person person = clause.subject.person;
  const std::string who = words({clause.subject.text.en, clause.negation == Negation::none ? "" : "not"});
  std::string inverted;
  switch (clause.modal) {
    case Modal::can:
      inverted = words({"can", who, clause.verb->en});
      break;
    case Modal::must:
      inverted = words({"must", who, clause.verb->en});
      break;
    case Modal::going_to:
      inverted = words({english_be(person), who, "going to", clause.verb->en});
      break;
    case Modal::want_to:
      inverted = words({english_do(person, Tense::present), who, "want to", clause.verb->en});
      break;
    case Modal::none:
      inverted = words({english_do(person, clause.tense), who, clause.verb->en});
      break;
  }
  return {words({question_word.en, inverted, english_object(clause)}),
          words({question_word.fr, "est-ce que", french_statement(clause)})};
}

Phrase being(const Subject& subject, const FrenchVerb& verb, Negation negation, const Phrase& complement) {
  static constexpr std::string_view partners[] = {"", "not", "never", "no longer"};
  const std::string en = words({english_be(subject.person), partners[static_cast<std::size_t>(negation)]});
  return {
      words({subject.text.en, en, complement.en}),
      words({subject.text.fr, around("", french_present(verb, subject.person), negation), complement.fr})};
}

Phrase being_question(const Subject& subject, const FrenchVerb& verb, const Phrase& complement) {
  return {words({english_be(subject.person), subject.text.en, complement.en}),
          words({"est-ce que", subject.text.fr, french_present(verb, subject.person), complement.fr})};
}

void add_mood(Random& random, Clause& clause, bool question) {
  const Verb& verb = *clause.verb;
  const std::size_t way = random.below(100);
  if (way < 22 && !verb.en_past.empty()) {
    clause.tense = Tense::past;
  } else if (way < 45 && verb.action) {
    static constexpr Modal modals[] = {Modal::can, Modal::want_to, Modal::going_to, Modal::must};
    clause.modal = modals[random.below(question ? 3 : 4)];
  }
  if (question) return;
  if (random.percent(25)) clause.negation = Negation::not_at_all;
  const bool plain =
      clause.tense == Tense::present && clause.modal == Modal::none && clause.negation == Negation::none;
  if (!plain || !verb.habit || !random.percent(30)) return;
  const std::size_t habit = random.below(5);
  if (habit == 0) clause.negation = Negation::never;
  if (habit == 1) clause.negation = Negation::no_longer;
  if (habit > 1) clause.adverb = frequency(random);
}

void add_object(Random& random, Clause& clause) {
  const Verb& verb = *clause.verb;
  if (!verb.persons && verb.objects == 0) return;
  const bool person = verb.persons && (verb.objects == 0 || habitual(clause) || random.percent(65));
  person ? add_person(random, clause) : add_thing(random, clause);
}

Clause transitive_clause(Random& random, const Subject& subject, bool question) {
  Clause clause{subject, &random.pick(transitives())};
  add_mood(random, clause, question);
  add_object(random, clause);
  return clause;
}

Clause intransitive_clause(Random& random, const Subject& subject, bool question) {
  const std::size_t way = random.below(10);
  Clause clause{subject, nullptr};
  if (way < 5) {
    clause.verb = &random.pick(intransitives());
    add_mood(random, clause, question);
    const bool swims = clause.verb->en == "swim";
    if (random.percent(swims ? 20 : 60))
      clause.rest = swims ? Phrase{"at the beach", "à la plage"} : place(random);
    return clause;
  }
  if (way == 5) {
    clause.verb = &verb("live");
    add_mood(random, clause, question);
    clause.adverb = {};
    if (clause.modal == Modal::must) clause.modal = Modal::want_to;
    if (clause.negation == Negation::never) clause.negation = Negation::no_longer;
    clause.rest = home(random);
    return clause;
  }
  const bool going = way < 8, coming = way == 8;
  clause.verb = &verb(going ? "go" : coming ? "come" : random.percent(60) ? "leave" : "arrive");
  add_mood(random, clause, question);
  if (going && clause.modal == Modal::going_to) clause.modal = Modal::want_to;
  const Phrase where = going || coming ? direction(random, coming) : Phrase{};
  const bool when = !habitual(clause) && (random.percent(50) || where.en.empty());
  clause.rest = when ? sequence({where, moment(random)}) : where;
  return clause;
}

Clause giving_clause(Random& random, const Subject& subject, bool question) {
  Clause clause{subject, &random.pick(givers())};
  add_mood(random, clause, question);
  const Noun& what = random_noun(random, clause.verb->objects);
  const bool habit = habitual(clause);
  const bool negated = clause.negation != Negation::none;
  const bool plural = habit || random.percent(35) || what.count == Noun::Count::plural_only;
  const Determiner determiner = habit                ? Determiner::bare
                                : random.percent(50) ? Determiner::the
                                : random.percent(50) ? Determiner::possessive
                                                     : Determiner::some;
  const Number number = plural ? Number::plural : Number::singular;
  const Phrase thing = noun_phrase(random, what, number, determiner, 15, negated).text;
  const std::size_t way = random.below(10);
  if (way < 4) {
    Phrase who = known_person(random, 0).text;
    while (names_subject(clause, who)) who = known_person(random, 0).text;
    clause.rest = sequence({thing, {words({"to", who.en}), words({"à", who.fr})}});
    return clause;
  }
  const ObjectPronoun& who = object_pronoun(random, subject.person, true);
  if (way < 8 || who.en == "them") {
    clause.pronouns = who.en;
    clause.clitics = who.indirect;
    clause.rest = thing;
    return clause;
  }
  // Two clitics: me, nous, vous stand before les; lui and leur after it.
  clause.pronouns = words({"them to", who.en});
  clause.clitics = who.speaker ? words({who.indirect, "les"}) : words({"les", who.indirect});
  clause.agreement += 's';
  return clause;
}

}  // namespace tenfold::grammar
