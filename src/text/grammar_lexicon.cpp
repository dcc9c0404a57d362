#include "text/grammar_lexicon.hpp"

#include <stdexcept>

namespace tenfold::grammar {
namespace {

using Count = Noun::Count;
constexpr Gender m = Gender::masculine, f = Gender::feminine;

Noun count_noun(const char* en, const char* fr, Gender gender, Mask kinds, Mask traits,
                const char* irregular = nullptr) {
  return {
      en,         irregular ? irregular : english_plural(en), fr, french_plural(fr), gender, kinds, traits,
      Count::both};
}

Noun with_count(Noun noun, Count count) {
  noun.count = count;
  return noun;
}

Noun mass_noun(const char* en, const char* fr, Gender gender, Mask kind, Mask traits) {
  return {en, en, fr, fr, gender, kind | kind::buyable, traits, Count::mass};
}

std::vector<Noun> people() {
  using namespace trait;
  const Mask who = kind::person, grown = adult | human;
  std::vector<Noun> all = {count_noun("man", "homme", m, who, grown, "men"),
                           count_noun("woman", "femme", f, who, grown, "women"),
                           count_noun("boy", "garçon", m, who, human),
                           count_noun("girl", "fille", f, who, human),
                           count_noun("doctor", "médecin", m, who, grown | skilled),
                           count_noun("actor", "acteur", m, who, grown | skilled),
                           count_noun("actress", "actrice", f, who, grown | skilled)};
  const Mask family = kind::kin;
  all.push_back(count_noun("brother", "frère", m, family, human));
  all.push_back(count_noun("sister", "sœur", f, family, human));
  all.push_back(with_count(count_noun("father", "père", m, family, human), Count::singular_only));
  all.push_back(with_count(count_noun("mother", "mère", f, family, human), Count::singular_only));
  all.push_back(count_noun("uncle", "oncle", m, family, human));
  all.push_back(count_noun("aunt", "tante", f, family, human));
  return all;
}

std::vector<Noun> living_and_eaten() {
  using namespace trait;
  using namespace kind;
  const Mask sold = buyable;
  return {
      count_noun("dog", "chien", m, animal, big | small | furred | trait::old),
      count_noun("cat", "chat", m, animal, small | furred | trait::old),
      count_noun("horse", "cheval", m, animal, big | small | furred | trait::old | fine),
      count_noun("bird", "oiseau", m, animal, small | fine | furred),
      count_noun("cow", "vache", f, animal, big | furred),
      count_noun("apple", "pomme", f, snack | sold, small | red_green | trait::fresh | tasty),
      count_noun("orange", "orange", f, snack | sold, small | trait::fresh | tasty),
      count_noun("pear", "poire", f, snack | sold, small | trait::fresh | tasty),
      count_noun("egg", "œuf", m, snack | sold, small | trait::fresh),
      count_noun("cake", "gâteau", m, snack | sold, small | tasty | fine),
      count_noun("tomato", "tomate", f, snack | sold, small | red_green | trait::fresh | tasty),
      mass_noun("bread", "pain", m, food, trait::fresh | tasty),
      mass_noun("cheese", "fromage", m, food, tasty | costly),
      mass_noun("soup", "soupe", f, food, warm | tasty),
      mass_noun("meat", "viande", f, food, tasty | costly | trait::fresh),
      mass_noun("rice", "riz", m, food, warm),
      mass_noun("water", "eau", f, drink, warm),
      mass_noun("milk", "lait", m, drink, warm),
      mass_noun("coffee", "café", m, drink, warm | tasty),
      mass_noun("tea", "thé", m, drink, warm | tasty),
      mass_noun("beer", "bière", f, drink, tasty),
      count_noun("flower", "fleur", f, kind::gift | sold, small | fine | coloured),
  };
}

std::vector<Noun> things() {
  using namespace trait;
  using namespace kind;
  const Mask own = belonging | buyable, made = fresh_made | trait::old;
  return {
      count_noun("book", "livre", m, text | buyable | kind::gift, made | readable | costly | weighty | tasty),
      count_noun("newspaper", "journal", m, text | buyable, trait::old | tasty),
      count_noun("letter", "lettre", f, text | letter | kind::gift, readable),
      count_noun("key", "clé", f, belonging | kind::gift, small | made),
      count_noun("bag", "sac", m, own, big | small | made | coloured | costly | weighty),
      count_noun("watch", "montre", f, own | kind::gift, small | made | fine | costly | breakable),
      count_noun("phone", "téléphone", m, own, small | made | costly | breakable | coloured),
      count_noun("umbrella", "parapluie", m, own, big | small | made | coloured | breakable),
      count_noun("table", "table", f, surface | buyable, big | small | made | weighty | breakable | fine),
      count_noun("chair", "chaise", f, surface | buyable, small | made | weighty | breakable | coloured),
      count_noun("bed", "lit", m, surface | buyable, big | small | made | weighty),
      count_noun("door", "porte", f, opening, big | small | trait::old | coloured | closable),
      count_noun("window", "fenêtre", f, opening, big | small | trait::old | closable | breakable),
      count_noun("box", "boîte", f, opening, big | small | trait::old | coloured | weighty | closable),
      count_noun("hat", "chapeau", m, clothes | buyable, big | small | made | coloured | costly | fine),
      count_noun("coat", "manteau", m, clothes | buyable, made | coloured | costly | fine | weighty),
      count_noun("dress", "robe", f, clothes | buyable, made | coloured | costly | fine),
      count_noun("shirt", "chemise", f, clothes | buyable, made | coloured | costly | fine),
      count_noun("scarf", "écharpe", f, clothes | buyable | kind::gift, made | coloured | costly | fine,
                 "scarves"),
      with_count(count_noun("shoe", "chaussure", f, clothes | buyable, made | coloured | costly | fine),
                 Count::plural_only),
      count_noun("car", "voiture", f, vehicle | buyable, big | small | made | coloured | costly | fine),
      count_noun("bicycle", "vélo", m, vehicle | buyable, small | made | coloured | costly | fine),
      count_noun("boat", "bateau", m, vehicle | buyable, big | small | made | coloured | costly | fine),
      with_count(count_noun("train", "train", m, transit, 0), Count::singular_only),
      with_count(count_noun("bus", "bus", m, transit, 0), Count::singular_only),
      with_count(count_noun("plane", "avion", m, transit, 0), Count::singular_only),
  };
}

std::vector<Noun> places() {
  using namespace trait;
  using namespace kind;
  const Mask made = big | small | fresh_made | trait::old | fine;
  std::vector<Noun> all = {
      count_noun("house", "maison", f, place_in, made | costly | coloured),
      count_noun("garden", "jardin", m, place_in, big | small | fine),
      count_noun("kitchen", "cuisine", f, place_in, big | small | fresh_made),
      count_noun("village", "village", m, place_in, small | trait::old | fine),
      count_noun("park", "parc", m, place_in | place_at, big | small | fine),
      count_noun("school", "école", f, place_at, made | closable),
      count_noun("hotel", "hôtel", m, place_at, made | costly | closable),
      count_noun("hospital", "hôpital", m, place_at, big | small | fresh_made | trait::old),
      count_noun("station", "gare", f, place_at, made | closable),
      count_noun("restaurant", "restaurant", m, place_at, small | fresh_made | costly | closable | tasty),
      count_noun("market", "marché", m, place_at, big | small),
      count_noun("museum", "musée", m, place_at, made | closable),
      count_noun("beach", "plage", f, place_at, big | small | fine),
  };
  for (Noun& each : all) each.count = Count::singular_only;  // their plurals would be rare words
  return all;
}

Adjective adjective_entry(const char* en, const char* masculine, const char* feminine, Mask traits) {
  return {en, masculine, feminine, "", traits, false, true, true};
}
Adjective preceding(const char* en, const char* masculine, const char* feminine, Mask traits,
                    const char* liaison = "") {
  return {en, masculine, feminine, liaison, traits, true, true, true};
}
Adjective only_predicative(const char* en, const char* masculine, const char* feminine, Mask traits) {
  return {en, masculine, feminine, "", traits, false, false, true};
}

std::vector<Adjective> adjective_list() {
  using namespace trait;
  std::vector<Adjective> all = {
      preceding("big", "grand", "grande", big),
      preceding("small", "petit", "petite", small),
      preceding("old", "vieux", "vieille", trait::old | adult, "vieil"),
      preceding("new", "nouveau", "nouvelle", fresh_made, "nouvel"),
      preceding("beautiful", "beau", "belle", fine, "bel"),
      preceding("good", "bon", "bonne", tasty | skilled),
      preceding("young", "jeune", "jeune", adult),
      adjective_entry("red", "rouge", "rouge", coloured | red_green),
      adjective_entry("green", "vert", "verte", coloured | red_green),
      adjective_entry("blue", "bleu", "bleue", coloured),
      adjective_entry("yellow", "jaune", "jaune", coloured),
      adjective_entry("white", "blanc", "blanche", coloured | furred),
      adjective_entry("black", "noir", "noire", coloured | furred),
      adjective_entry("expensive", "cher", "chère", costly),
      adjective_entry("heavy", "lourd", "lourde", weighty),
      adjective_entry("broken", "cassé", "cassée", breakable),
      adjective_entry("hot", "chaud", "chaude", warm),
      adjective_entry("cold", "froid", "froide", warm),
      adjective_entry("fresh", "frais", "fraîche", trait::fresh),
      adjective_entry("interesting", "intéressant", "intéressante", readable),
      adjective_entry("rich", "riche", "riche", adult),
      adjective_entry("famous", "célèbre", "célèbre", adult),
      adjective_entry("intelligent", "intelligent", "intelligente", human),
      adjective_entry("serious", "sérieux", "sérieuse", human),
      adjective_entry("happy", "heureux", "heureuse", human),
      adjective_entry("sad", "triste", "triste", human),
      adjective_entry("sick", "malade", "malade", human),
      only_predicative("tall", "grand", "grande", human),
      only_predicative("tired", "fatigué", "fatiguée", human),
      only_predicative("busy", "occupé", "occupée", human),
      only_predicative("ready", "prêt", "prête", human),
      only_predicative("open", "ouvert", "ouverte", closable),
      only_predicative("closed", "fermé", "fermée", closable),
  };
  for (Adjective& each : all) each.predicative = each.en != "new" && each.en != "good";
  return all;
}

template <class Words>
const typename Words::value_type& find_word(const Words& list, std::string_view en) {
  for (const auto& each : list) {
    if (each.en == en) return each;
  }
  throw std::out_of_range("grammar: no word " + std::string(en));
}

}  // namespace

std::string Adjective::form(Gender gender, Number number) const {
  if (gender == Gender::feminine) return number == Number::plural ? feminine + "s" : feminine;
  return number == Number::plural ? french_plural(masculine) : masculine;
}

const std::vector<Noun>& nouns() {
  static const std::vector<Noun> list = [] {
    std::vector<Noun> all;
    for (const auto& part : {people(), living_and_eaten(), things(), places()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return list;
}

const std::vector<Adjective>& adjectives() {
  static const std::vector<Adjective> list = adjective_list();
  return list;
}

const Noun& noun(std::string_view en) { return find_word(nouns(), en); }
const Adjective& adjective(std::string_view en) { return find_word(adjectives(), en); }

}  // namespace tenfold::grammar
