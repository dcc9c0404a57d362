#include "text/grammar_morphology.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace tenfold::grammar {
namespace {

template <class Words>
bool any_of(std::string_view word, const Words& candidates) {
  return std::find(std::begin(candidates), std::end(candidates), word) != std::end(candidates);
}

std::string_view without(std::string_view word, std::size_t last) {
  return word.substr(0, word.size() - last);
}

std::string plus(std::string_view stem, std::string_view ending) { return std::string(stem).append(ending); }

bool ends_in_consonant_y(std::string_view word) {
  return word.size() > 1 && word.back() == 'y' &&
         std::string_view("aeiou").find(word[word.size() - 2]) == word.npos;
}

bool hisses(std::string_view word) {
  return word.ends_with("s") || word.ends_with("x") || word.ends_with("ch") || word.ends_with("sh");
}

std::string sibilant_s(std::string_view word) {
  if (ends_in_consonant_y(word)) return plus(without(word, 1), "ies");
  return plus(word, hisses(word) || word.ends_with("o") ? "es" : "s");
}

std::vector<std::string_view> split(std::string_view phrase) {
  std::vector<std::string_view> parts;
  while (!phrase.empty()) {
    const auto end = std::min(phrase.find(' '), phrase.size());
    parts.push_back(phrase.substr(0, end));
    phrase.remove_prefix(std::min(end + 1, phrase.size()));
  }
  return parts;
}

/// Upper case for a first letter of ASCII or of Latin-1's à … þ, whose UTF-8 is C3 A0 … C3 BE.
void capitalise(std::string& text) {
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  const auto second = static_cast<unsigned char>(text[1]);
  if (text[0] == '\xC3' && second >= 0xA0 && second <= 0xBE) text[1] = static_cast<char>(second - 0x20);
}

/// How `word` is written before `next`, without the space: "l'", "mon", "cet", or unchanged.
std::string before(std::string_view word, std::string_view next) {
  static constexpr std::string_view elided[] = {"je", "me", "le", "la", "ne", "de", "que"};
  if (word == "si" && (next == "il" || next == "ils")) return "s'";
  if (!elides_before(next)) return std::string(word);
  if (any_of(word, elided)) return plus(without(word, 1), "'");
  if (word == "ma" || word == "sa") return plus(without(word, 1), "on");
  if (word == "ce") return "cet";
  return std::string(word);
}

std::string_view contraction(std::string_view preposition, std::string_view article) {
  if (article == "le") return preposition == "de" ? "du" : preposition == "à" ? "au" : "";
  if (article == "les") return preposition == "de" ? "des" : preposition == "à" ? "aux" : "";
  return "";
}

}  // namespace

Phrase sequence(std::initializer_list<Phrase> parts) {
  Phrase all;
  for (const Phrase& part : parts) all = {words({all.en, part.en}), words({all.fr, part.fr})};
  return all;
}

std::string words(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (std::string_view part : parts) {
    if (!all.empty() && !part.empty()) all += ' ';
    all += part;
  }
  return all;
}

FrenchVerb regular_er(std::string_view infinitive) {
  const std::string_view stem = without(infinitive, 2);
  const std::string soft = plus(stem, stem.ends_with("g") ? "eons" : "ons");
  return {std::string(infinitive),
          {plus(stem, "e"), plus(stem, "e"), soft, plus(stem, "ez"), plus(stem, "ent")},
          plus(stem, "é")};
}

FrenchVerb regular_re(std::string_view infinitive) {
  const std::string_view stem = without(infinitive, 2);
  return {std::string(infinitive),
          {plus(stem, "s"), std::string(stem), plus(stem, "ons"), plus(stem, "ez"), plus(stem, "ent")},
          plus(stem, "u")};
}

std::string english_plural(std::string_view noun) { return sibilant_s(noun); }

std::string english_third(std::string_view verb) { return verb == "have" ? "has" : sibilant_s(verb); }

std::string english_past(std::string_view verb) {
  if (ends_in_consonant_y(verb)) return plus(without(verb, 1), "ied");
  return plus(verb, verb.ends_with("e") ? "d" : "ed");
}

std::string french_plural(std::string_view word) {
  if (word.ends_with("s") || word.ends_with("x")) return std::string(word);
  if (word.ends_with("al")) return plus(without(word, 2), "aux");
  return plus(word, word.ends_with("eau") ? "x" : "s");
}

bool elides_before(std::string_view word) {
  static constexpr std::string_view vowels = "aeiouhAEIOUH";
  static constexpr std::string_view accented[] = {"à", "â", "é", "è", "ê", "î", "ô", "œ"};
  if (word.empty() || word.starts_with("huit") || word.starts_with("onze")) return false;
  return vowels.find(word[0]) != vowels.npos || any_of(word.substr(0, 2), accented);
}

std::string spell_french(std::string_view phrase) {
  const auto parts = split(phrase);
  const auto at = [&](std::size_t i) { return i < parts.size() ? parts[i] : std::string_view(); };
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string word = before(at(i), at(i + 1));
    const std::string_view contracted = contraction(at(i), at(i + 1));
    if (!contracted.empty() && !(at(i + 1) == "le" && elides_before(at(i + 2)))) {
      word = contracted;
      ++i;
    }
    if (!text.empty() && text.back() != '\'') text += ' ';
    text += word;
  }
  return text;
}

std::string spell_english(std::string_view phrase) {
  const auto parts = split(phrase);
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool vowel =
        i + 1 < parts.size() && std::string_view("aeiou").find(parts[i + 1][0]) != std::string_view::npos;
    text = words({text, parts[i] == "a" && vowel ? std::string_view("an") : parts[i]});
  }
  return text;
}

SentencePair sentence(const Phrase& phrase, char end) {
  SentencePair pair{spell_english(phrase.en), spell_french(phrase.fr)};
  capitalise(pair.source);
  capitalise(pair.target);
  pair.source += end;
  if (end != '.') pair.target += ' ';
  pair.target += end;
  return pair;
}

Phrase number_words(int n) {
  static const Phrase small[] = {{"", ""},
                                 {"one", "un"},
                                 {"two", "deux"},
                                 {"three", "trois"},
                                 {"four", "quatre"},
                                 {"five", "cinq"},
                                 {"six", "six"},
                                 {"seven", "sept"},
                                 {"eight", "huit"},
                                 {"nine", "neuf"},
                                 {"ten", "dix"},
                                 {"eleven", "onze"},
                                 {"twelve", "douze"},
                                 {"thirteen", "treize"},
                                 {"fourteen", "quatorze"},
                                 {"fifteen", "quinze"},
                                 {"sixteen", "seize"},
                                 {"seventeen", "dix-sept"},
                                 {"eighteen", "dix-huit"},
                                 {"nineteen", "dix-neuf"}};
  static const Phrase tens[] = {{"", ""},
                                {"", ""},
                                {"twenty", "vingt"},
                                {"thirty", "trente"},
                                {"forty", "quarante"},
                                {"fifty", "cinquante"},
                                {"sixty", "soixante"}};
  if (n < 2 || n > 69) throw std::out_of_range("number_words: from 2 to 69, got " + std::to_string(n));
  if (n < 20) return small[n];
  const Phrase &ten = tens[n / 10], &one = small[n % 10];
  if (one.en.empty()) return ten;
  return {ten.en + "-" + one.en, ten.fr + (one.en == "one" ? " et " : "-") + one.fr};
}

}  // namespace tenfold::grammar
