/// @file
/// What a head looks at: for every query of a sentence, the keys that a role would choose, and how much of the attention
/// they get.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "course/toy_translation.hpp"

namespace roles {

using namespace tenfold;
using namespace tenfold::lab;

enum class Kind { determiner, adjective, noun, other };

/// The kind of every English word of the toy language that belongs to a noun phrase.
inline const std::map<std::string, Kind>& kinds() {
  static const std::map<std::string, Kind> all = [] {
    std::map<std::string, Kind> m;
    for (const auto& list : {std::span<const toy::Determiner>(toy::singular), std::span<const toy::Determiner>(toy::plural)})
      for (const auto& d : list) m[d.english] = Kind::determiner;
    for (const auto& list : {std::span<const toy::Adjective>(toy::sizes), std::span<const toy::Adjective>(toy::colours)})
      for (const auto& a : list) m[a.english] = Kind::adjective;
    for (const auto& n : toy::nouns)
      for (const char* form : {n.one, n.many}) m[form] = Kind::noun;
    return m;
  }();
  return all;
}

/// The kinds of a sentence's words and of its end.
inline std::vector<Kind> kinds_of(const Vocabulary& vocabulary, const Ids& ids) {
  std::vector<Kind> all;
  for (std::int32_t id : ids) {
    const auto found = kinds().find(vocabulary.word(id));
    all.push_back(found == kinds().end() ? Kind::other : found->second);
  }
  all.push_back(Kind::other);
  return all;
}

/// The noun of the noun phrase that source word i belongs to; -1 for other words and for the noun itself.
inline int own_noun(const std::vector<Kind>& source, std::size_t i) {
  if (source[i] != Kind::determiner && source[i] != Kind::adjective) return -1;
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
inline std::vector<Role> roles_of(Place place, const Vocabulary& vocabulary, const ToyPair& pair) {
  const std::vector<Kind> source = kinds_of(vocabulary, pair.source);
  const auto n = static_cast<int>((place == Place::encoder ? pair.source : pair.target).size()) + 1;
  std::vector<Role> all;
  const auto add = [&](const std::string& name, const auto& key) {
    Role r{name, {}};
    for (int i = 0; i < n; ++i) r.key.push_back(key(i));
    all.push_back(std::move(r));
  };
  if (place == Place::cross) {
    Ids aligned = pair.aligned;  // the source word of what query i is about to write
    aligned.push_back(static_cast<std::int32_t>(pair.source.size()));
    add("the word to translate", [&](int i) { return aligned[static_cast<std::size_t>(i)]; });
    add("the word just translated", [&](int i) { return i ? aligned[static_cast<std::size_t>(i - 1)] : -1; });
    add("end mark", [&](int) { return static_cast<int>(pair.source.size()); });
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
