/// @file
/// Clauses of the built-in grammar: a subject, a verb in some tense and polarity, and what follows, put
/// together as each language orders them.
#pragma once
#include "text/grammar_phrases.hpp"

namespace tenfold::grammar {

enum class Tense { present, past };
enum class Modal { none, can, must, want_to, going_to };
enum class Negation { none, not_at_all, never, no_longer };

struct Clause {
  Subject subject;
  const Verb* verb = nullptr;
  Tense tense = Tense::present;
  Modal modal = Modal::none;  ///< present only
  Negation negation = Negation::none;
  Phrase adverb{};          ///< often, before the English verb and after the French one; plain present only
  std::string pronouns{};   ///< English pronoun objects: "him", "them to her"
  std::string clitics{};    ///< the French ones, which stand before the verb: "le", "les lui"
  std::string agreement{};  ///< added to a participle whose direct object precedes it
  Phrase rest{};
};

/// "he does not see her" / "il ne la voit pas".
Phrase statement(const Clause& clause);
/// "does he see her" / "est-ce qu'il la voit", after the question word, if any.
Phrase question(const Clause& clause, const Phrase& question_word = {});
/// be with a complement: "is not sick" / "n'est pas malade"; also for "is hungry" / "a faim", with another
/// French verb.
Phrase being(const Subject& subject, const FrenchVerb& verb, Negation negation, const Phrase& complement);
/// The same as a question.
Phrase being_question(const Subject& subject, const FrenchVerb& verb, const Phrase& complement);
/// "ne … pas" around the finite verb and the clitics before it, or just these when there is no negation.
std::string around(const std::string& clitics, const std::string& finite, Negation negation);

/// An object for the verb, a noun or a pronoun, written into the clause. Set tense, modal and negation first.
void add_object(Random& random, Clause& clause);
/// A tense, a modal, a negation and an adverb that suit the verb; in a question only a tense and a modal.
void add_mood(Random& random, Clause& clause, bool question = false);
/// Any clause with a transitive verb and a subject, its object already in place.
Clause transitive_clause(Random& random, const Subject& subject, bool question = false);
/// Sleeping, going, leaving, with a place or a time.
Clause intransitive_clause(Random& random, const Subject& subject, bool question = false);
/// Giving something to someone, in nouns or pronouns.
Clause giving_clause(Random& random, const Subject& subject, bool question = false);

}  // namespace tenfold::grammar
