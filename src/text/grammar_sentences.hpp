/// @file
/// The kinds of sentence of the built-in grammar, each drawn at random.
#pragma once
#include "text/grammar_clauses.hpp"

namespace tenfold::grammar {

/// A being-something: an adjective, or an idiom with avoir ("is hungry" / "a faim") or être ("is late" / "est
/// en retard"). Gendered adjectives need a subject whose gender is told, see gender_told.
struct State {
  std::string en;
  std::string idiom;  ///< French words, where they are no adjective
  bool with_avoir;
  Phrase complement(const Subject& subject) const;
  const FrenchVerb& verb() const { return with_avoir ? avoir() : etre(); }
  /// Whether the state can be said of the subject: "I am tall" would not tell "grand" from "grande".
  bool fits(const Subject& subject) const;
};
/// Third persons: the English tells their gender, or French takes the masculine ("they").
bool gender_told(const Subject& subject);
/// A state of people that fits the subject.
State random_state(Random& random, const Subject& subject);
/// The adjective of a thing or person, agreeing: "blue" / "bleues".
Phrase agreeing(const Adjective& adjective, Gender gender, Number number);

/// One clause: the body of most sentences, and what subordinate clauses are made of.
Phrase short_statement(Random& random, const Subject& subject);

// Each of these draws one whole sentence.
SentencePair simple_sentence(Random& random);
SentencePair describing_sentence(Random& random);
SentencePair locating_sentence(Random& random);
SentencePair counting_sentence(Random& random);
SentencePair timetable_sentence(Random& random);
SentencePair comparing_sentence(Random& random);
SentencePair ordering_sentence(Random& random);
SentencePair reporting_sentence(Random& random);
SentencePair explaining_sentence(Random& random);
SentencePair relative_sentence(Random& random);
SentencePair joined_sentence(Random& random);
SentencePair yes_no_question(Random& random);
SentencePair open_question(Random& random);
/// Two or three of the constructions in one: usually longer than max_builtin_words.
SentencePair long_sentence(Random& random);

/// Any of the kinds but long_sentence, the commoner ones more often.
SentencePair any_sentence(Random& random);

}  // namespace tenfold::grammar
