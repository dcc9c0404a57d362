// What a head looks at: for every query of a sentence, the keys that a role would choose, and how much of the attention
// they get. Words of the toy language are told apart by their kind; the k-th word of a kind is translated by the k-th.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "course/toy_translation.hpp"

namespace roles {

using namespace tenfold;
using namespace tenfold::lab;

enum class Kind { determiner, size, colour, noun, verb, preposition, negation_first, negation_second, end };

/// The kind of every word of the toy language, English and French.
inline const std::map<std::string, Kind>& kinds() {
  static const std::map<std::string, Kind> all = [] {
    std::map<std::string, Kind> m{{"do", Kind::negation_first},  {"does", Kind::negation_first}, {"ne", Kind::negation_first},
                                  {"not", Kind::negation_second}, {"pas", Kind::negation_second}};
    for (const auto& list : {std::span<const toy::Determiner>(toy::singular), std::span<const toy::Determiner>(toy::plural)})
      for (const auto& d : list) {
        m[d.english] = Kind::determiner;
        for (const char* form : d.french) m[form] = Kind::determiner;
      }
    const auto adjectives = [&](const auto& list, Kind kind) {
      for (const auto& a : list) {
        m[a.english] = kind;
        for (const char* form : a.french) m[form] = kind;
      }
    };
    adjectives(toy::sizes, Kind::size);
    adjectives(toy::colours, Kind::colour);
    const auto forms = [&](const auto& list, Kind kind) {
      for (const auto& w : list)
        for (const char* form : {w.one, w.many, w.un, w.plusieurs}) m[form] = kind;
    };
    forms(toy::nouns, Kind::noun);
    forms(toy::with_object, Kind::verb);
    forms(toy::without_object, Kind::verb);
    for (const auto& p : toy::prepositions)
      for (const char* word : {p[0], p[1]}) m[word] = Kind::preposition;
    return m;
  }();
  return all;
}

/// The kinds of a sentence's words, then Kind::end.
inline std::vector<Kind> kinds_of(const Vocabulary& vocabulary, const Ids& ids) {
  std::vector<Kind> all;
  for (std::int32_t id : ids) all.push_back(kinds().at(vocabulary.word(id)));
  all.push_back(Kind::end);
  return all;
}

/// For every word of `to` (its end counted) the place in `from` of what it translates.
inline std::vector<int> alignment(const std::vector<Kind>& from, const std::vector<Kind>& to) {
  std::map<Kind, std::vector<int>> places;
  for (std::size_t i = 0; i < from.size(); ++i) places[from[i]].push_back(static_cast<int>(i));
  std::map<Kind, std::size_t> seen;
  std::vector<int> all;
  for (Kind kind : to) all.push_back(places.at(kind).at(seen[kind]++));
  return all;
}

/// The noun of the noun phrase that source word i belongs to; -1 for other words and for the noun itself.
inline int own_noun(const std::vector<Kind>& source, std::size_t i) {
  if (source[i] != Kind::determiner && source[i] != Kind::size && source[i] != Kind::colour) return -1;
  while (source[i] != Kind::noun) ++i;
  return static_cast<int>(i);
}

/// Where an attention stands: the encoder's to itself, the decoder's to itself, the decoder's to the encoder.
enum class Place { encoder, decoder, cross };

/// A role and the key it chooses for each query of a sentence; -1: none for this query.
struct Role {
  std::string name;
  std::vector<int> key;
};

/// The roles that are looked for in a place, for one sentence.
inline std::vector<Role> roles_of(Place place, const std::vector<Kind>& source, const std::vector<Kind>& target) {
  const auto n = static_cast<int>(place == Place::encoder ? source.size() : target.size());
  std::vector<Role> all;
  const auto add = [&](const std::string& name, const auto& key) {
    Role r{name, {}};
    for (int i = 0; i < n; ++i) r.key.push_back(key(i));
    all.push_back(std::move(r));
  };
  if (place == Place::cross) {
    const std::vector<int> aligned = alignment(source, target);  // of the word that query i is about to write
    add("the word to translate", [&](int i) { return aligned[static_cast<std::size_t>(i)]; });
    add("the word just translated", [&](int i) { return i ? aligned[static_cast<std::size_t>(i - 1)] : -1; });
    add("end mark", [&](int) { return static_cast<int>(source.size()) - 1; });
    return all;
  }
  add("itself", [](int i) { return i; });
  add("previous word", [](int i) { return i - 1; });
  if (place == Place::encoder) {
    add("next word", [&](int i) { return i + 1 < n ? i + 1 : -1; });
    add("its noun", [&](int i) { return own_noun(source, static_cast<std::size_t>(i)); });
    add("end mark", [&](int) { return n - 1; });
  } else {
    add("start mark", [](int) { return 0; });
  }
  return all;
}

}  // namespace roles
