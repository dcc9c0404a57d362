// Sentences of two clauses and more: that, because, when, if, who, that, and, but; and comparisons.
#include "text/grammar_sentences.hpp"

namespace tenfold::grammar {
namespace {

/// What people do, or do not, in a state: "sleeps because he is tired".
struct Reaction {
  State state;
  const char* verb;
  bool negated;
};

const Reaction& random_reaction(Random& random, const Subject& subject) {
  static const State hungry{"hungry", "faim", true}, thirsty{"thirsty", "soif", true},
      afraid{"afraid", "peur", true}, late{"late", "en retard", false}, tired{"tired", "", false},
      sick{"sick", "", false}, happy{"happy", "", false}, sad{"sad", "", false}, busy{"busy", "", false};
  static const Reaction reactions[] = {
      {hungry, "eat", false}, {hungry, "eat", false},  {thirsty, "drink", false}, {thirsty, "drink", false},
      {late, "run", false},   {late, "take", false},   {tired, "sleep", false},   {tired, "work", true},
      {tired, "dance", true}, {tired, "run", true},    {sick, "work", true},      {sick, "eat", true},
      {sick, "sleep", false}, {sick, "play", true},    {happy, "sing", false},    {happy, "dance", false},
      {sad, "cry", false},    {sad, "sing", true},     {sad, "eat", true},        {afraid, "cry", false},
      {afraid, "run", false}, {afraid, "sleep", true}, {busy, "play", true},      {busy, "answer", true},
      {late, "sleep", true},  {busy, "sleep", true}};
  for (;;) {  // ends: being hungry, thirsty, afraid or late fits everybody
    const Reaction& reaction = random.pick(reactions);
    if (reaction.state.fits(subject)) return reaction;
  }
}

/// The clause of a reaction; eating and drinking have an object half the time, taking always, answering "you"
/// or "them".
Clause reacting(Random& random, const Reaction& reaction, const Subject& subject) {
  const bool drinks = reaction.state.en == "thirsty";
  const bool feeds = !reaction.negated && (drinks || (reaction.state.en == "hungry" && random.percent(60)));
  Clause clause{subject, &verb(reaction.verb)};
  if (reaction.negated) clause.negation = Negation::not_at_all;
  if (feeds) {
    const Noun& what = random_noun(random, drinks ? kind::drink : kind::snack | kind::food);
    const Number number = random_number(random, what, 0);
    const Determiner determiner = random.percent(50) ? Determiner::some : Determiner::bare;
    clause.rest = noun_phrase(random, what, number, determiner, 0).text;
  }
  if (clause.verb->en == "take") {
    const Noun& what = random_noun(random, kind::transit);
    clause.rest = noun_phrase(random, what, Number::singular, Determiner::the, 0).text;
  }
  if (clause.verb->indirect) {
    const ObjectPronoun& who = object_pronoun(random, subject.person, true);
    clause.pronouns = who.en;
    clause.clitics = who.indirect;
  }
  return clause;
}

Phrase in_state(const State& state, const Subject& subject) {
  return being(subject, state.verb(), Negation::none, state.complement(subject));
}

/// What the weather makes people do: "when it rains, he takes the bus".
Phrase weather_statement(Random& random) {
  struct Weather {
    Phrase text;
    const char* verb;
    bool negated;
    Phrase rest;
  };
  static const Phrase rain{"it rains", "il pleut"}, snow{"it snows", "il neige"},
      hot{"it is hot", "il fait chaud"}, cold{"it is cold", "il fait froid"};
  static const Weather customs[] = {{rain, "take", false, {"the bus", "le bus"}},
                                    {rain, "swim", true, {}},
                                    {rain, "run", true, {}},
                                    {rain, "go", true, {"to the park", "à le parc"}},
                                    {rain, "go", false, {"to the museum", "à le musée"}},
                                    {rain, "play", false, {"in the kitchen", "dans la cuisine"}},
                                    {snow, "take", false, {"the train", "le train"}},
                                    {snow, "go", true, {"to the market", "à le marché"}},
                                    {snow, "wear", false, {"a coat", "un manteau"}},
                                    {snow, "play", false, {"in the garden", "dans le jardin"}},
                                    {hot, "swim", false, {}},
                                    {hot, "drink", false, {"water", "de la eau"}},
                                    {hot, "go", false, {"to the beach", "à la plage"}},
                                    {hot, "work", true, {}},
                                    {hot, "wear", false, {"a hat", "un chapeau"}},
                                    {cold, "drink", false, {"tea", "du thé"}},
                                    {cold, "drink", false, {"coffee", "du café"}},
                                    {cold, "wear", false, {"a scarf", "une écharpe"}},
                                    {cold, "swim", true, {}},
                                    {cold, "sleep", false, {"in the house", "dans la maison"}}};
  const Weather& custom = random.pick(customs);
  Clause clause{any_subject(random, 0), &verb(custom.verb)};
  if (custom.negated) clause.negation = Negation::not_at_all;
  clause.rest = custom.rest;
  if (clause.subject.person == Person::they || clause.subject.person == Person::we) {
    if (clause.verb->en == "wear") return weather_statement(random);  // several people in "a coat"
  }
  const Phrase body = statement(clause);
  if (random.percent(50)) return sequence({body, {"when", "quand"}, custom.text});
  return sequence({{"when", "quand"}, {custom.text.en + ",", custom.text.fr + ","}, body});
}

Phrase reaction_statement(Random& random) {
  const Subject subject = repeatable_subject(random);
  const Reaction& reaction = random_reaction(random, subject);
  const Subject pronoun = pronoun_for(subject);
  const std::size_t way = random.below(4);
  if (way < 2) {
    Clause clause = reacting(random, reaction, subject);
    if (!reaction.negated && reaction.verb != std::string_view("cry") && random.percent(40)) {
      clause.modal = random.percent(50) ? Modal::want_to : Modal::going_to;
    }
    return sequence({statement(clause), {"because", "parce que"}, in_state(reaction.state, pronoun)});
  }
  const Phrase state = in_state(reaction.state, subject);
  Clause clause = reacting(random, reaction, pronoun);
  const bool possible = way == 3 && reaction.verb != std::string_view("cry");
  if (possible) clause.modal = reaction.negated ? Modal::must : Modal::can;
  const bool condition = possible && reaction.verb != std::string_view("answer");
  if (!condition) clause.modal = Modal::none;
  const Phrase when = condition ? Phrase{"if", "si"} : Phrase{"when", "quand"};
  return sequence({when, {state.en + ",", state.fr + ","}, statement(clause)});
}

/// Good things to come: "he is going to help us", "she is happy".
Phrase hoped_statement(Random& random, const Subject& subject) {
  static const State good[] = {
      {"right", "raison", true}, {"happy", "", false}, {"ready", "", false}, {"rich", "", false}};
  const State& state = random.pick(good);
  if (random.percent(40) && state.fits(subject)) return in_state(state, subject);
  Clause clause =
      random.percent(75) ? transitive_clause(random, subject, true) : Clause{subject, &verb("come")};
  if (clause.verb->en == "come") clause.rest = direction(random, true);
  if (clause.tense == Tense::present && clause.verb->action) clause.modal = Modal::going_to;
  return statement(clause);
}

Phrase reported_statement(Random& random, const Subject& subject) {
  static const char* const verbs[] = {"think", "know", "say", "hope"};
  const std::size_t way = random.below(std::size(verbs));
  Clause clause{subject, &verb(verbs[way], way == 1 ? "savoir" : "")};
  // The others would ask for a subjunctive when denied, and nobody says "I do not know that".
  const bool first = subject.person == Person::i || subject.person == Person::we;
  if (way == 1 && !first && random.percent(35)) clause.negation = Negation::not_at_all;
  const Phrase front = statement(clause);
  Subject inner = repeatable_subject(random);
  // "I hope that I …" is "j'espère" and an infinitive in French; a pronoun of the third person may be someone
  // else.
  while (inner.person == subject.person && !inner.animate_noun && !gender_told(inner))
    inner = pronoun_subject(random);
  return sequence(
      {front, {"that", "que"}, way == 3 ? hoped_statement(random, inner) : short_statement(random, inner)});
}

/// "the woman who sells the flowers"
NounPhrase with_subject_relative(Random& random) {
  const Noun& who = random_noun(random, kind::person);
  const Number number = random_number(random, who, 70);
  NounPhrase phrase = noun_phrase(random, who, number, Determiner::the, 0);
  const Subject relative{{"who", "qui"}, noun_subject(phrase).person, phrase.gender};
  Clause clause = transitive_clause(random, relative);
  phrase.text = sequence({phrase.text, statement(clause)});
  return phrase;
}

struct RelativeThing {
  NounPhrase phrase;
  const Noun* noun;
};

/// "the book that Anna reads", "the girls that we help"
RelativeThing with_object_relative(Random& random) {
  static const char* const verbs[] = {"buy",  "sell", "read", "eat",  "drink", "want",
                                      "wear", "wash", "find", "have", "see",   "hear",
                                      "look", "help", "call", "wait", "love",  "know"};
  const Verb& what = verb(random.pick(verbs), "");
  const bool person = what.persons && (what.objects == 0 || random.percent(60));
  const Noun& noun = random_noun(random, person ? Mask{kind::person} : what.objects);
  const Number number = random_number(random, noun);
  NounPhrase phrase = noun_phrase(random, noun, number, Determiner::the, 0);
  Clause clause{any_subject(random, 10), &what};
  add_mood(random, clause, true);
  clause.agreement =
      std::string(phrase.gender == Gender::feminine ? "e" : "") + (number == Number::plural ? "s" : "");
  phrase.text = sequence({phrase.text, {"that", "que"}, statement(clause)});
  return {phrase, &noun};
}

/// The first clause, and a second one beside it.
Phrase joined(Random& random, const Phrase& first) {
  const Phrase joint = random.percent(50) ? Phrase{"and", "et"} : Phrase{"but", "mais"};
  Subject second = repeatable_subject(random);
  // "they" could mean women of the first clause, "elles".
  while (second.text.en == "they") second = repeatable_subject(random);
  return sequence({first, joint, short_statement(random, second)});
}

struct Degree {
  const char *en, *comparative;
};
constexpr Degree degrees[] = {{"tall", "taller"},         {"young", "younger"},
                              {"rich", "richer"},         {"famous", "more famous"},
                              {"happy", "happier"},       {"intelligent", "more intelligent"},
                              {"serious", "more serious"}};

Phrase compared(Random& random, const Degree& degree, const Phrase& quality, const Phrase& with) {
  const bool equal = random.percent(35);
  return {equal ? words({"as", degree.en, "as", with.en}) : words({degree.comparative, "than", with.en}),
          words({equal ? "aussi" : "plus", quality.fr, "que", with.fr})};
}

}  // namespace

SentencePair comparing_sentence(Random& random) {
  if (random.percent(30)) {
    static constexpr Degree of_things[] = {{"expensive", "more expensive"}, {"heavy", "heavier"}};
    const Degree& degree = of_things[random.below(2)];
    const Mask trait = degree.en == std::string_view("heavy") ? trait::weighty : trait::costly;
    const auto chosen = [&]() -> const Noun& {
      for (;;) {  // ends: many nouns are bought
        const Noun& what = random_noun(random, kind::buyable);
        if ((what.traits & trait) != 0) return what;
      }
    };
    const Noun &one = chosen(), &other = chosen();
    if (&one == &other) return comparing_sentence(random);
    const Number number = random_number(random, one);
    const NounPhrase subject = noun_phrase(random, one, number, Determiner::the, 0);
    const Number other_number = random_number(random, other, 80);
    const Phrase with = noun_phrase(random, other, other_number, Determiner::the, 0).text;
    const Phrase quality = agreeing(adjective(degree.en), subject.gender, subject.number);
    return sentence(
        being(noun_subject(subject), etre(), Negation::none, compared(random, degree, quality, with)), '.');
  }
  const Subject subject = any_subject(random, 0);
  const Degree& degree = random.pick(degrees);
  const State state{degree.en, "", false};
  const bool pronoun = random.percent(40);
  const ObjectPronoun& who = object_pronoun(random, subject.person, true);
  const Phrase with = pronoun ? Phrase{who.en, who.stressed} : known_person(random, 0).text;
  const bool same = subject.animate_noun && with.en.find(subject.text.en) != std::string::npos;
  if (!state.fits(subject) || same) return comparing_sentence(random);
  const Phrase quality = state.complement(subject);
  const Negation negation = random.percent(20) ? Negation::not_at_all : Negation::none;
  return sentence(being(subject, etre(), negation, compared(random, degree, quality, with)), '.');
}

SentencePair reporting_sentence(Random& random) {
  const Subject subject = repeatable_subject(random);
  return sentence(reported_statement(random, subject), '.');
}

SentencePair explaining_sentence(Random& random) {
  return sentence(random.percent(25) ? weather_statement(random) : reaction_statement(random), '.');
}

SentencePair relative_sentence(Random& random) {
  const std::size_t way = random.below(10);
  if (way < 3) {
    static const char* const verbs[] = {"know", "help", "see", "call"};
    const NounPhrase who = with_subject_relative(random);
    Clause clause{pronoun_subject(random), &verb(verbs[random.below(4)], "")};
    if (random.percent(25)) clause.negation = Negation::not_at_all;
    clause.rest = who.text;
    return sentence(statement(clause), '.');
  }
  if (way < 5) {
    const NounPhrase who = with_subject_relative(random);
    const Subject subject = noun_subject(who);
    const State state = random_state(random, subject);
    return sentence(being(subject, state.verb(), Negation::none, state.complement(subject)), '.');
  }
  for (;;) {  // ends: most nouns have adjectives
    const RelativeThing thing = with_object_relative(random);
    const Adjective* quality = random_adjective(random, thing.noun->traits & ~trait::closable, true);
    if (quality == nullptr) continue;
    const Phrase complement = agreeing(*quality, thing.phrase.gender, thing.phrase.number);
    const Negation negation = random.percent(20) ? Negation::not_at_all : Negation::none;
    return sentence(being(noun_subject(thing.phrase), etre(), negation, complement), '.');
  }
}

SentencePair joined_sentence(Random& random) {
  const Subject subject = repeatable_subject(random);
  const Phrase first = short_statement(random, subject);
  return sentence(joined(random, first), '.');
}

SentencePair long_sentence(Random& random) {
  const Subject subject = repeatable_subject(random);
  const std::size_t way = random.below(3);
  if (way == 0) return sentence(reported_statement(random, subject), '.');
  const Phrase first = way == 1 ? reported_statement(random, subject) : reaction_statement(random);
  return sentence(joined(random, first), '.');
}

}  // namespace tenfold::grammar
