/// @file
/// How well a reader could do that knows the grammar of course/toy_translation.hpp perfectly, but is told
/// only which words a sentence has and not in which order.
#pragma once
#include <string>
#include <vector>

#include "course/toy_translation.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter07 {

/// Counts the grammatical sentences that can be laid out with exactly the words of `sentence` (English ids).
/// They are all equally likely: the grammar makes the same choices in another order.
class BagReader {
 public:
  explicit BagReader(const lab::Vocabulary& words) : kinds_(static_cast<std::size_t>(words.size()), none) {
    const auto set = [&](const char* word, Kind kind) {
      kinds_[static_cast<std::size_t>(words.id(word))] = kind;
    };
    for (const auto& d : lab::toy::singular) set(d.english, determiner_one);
    for (const auto& d : lab::toy::plural) {
      Kind& kind = kinds_[static_cast<std::size_t>(words.id(d.english))];
      kind = kind == determiner_one ? determiner_any : determiner_many;
    }
    for (const auto& a : lab::toy::sizes) set(a.english, size);
    for (const auto& a : lab::toy::colours) set(a.english, colour);
    for (const auto& n : lab::toy::nouns) set(n.one, noun_one), set(n.many, noun_many);
    for (const auto& v : lab::toy::with_object) set(v.one, verb_one), set(v.many, verb_many);
    for (const auto& v : lab::toy::without_object) set(v.one, lone_verb_one), set(v.many, lone_verb_many);
    for (const auto& p : lab::toy::prepositions) set(p[0], preposition);
    set("does", does);
    set("do", do_);
    set("not", not_);
  }

  /// At least 1 for a sentence of the grammar.
  int sentences(const lab::Ids& sentence) const {
    std::map<std::int32_t, int> bag;
    for (std::int32_t word : sentence) ++bag[word];
    return from(at_subject, bag, static_cast<int>(sentence.size()));
  }
  /// The best exact match to expect on these pairs, in percent.
  double best_exact_match(std::span<const lab::ToyPair> pairs) const {
    double sum = 0;
    for (const lab::ToyPair& p : pairs) sum += 1.0 / sentences(p.source);
    return pairs.empty() ? 0 : 100 * sum / static_cast<double>(pairs.size());
  }

 private:
  enum Kind {
    none,
    determiner_one,
    determiner_many,
    determiner_any,
    size,
    colour,
    noun_one,
    noun_many,
    verb_one,
    verb_many,
    lone_verb_one,
    lone_verb_many,
    preposition,
    does,
    do_,
    not_
  };
  enum Place { at_subject, at_object, at_phrase };
  using Bag = std::map<std::int32_t, int>;

  /// Every way to take one word of the given kinds and go on.
  template <class F>
  int take(Bag& bag, std::initializer_list<Kind> kinds, const F& go_on) const {
    int ways = 0;
    for (auto& [word, count] : bag) {
      const Kind kind = kinds_[static_cast<std::size_t>(word)];
      if (count == 0 || std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) continue;
      --count;
      ways += go_on(kind);
      ++count;
    }
    return ways;
  }

  /// A noun phrase, and what may follow it there.
  int from(Place place, Bag& bag, int left) const {
    return take(bag, {determiner_one, determiner_many, determiner_any}, [&](Kind d) {
      const auto noun = [&](int left_now) {
        return take(bag, {noun_one, noun_many}, [&](Kind n) {
          if (d != determiner_any && (d == determiner_one) != (n == noun_one)) return 0;
          return place == at_subject ? verb(n == noun_one, bag, left_now - 1)
                                     : phrase(place, bag, left_now - 1);
        });
      };
      const auto coloured = [&](int left_now) {
        return noun(left_now) + take(bag, {colour}, [&](Kind) { return noun(left_now - 1); });
      };
      return coloured(left - 1) + take(bag, {size}, [&](Kind) { return coloured(left - 2); });
    });
  }
  int verb(bool one, Bag& bag, int left) const {
    const auto after = [&](Kind v, int left_now) {
      return v == verb_one || v == verb_many ? from(at_object, bag, left_now)
                                             : phrase(at_object, bag, left_now);
    };
    const int plain =
        one ? take(bag, {verb_one, lone_verb_one}, [&](Kind v) { return after(v, left - 1); })
            : take(bag, {verb_many, lone_verb_many}, [&](Kind v) { return after(v, left - 1); });
    return plain + take(bag, {one ? does : do_}, [&](Kind) {
             return take(bag, {not_}, [&](Kind) {
               return take(bag, {verb_many, lone_verb_many}, [&](Kind v) { return after(v, left - 3); });
             });
           });
  }
  int phrase(Place place, Bag& bag, int left) const {
    if (left == 0) return 1;
    if (place == at_phrase) return 0;
    return take(bag, {preposition}, [&](Kind) { return from(at_phrase, bag, left - 1); });
  }

  std::vector<Kind> kinds_;
};

}  // namespace chapter07
}  // namespace tenfold::inline TENFOLD_REAL
