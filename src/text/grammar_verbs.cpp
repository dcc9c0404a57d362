// The verbs of the lexicon.
#include <stdexcept>

#include "text/grammar_lexicon.hpp"

namespace tenfold::grammar {
namespace {

/// The flags that most verbs share: a past, no people, no à, some-objects, habits, modals.
Verb base(const char* en, const char* past, FrenchVerb fr, Mask objects) {
  return {en, past, "", std::move(fr), objects, false, false, false, true, true};
}
Verb of_people(const char* en, const char* past, const char* particle, FrenchVerb fr, Mask objects) {
  Verb verb = base(en, past, std::move(fr), objects);
  verb.particle = particle;
  verb.persons = true;
  return verb;
}
Verb of_things(const char* en, const char* past, FrenchVerb fr, Mask objects) {
  Verb verb = base(en, past, std::move(fr), objects);
  verb.indefinite = true;
  return verb;
}
Verb to_people(const char* en, const char* past, const char* particle, FrenchVerb fr) {
  Verb verb = of_people(en, past, particle, std::move(fr), 0);
  verb.indirect = true;
  return verb;
}
/// A state rather than an act: no past, no "often", no "can".
Verb state(Verb verb) {
  verb.en_past.clear();
  verb.habit = verb.action = false;
  return verb;
}
Verb once(Verb verb) {
  verb.habit = false;
  return verb;
}

/// What nobody wants or plans.
Verb mishap(Verb verb) {
  verb.habit = verb.action = false;
  return verb;
}

std::vector<Verb> transitive_list() {
  using namespace kind;
  return {
      once(of_people("see", "saw", "", {"voir", {"vois", "voit", "voyons", "voyez", "voient"}, "vu"},
                     animal | vehicle | belonging | place_in)),
      once(of_people("hear", "heard", "", regular_re("entendre"), animal)),
      of_people("help", "helped", "", regular_er("aider"), 0),
      of_people("invite", "invited", "", regular_er("inviter"), 0),
      of_people("call", "called", "",
                {"appeler", {"appelle", "appelle", "appelons", "appelez", "appellent"}, "appelé"}, 0),
      once(of_people("look", "looked", "for", regular_er("chercher"), belonging | animal | clothes)),
      of_people("listen", "listened", "to", regular_er("écouter"), 0),
      of_people("wait", "waited", "for", regular_re("attendre"), 0),
      state(of_people("love", "", "", regular_er("aimer"), 0)),
      state(of_people(
          "know", "", "",
          {"connaître", {"connais", "connaît", "connaissons", "connaissez", "connaissent"}, "connu"}, 0)),
      to_people("speak", "spoke", "to", regular_er("parler")),
      to_people("answer", "answered", "", regular_re("répondre")),
      once(base("find", "found", regular_er("trouver"), belonging | animal | clothes)),
      of_things("buy", "bought",
                {"acheter", {"achète", "achète", "achetons", "achetez", "achètent"}, "acheté"}, buyable),
      of_things("sell", "sold", regular_re("vendre"), buyable),
      of_things("read", "", {"lire", {"lis", "lit", "lisons", "lisez", "lisent"}, "lu"}, text),
      of_things("write", "wrote", {"écrire", {"écris", "écrit", "écrivons", "écrivez", "écrivent"}, "écrit"},
                letter),
      of_things("eat", "ate", regular_er("manger"), snack | food),
      of_things("drink", "drank", {"boire", {"bois", "boit", "buvons", "buvez", "boivent"}, "bu"}, drink),
      state(of_things("want", "", {"vouloir", {"veux", "veut", "voulons", "voulez", "veulent"}, "voulu"},
                      buyable)),
      state(of_things("have", "", avoir(), belonging | animal | clothes | vehicle | snack | drink)),
      state(base("like", "", regular_er("aimer"), buyable | animal | place_in)),
      base("open", "opened", {"ouvrir", {"ouvre", "ouvre", "ouvrons", "ouvrez", "ouvrent"}, "ouvert"},
           opening),
      base("close", "closed", regular_er("fermer"), opening),
      base("wash", "washed", regular_er("laver"), clothes | vehicle),
      base("wear", "wore", regular_er("porter"), clothes),
      mishap(base("lose", "lost", regular_re("perdre"), belonging)),
      base("take", "took", {"prendre", {"prends", "prend", "prenons", "prenez", "prennent"}, "pris"},
           transit),
  };
}

std::vector<Verb> giver_list() {
  return {base("give", "gave", regular_er("donner"), kind::gift),
          base("show", "showed", regular_er("montrer"), kind::gift | kind::vehicle),
          base("send", "sent", {"envoyer", {"envoie", "envoie", "envoyons", "envoyez", "envoient"}, "envoyé"},
               kind::gift),
          base("sell", "sold", regular_re("vendre"), kind::vehicle | kind::snack)};
}

std::vector<Verb> intransitive_list() {
  return {base("sleep", "slept", {"dormir", {"dors", "dort", "dormons", "dormez", "dorment"}, "dormi"}, 0),
          base("work", "worked", regular_er("travailler"), 0),
          base("sing", "sang", regular_er("chanter"), 0),
          base("dance", "danced", regular_er("danser"), 0),
          base("play", "played", regular_er("jouer"), 0),
          base("run", "ran", {"courir", {"cours", "court", "courons", "courez", "courent"}, "couru"}, 0),
          base("swim", "swam", regular_er("nager"), 0),
          mishap(base("cry", "cried", regular_er("pleurer"), 0)),
          base("eat", "ate", regular_er("manger"), 0)};
}

std::vector<Verb> other_list() {
  // These take être in the passé composé (or never need one), so they have no past here: the participle would
  // show a gender that "I", "you" and "we" do not tell.
  return {base("go", "", {"aller", {"vais", "va", "allons", "allez", "vont"}, ""}, 0),
          base("come", "", {"revenir", {"reviens", "revient", "revenons", "revenez", "reviennent"}, ""}, 0),
          base("leave", "", {"partir", {"pars", "part", "partons", "partez", "partent"}, ""}, 0),
          base("arrive", "", regular_er("arriver"), 0),
          base("live", "", regular_er("habiter"), 0),
          base("cost", "", regular_er("coûter"), 0),
          base("think", "", regular_er("penser"), 0),
          base("know", "", {"savoir", {"sais", "sait", "savons", "savez", "savent"}, ""}, 0),
          base("say", "", {"dire", {"dis", "dit", "disons", "dites", "disent"}, ""}, 0),
          base("hope", "", {"espérer", {"espère", "espère", "espérons", "espérez", "espèrent"}, ""}, 0)};
}

}  // namespace

const FrenchVerb& etre() {
  static const FrenchVerb verb{"être", {"suis", "est", "sommes", "êtes", "sont"}, "été"};
  return verb;
}
const FrenchVerb& avoir() {
  static const FrenchVerb verb{"avoir", {"ai", "a", "avons", "avez", "ont"}, "eu"};
  return verb;
}

const std::vector<Verb>& transitives() {
  static const std::vector<Verb> list = transitive_list();
  return list;
}
const std::vector<Verb>& givers() {
  static const std::vector<Verb> list = giver_list();
  return list;
}
const std::vector<Verb>& intransitives() {
  static const std::vector<Verb> list = intransitive_list();
  return list;
}

const Verb& verb(std::string_view en, std::string_view infinitive) {
  static const std::vector<Verb> others = other_list();
  for (const auto* list : {&transitives(), &givers(), &intransitives(), &others}) {
    for (const Verb& each : *list) {
      if (each.en == en && (infinitive.empty() || each.fr.infinitive == infinitive)) return each;
    }
  }
  throw std::out_of_range("grammar: no verb " + std::string(en));
}

}  // namespace tenfold::grammar
