/// @file
/// Free choices in the toy French: three nouns get a synonym of the other gender, and everything around must
/// follow.
#pragma once
#include <map>
#include <set>

#include "core/philox.hpp"
#include "course/toy_translation.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter09 {

/// "le petit chien noir" may as well be "la petite bête noire", but not "le petite chien noire".
class Synonyms {
 public:
  /// Adds the new words to the vocabulary.
  explicit Synonyms(lab::Vocabulary& french) {
    for (auto [noun, synonym] : {std::pair{"chien", "bête"},
                                 {"chiens", "bêtes"},
                                 {"roi", "majesté"},
                                 {"rois", "majestés"},
                                 {"cheval", "monture"},
                                 {"chevaux", "montures"}})
      nouns_[french.id(noun)] = french.add(synonym);
    for (auto [his, hers] : {std::pair{"le", "la"},
                             {"un", "une"},
                             {"mon", "ma"},
                             {"petit", "petite"},
                             {"petits", "petites"},
                             {"grand", "grande"},
                             {"grands", "grandes"},
                             {"noir", "noire"},
                             {"noirs", "noires"},
                             {"vert", "verte"},
                             {"verts", "vertes"},
                             {"blanc", "blanche"},
                             {"blancs", "blanches"}})
      around_[french.id(his)] = french.id(hers);
  }

  /// How many nouns of a sentence can be said in two ways.
  int choices(const lab::Ids& target) const {
    return static_cast<int>(
        std::count_if(target.begin(), target.end(), [&](auto id) { return nouns_.contains(id); }));
  }
  /// The sentence with the synonym for the choices whose bit is set.
  lab::Ids said(const lab::Ids& target, unsigned which) const {
    lab::Ids out = target;
    int choice = 0;
    for (std::size_t i = 0; i < target.size(); ++i) {
      const auto noun = nouns_.find(target[i]);
      if (noun == nouns_.end() || !(which >> choice++ & 1)) continue;
      out[i] = noun->second;
      for (std::size_t j = i >= 2 ? i - 2 : 0; j <= std::min(i + 1, target.size() - 1); ++j)
        if (const auto word = around_.find(target[j]); word != around_.end()) out[j] = word->second;
    }
    return out;
  }
  /// All the right ways to say it.
  std::set<lab::Ids> right(const lab::Ids& target) const {
    std::set<lab::Ids> all;
    for (unsigned which = 0; which < 1u << choices(target); ++which) all.insert(said(target, which));
    return all;
  }

 private:
  std::map<std::int32_t, std::int32_t> nouns_, around_;
};

/// The toy corpus with synonyms: in the training pairs each choice is made at random; held-out pairs are left
/// as they are.
inline lab::ToyCorpus with_synonyms(lab::ToyCorpus corpus, std::uint64_t seed,
                                    std::unique_ptr<Synonyms>& synonyms) {
  synonyms = std::make_unique<Synonyms>(corpus.target);
  PhiloxSequence random(seed, 9);
  for (lab::ToyPair& p : corpus.train) p.target = synonyms->said(p.target, random.bits());
  return corpus;
}

}  // namespace chapter09
}  // namespace tenfold::inline TENFOLD_REAL
