/// @file
/// Word forms and spelling of the built-in grammar: plurals, verb endings, elision, contraction, capitals,
/// numbers. Pure functions of their arguments; they know rules, not words. Strings are UTF-8.
#pragma once
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "text/sentence_pair.hpp"

namespace tenfold::grammar {

enum class Gender { masculine, feminine };
enum class Number { singular, plural };
/// The five persons the grammar uses (never "tu"); `he` and `they` also stand for nouns.
enum class Person { i, he, we, you, they };

/// The same words in both languages, before spelling: "the old hotel" / "le vieil hôtel".
struct Phrase {
  std::string en, fr;
};

/// The non-empty parts with one space between them. Elements of a braced list are evaluated left to right,
/// which keeps random draws in them in order on every compiler; operands of an operator would not be.
Phrase sequence(std::initializer_list<Phrase> parts);
std::string words(std::initializer_list<std::string_view> parts);

struct FrenchVerb {
  std::string infinitive;
  std::array<std::string, 5> present;  ///< by Person
  std::string participle;              ///< masculine singular
};
/// Regular verbs in -er, with "nous mangeons" for those in -ger.
FrenchVerb regular_er(std::string_view infinitive);
/// Verbs like vendre, attendre, perdre, répondre.
FrenchVerb regular_re(std::string_view infinitive);

std::string english_plural(std::string_view noun);
/// he/she form of the present: "washes", "cries", "goes".
std::string english_third(std::string_view verb);
/// Regular past: "washed", "cried", "danced".
std::string english_past(std::string_view verb);
/// Plural of a noun or masculine adjective: "gâteaux", "chevaux", "gris", "vieux", "bleus".
std::string french_plural(std::string_view word);

/// Whether le, de, que … lose their vowel before this word. Every h of the grammar is mute but that of
/// "huit".
bool elides_before(std::string_view word);
/// Spells a French phrase: l', d', qu', s'il; du, des, au, aux; mon école; cet hôtel.
std::string spell_french(std::string_view phrase);
/// Spells an English phrase: an apple.
std::string spell_english(std::string_view phrase);
/// The phrase as a sentence: spelled, with a capital and `end` ('.', '?' or '!'; French has a space before
/// the last two).
SentencePair sentence(const Phrase& phrase, char end);

/// 2 to 69 in words: "twenty-one" / "vingt et un" (masculine). Throws std::out_of_range outside.
Phrase number_words(int n);

}  // namespace tenfold::grammar
