// Sentences of one clause, and the choice among all kinds.
#include "text/grammar_sentences.hpp"

#include <array>

namespace tenfold::grammar {
namespace {

Number number_of(const Subject& subject) {
  // "you" is one person, politely addressed.
  return subject.person == Person::we || subject.person == Person::they ? Number::plural : Number::singular;
}

Negation sometimes_not(Random& random, unsigned percent) {
  return random.percent(percent) ? Negation::not_at_all : Negation::none;
}

/// A thing one owns, sees or buys, as a subject: "the red dress", "these apples", "Marie's house".
struct KnownThing {
  NounPhrase phrase;
  const Noun* noun;
};
KnownThing known_thing(Random& random, Mask kinds, unsigned adjective_percent) {
  const Noun& what = random_noun(random, kinds);
  const Number number = random_number(random, what);
  static constexpr Determiner known[] = {Determiner::the, Determiner::the, Determiner::demonstrative,
                                         Determiner::possessive, Determiner::genitive};
  const Determiner determiner = random.pick(known);
  return {noun_phrase(random, what, number, determiner, adjective_percent), &what};
}

/// on the table, in the box: where small things are.
Phrase spot(Random& random) {
  static const Phrase sides[] = {
      {"on", "sur"}, {"under", "sous"}, {"behind", "derrière"}, {"near", "près de"}};
  if (random.percent(30)) {
    static const char* const inside[] = {"box", "kitchen", "house", "car"};
    const Noun& where = noun(random.pick(inside));
    return sequence({{"in", "dans"}, noun_phrase(random, where, Number::singular, Determiner::the, 0).text});
  }
  const Phrase& side = random.pick(sides);
  const Noun& where = random_noun(random, kind::surface);
  return sequence({side, noun_phrase(random, where, Number::singular, Determiner::the, 10).text});
}

constexpr Mask small_things = kind::belonging | kind::gift | kind::text;

/// There is / there are.
SentencePair existing_sentence(Random& random) {
  static constexpr Mask living = kind::person | kind::animal;
  const bool in_kitchen = random.percent(50);
  const Noun& what = random_noun(random, in_kitchen ? kind::snack | kind::food | kind::drink : living);
  const Phrase where = in_kitchen && random.percent(60) ? Phrase{"in the kitchen", "dans la cuisine"}
                       : in_kitchen                     ? Phrase{"on the table", "sur la table"}
                                                        : place(random);
  const std::size_t way = random.below(10);
  const Number number = random_number(random, what, way < 6 ? 50 : 0);
  const bool plural = number == Number::plural;
  const Phrase none = noun_phrase(random, what, number, Determiner::bare, 20, true).text;
  if (way < 2) {
    return sentence({words({plural ? "there are no" : "there is no", none.en, where.en}),
                     words({"il n'y a pas", none.fr, where.fr})},
                    '.');
  }
  const bool numbered = plural && random.percent(50);
  if (way < 6 || (what.count != Noun::Count::mass && !plural)) {
    const Determiner determiner = numbered ? Determiner::numeral : Determiner::some;
    const Phrase some = noun_phrase(random, what, number, determiner, 20).text;
    return sentence(
        {words({plural ? "there are" : "there is", some.en, where.en}), words({"il y a", some.fr, where.fr})},
        '.');
  }
  const Phrase any = noun_phrase(random, what, number, Determiner::bare, 20).text;
  return sentence({words({plural ? "are there any" : "is there any", any.en, where.en}),
                   words({"est-ce qu'il y a", any.fr, where.fr})},
                  '?');
}

/// A number in words; above forty only the tens, so that each is met often.
Phrase counted(Random& random, int from, int to) {
  const int n = random.between(from, to);
  return number_words(n > 40 ? n - n % 10 : n);
}

SentencePair age_sentence(Random& random) {
  struct Ages {
    const char* who;
    int from, to;
  };
  static constexpr Ages ages[] = {{"boy", 3, 15},     {"girl", 3, 15},    {"man", 20, 69},
                                  {"woman", 20, 69},  {"brother", 3, 40}, {"sister", 3, 40},
                                  {"father", 30, 69}, {"mother", 30, 69}, {"uncle", 20, 69},
                                  {"aunt", 20, 69},   {"dog", 2, 12},     {"cat", 2, 12}};
  const Ages& age = random.pick(ages);
  const Phrase years = counted(random, age.from, age.to);
  const Phrase complement{years.en + " years old", years.fr + " ans"};
  if (random.percent(30)) {
    const Subject pronoun = pronoun_subject(random);
    return sentence(being(pronoun, avoir(), sometimes_not(random, 15), complement), '.');
  }
  const Noun& who = noun(age.who);
  const bool family = (who.kinds & (kind::kin | kind::animal)) != 0;
  const Determiner determiner = !family              ? Determiner::the
                                : random.percent(70) ? Determiner::possessive
                                                     : Determiner::genitive;
  const NounPhrase phrase = noun_phrase(random, who, Number::singular, determiner, 0);
  return sentence(being(noun_subject(phrase), avoir(), sometimes_not(random, 15), complement), '.');
}

SentencePair price_sentence(Random& random) {
  const KnownThing thing = known_thing(random, kind::belonging | kind::clothes | kind::snack, 40);
  const Phrase price = random.percent(60) ? counted(random, 2, 20) : counted(random, 21, 69);
  Clause clause{noun_subject(thing.phrase), &verb("cost")};
  clause.negation = sometimes_not(random, 15);
  clause.rest = {price.en + " euros", price.fr + " euros"};
  return sentence(statement(clause), '.');
}

}  // namespace

Phrase agreeing(const Adjective& adjective, Gender gender, Number number) {
  return {adjective.en, adjective.form(gender, number)};
}

bool gender_told(const Subject& subject) {
  return subject.person == Person::he || subject.person == Person::they;
}

bool State::fits(const Subject& subject) const {
  if (!idiom.empty() || gender_told(subject)) return true;
  const Adjective& quality = adjective(en);
  return quality.masculine == quality.feminine;
}

Phrase State::complement(const Subject& subject) const {
  if (!idiom.empty()) return {en, idiom};
  return agreeing(adjective(en), subject.gender, number_of(subject));
}

State random_state(Random& random, const Subject& subject) {
  static const State states[] = {
      {"hungry", "faim", true},  {"thirsty", "soif", true}, {"afraid", "peur", true},
      {"right", "raison", true}, {"wrong", "tort", true},   {"late", "en retard", false},
      {"tall", "", false},       {"tired", "", false},      {"busy", "", false},
      {"ready", "", false},      {"happy", "", false},      {"sad", "", false},
      {"sick", "", false},       {"rich", "", false},       {"famous", "", false},
      {"young", "", false},      {"old", "", false},        {"serious", "", false},
      {"intelligent", "", false}};
  for (;;) {  // ends: the idioms fit everybody
    const State& state = random.pick(states);
    if (state.fits(subject)) return state;
  }
}

Phrase short_statement(Random& random, const Subject& subject) {
  const std::size_t way = random.below(10);
  if (way < 4) {
    Clause clause = transitive_clause(random, subject);
    // Next to another clause "them" may mean women or keys, and a participle would have to say so: "vues".
    while (clause.tense == Tense::past && clause.agreement == "s")
      clause = transitive_clause(random, subject);
    return statement(clause);
  }
  if (way < 6) return statement(intransitive_clause(random, subject));
  const Negation negation = sometimes_not(random, 25);
  if (way == 6) {
    const Phrase where = place(random);
    return being(subject, etre(), negation, where);
  }
  const State state = random_state(random, subject);
  return being(subject, state.verb(), negation, state.complement(subject));
}

SentencePair simple_sentence(Random& random) {
  const Subject subject = any_subject(random, 15);
  const std::size_t way = random.below(10);
  if (way < 5) return sentence(statement(transitive_clause(random, subject)), '.');
  if (way < 7) return sentence(statement(giving_clause(random, subject)), '.');
  return sentence(statement(intransitive_clause(random, subject)), '.');
}

SentencePair describing_sentence(Random& random) {
  if (random.percent(55)) {
    const Subject subject = any_subject(random, 0);
    const State state = random_state(random, subject);
    const std::size_t way = random.below(10);
    const Negation negation = way < 2 ? Negation::not_at_all : way < 4 ? Negation::no_longer : Negation::none;
    const bool passing = state.en != "old" && state.en != "tall" && state.en != "intelligent";
    if (negation == Negation::no_longer && !passing) return describing_sentence(random);
    return sentence(being(subject, state.verb(), negation, state.complement(subject)), '.');
  }
  for (;;) {  // ends: most nouns have adjectives
    constexpr Mask things = ~(kind::person | kind::kin | kind::transit);
    const KnownThing thing = known_thing(random, things, 0);
    const Adjective* quality = random_adjective(random, thing.noun->traits, true);
    if (quality == nullptr) continue;
    const Phrase complement = agreeing(*quality, thing.phrase.gender, thing.phrase.number);
    const Negation negation = sometimes_not(random, 25);
    return sentence(being(noun_subject(thing.phrase), etre(), negation, complement), '.');
  }
}

SentencePair locating_sentence(Random& random) {
  const std::size_t way = random.below(10);
  if (way < 4) return existing_sentence(random);
  const Negation negation = sometimes_not(random, 25);
  if (way < 7) {
    const Subject subject = any_subject(random, 15);
    const Phrase where = place(random);
    return sentence(being(subject, etre(), negation, where), '.');
  }
  const KnownThing thing = known_thing(random, small_things, 20);
  const Phrase where = spot(random);
  return sentence(being(noun_subject(thing.phrase), etre(), negation, where), '.');
}

SentencePair counting_sentence(Random& random) {
  const std::size_t way = random.below(10);
  if (way < 4) return age_sentence(random);
  if (way < 8) return price_sentence(random);
  Clause clause{any_subject(random, 15), &verb("have")};
  const Noun& family = noun(random.percent(50) ? "brother" : "sister");
  const Phrase how_many = number_words(random.between(2, 9));
  clause.rest = sequence({how_many, described(family, Number::plural, {}).text});
  return sentence(statement(clause), '.');
}

SentencePair timetable_sentence(Random& random) {
  const std::size_t way = random.below(10);
  if (way == 0) {
    const Phrase time = clock_time(random);
    return sentence({words({"it is", time.en}), words({"il est", time.fr})}, '.');
  }
  const bool travel = way < 6;
  const Noun& what =
      travel ? random_noun(random, kind::transit) : noun(random.percent(50) ? "museum" : "restaurant");
  const NounPhrase phrase = noun_phrase(random, what, Number::singular, Determiner::the, 0);
  const bool first = random.percent(50);
  Clause clause{noun_subject(phrase),
                &verb(travel ? (first ? "leave" : "arrive") : (first ? "open" : "close"))};
  clause.negation = sometimes_not(random, 20);
  const Phrase when = moment(random);
  clause.rest = when;
  return sentence(statement(clause), '.');
}

SentencePair ordering_sentence(Random& random) {
  static const char* const wanted[] = {"help", "call", "wait", "listen", "invite", "open", "close", "wash",
                                       "buy",  "read", "eat",  "drink",  "take",   "give", "show",  "send"};
  const Verb& what = verb(random.pick(wanted));
  const bool gives = what.en == "give" || what.en == "show" || what.en == "send";
  const bool negated = random.percent(40);
  const Subject you{{"", ""}, Person::you, Gender::masculine};
  Clause clause{you, &what};
  clause.negation = negated ? Negation::not_at_all : Negation::none;
  std::string hyphenated;
  bool others = false;
  if (gives || (what.persons && random.percent(60))) {
    const ObjectPronoun& who = object_pronoun(random, Person::you, true);
    others = who.en == "them";
    clause.pronouns = who.en;
    clause.clitics = gives ? who.indirect : who.direct;
    hyphenated.append("-").append(who.speaker ? who.stressed : clause.clitics);
  } else if (what.persons) {
    clause.rest = known_person(random).text;
  }
  if (gives && !others && random.percent(25)) {
    // The pronouns change places: "ne me les donnez pas", but "donnez-les-moi".
    const bool speaker = clause.clitics == "me" || clause.clitics == "nous";
    clause.clitics = speaker ? words({clause.clitics, "les"}) : words({"les", clause.clitics});
    clause.pronouns = "them to " + clause.pronouns;
    hyphenated.insert(0, "-les");
  } else if (!what.persons) {
    const Noun& thing = random_noun(random, gives ? kind::gift : what.objects);
    const Determiner known[] = {Determiner::the, Determiner::the, Determiner::demonstrative,
                                what.indefinite ? Determiner::some : Determiner::possessive};
    const Determiner determiner = thing.kinds & kind::transit ? Determiner::the : known[random.below(4)];
    const Number number = random_number(random, thing);
    clause.rest = noun_phrase(random, thing, number, determiner, 25, negated).text;
  }
  const std::string& finite = french_present(what.fr, Person::you);
  const std::string en =
      words({negated ? "do not" : "", what.en, what.particle, clause.pronouns, clause.rest.en});
  const std::string fr = negated ? around(clause.clitics, finite, clause.negation) : finite + hyphenated;
  return sentence({en, words({fr, clause.rest.fr})}, '!');
}

SentencePair any_sentence(Random& random) {
  using Kind = SentencePair (*)(Random&);
  struct Weighted {
    unsigned weight;
    Kind kind;
  };
  static constexpr std::array<Weighted, 13> kinds{{{26, simple_sentence},
                                                   {9, describing_sentence},
                                                   {7, locating_sentence},
                                                   {7, counting_sentence},
                                                   {4, timetable_sentence},
                                                   {3, comparing_sentence},
                                                   {5, ordering_sentence},
                                                   {7, reporting_sentence},
                                                   {6, explaining_sentence},
                                                   {8, relative_sentence},
                                                   {3, joined_sentence},
                                                   {7, yes_no_question},
                                                   {8, open_question}}};
  auto ticket = static_cast<unsigned>(random.below(100));
  for (const Weighted& each : kinds) {
    if (ticket < each.weight) return each.kind(random);
    ticket -= each.weight;
  }
  return simple_sentence(random);
}

}  // namespace tenfold::grammar
