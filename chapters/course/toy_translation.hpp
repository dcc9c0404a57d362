/// @file
/// A small trained translator for lessons: a toy English-to-French of some fifty words, and the engine's
/// Transformer trained on it in seconds.
///
///     const auto k = measuring_kernels();
///     const ToyCorpus corpus = toy_corpus(seed);  // train, held_out, longer; vocabularies
///     ToyOptions o;                               // change o.config, o.steps, o.loss, …
///     const auto model = untrained_translator(*k, corpus, o, seed);
///     const TrainingCurve curve = train_translator(*model, corpus, o, seed);
///     const auto outputs = greedy(*model, sources_of(corpus.held_out));          // ids without bos and eos
///     const double percent = exact_match(corpus.held_out, outputs);
///     const auto by_length = exact_match_by_length(corpus.held_out, outputs);    // source words → {right, count}
///     corpus.target.text(outputs[0]);             // "le petit chat noir ne voit pas deux chèvres"
///
/// Everything is a function of the seed. Training uses course/training.hpp; a lesson that wants another model
/// or loss sets `loss`, `memory`, `prepare` or `frozen` of ToyOptions, or calls batch_of() and train() itself.
/// Other targets (synonyms, say): change the pairs of the corpus before training; Vocabulary::add() makes new
/// words. Run with one thread per seed.
///
/// The language: SUBJECT VERB [OBJECT] [with|behind|before NOUN PHRASE], where a noun phrase is
/// determiner [size] [colour] noun. What French does otherwise: colours stand after the noun and sizes before
/// it, determiner and adjectives agree with the noun in gender and number, the verb with the subject, and a
/// negation goes around the verb ("does not see": "ne voit pas"). Every source has exactly one translation,
/// so exact match is fair. Whether a sentence is held out is decided by the sentence alone, so no held-out
/// sentence is ever trained on, with any seed.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/philox.hpp"
#include "course/training.hpp"
#include "nn/transformer.hpp"
#include "translate/search.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace lab {

/// Ids of a sentence's words.
using Ids = std::vector<std::int32_t>;

/// Words and their ids; 0 to 3 are the special pieces of nn/config.hpp.
class Vocabulary {
 public:
  /// The word's id, a new one if it is not there.
  std::int32_t add(const std::string& word) {
    const auto [at, fresh] = ids_.try_emplace(word, static_cast<std::int32_t>(words_.size()));
    if (fresh) words_.push_back(word);
    return at->second;
  }
  /// unk_id when there is no such word.
  std::int32_t id(const std::string& word) const {
    const auto at = ids_.find(word);
    return at == ids_.end() ? unk_id : at->second;
  }
  /// Throws std::out_of_range when there is no such id.
  const std::string& word(std::int32_t id) const { return words_.at(static_cast<std::size_t>(id)); }
  /// How many ids there are, the special ones too.
  Index size() const { return static_cast<Index>(words_.size()); }
  /// Words with a space between.
  std::string text(std::span<const std::int32_t> ids) const {
    std::string all;
    for (std::int32_t i : ids) all += (all.empty() ? "" : " ") + word(i);
    return all;
  }
  /// Ids of words with a space between.
  Ids ids(const std::string& text) const {
    Ids all;
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t to = std::min(text.find(' ', from), text.size());
      if (to > from) all.push_back(id(text.substr(from, to - from)));
      from = to + 1;
    }
    return all;
  }

 private:
  std::vector<std::string> words_{"<pad>", "<unk>", "<s>", "</s>"};
  std::map<std::string, std::int32_t> ids_;
};

/// A sentence and its translation, without bos and eos.
struct ToyPair {
  Ids source, target;  ///< English and French
  /// For every target word the place of the source word that it renders ("ne": do or does, "pas": not).
  Ids aligned = {};
  double nats = 0;  ///< -ln of the probability with which the grammar makes this sentence; what no model that
                    ///< does not see the source can beat, summed over the target's words and its end
};

/// What the grammar made.
struct ToyCorpus {
  Vocabulary source, target;      ///< English and French
  std::vector<ToyPair> train;     ///< 3 to most_words source words; frequent sentences occur more than once
  std::vector<ToyPair> held_out;  ///< the same lengths, no sentence twice, none of them in any seed's train
  std::vector<ToyPair> longer;    ///< more than most_words source words (up to 16), two phrases after the verb in some
};

/// How large a corpus is wanted.
struct ToyCorpusOptions {
  std::size_t train = 12'000, held_out = 300, longer = 150;  ///< pairs
  std::size_t most_words = 10;  ///< source words of train and held_out; 5 to 10
};

/// @cond  the grammar's inner parts
namespace toy {

/// The words of the grammar, English and French. Forms: singular and plural; French adjectives masculine and
/// feminine of each.
struct Noun {
  const char *one, *many, *un, *plusieurs;
  bool feminine;
};
struct Adjective {
  const char* english;
  const char* french[4];  ///< masculine, feminine, masculine plural, feminine plural
};
struct Verb {
  const char *one, *many, *un, *plusieurs;
};
struct Determiner {
  const char* english;
  const char* french[3];  ///< masculine, feminine, plural
};
inline constexpr Noun nouns[] = {
    {"cat", "cats", "chat", "chats", false},         {"dog", "dogs", "chien", "chiens", false},
    {"wolf", "wolves", "loup", "loups", false},      {"king", "kings", "roi", "rois", false},
    {"horse", "horses", "cheval", "chevaux", false}, {"girl", "girls", "fille", "filles", true},
    {"cow", "cows", "vache", "vaches", true},        {"goat", "goats", "chèvre", "chèvres", true},
    {"queen", "queens", "reine", "reines", true},    {"frog", "frogs", "grenouille", "grenouilles", true}};
inline constexpr Adjective sizes[] = {{"small", {"petit", "petite", "petits", "petites"}},
                                      {"big", {"grand", "grande", "grands", "grandes"}}};
inline constexpr Adjective colours[] = {{"red", {"rouge", "rouge", "rouges", "rouges"}},
                                        {"black", {"noir", "noire", "noirs", "noires"}},
                                        {"green", {"vert", "verte", "verts", "vertes"}},
                                        {"white", {"blanc", "blanche", "blancs", "blanches"}}};
inline constexpr Determiner singular[] = {
    {"the", {"le", "la", ""}}, {"a", {"un", "une", ""}}, {"my", {"mon", "ma", ""}}};
inline constexpr Determiner plural[] = {
    {"the", {"", "", "les"}}, {"two", {"", "", "deux"}}, {"my", {"", "", "mes"}}};
inline constexpr Verb with_object[] = {{"sees", "see", "voit", "voient"},
                                       {"follows", "follow", "suit", "suivent"},
                                       {"finds", "find", "trouve", "trouvent"},
                                       {"carries", "carry", "porte", "portent"},
                                       {"seeks", "seek", "cherche", "cherchent"}};
inline constexpr Verb without_object[] = {{"sleeps", "sleep", "dort", "dorment"},
                                          {"runs", "run", "court", "courent"},
                                          {"sings", "sing", "chante", "chantent"}};
inline constexpr const char* prepositions[][2] = {
    {"with", "avec"}, {"behind", "derrière"}, {"before", "devant"}};

/// One sentence in the making; every choice adds to `nats`.
class Sentence {
 public:
  Sentence(PhiloxSequence& random, Vocabulary& english, Vocabulary& french)
      : random_(random), english_(english), french_(french) {}

  ToyPair make(bool many_phrases) {
    const bool plural_subject = noun_phrase();
    const bool object = chance(0.7), negated = chance(0.25);
    const Verb& verb = object ? one_of(with_object) : one_of(without_object);
    if (negated) {
      say(plural_subject ? "do" : "does", "ne");
      say("not", plural_subject ? verb.plusieurs : verb.un);
      say(verb.many, "pas");
    } else {
      say(plural_subject ? verb.many : verb.one, plural_subject ? verb.plusieurs : verb.un);
    }
    if (object) noun_phrase();
    for (int phrases = many_phrases ? 2 : 1; phrases > 0 && chance(many_phrases ? 0.8 : 0.35); --phrases) {
      const auto& preposition = one_of(prepositions);
      say(preposition[0], preposition[1]);
      noun_phrase();
    }
    return std::move(pair_);
  }

 private:
  bool noun_phrase() {
    const bool many = chance(0.4), sized = chance(0.3), coloured = chance(0.45);
    const Determiner& determiner = many ? one_of(plural) : one_of(singular);
    const Noun& noun = one_of(nouns);
    const int form = (many ? 2 : 0) + noun.feminine;
    const Adjective* size = sized ? &one_of(sizes) : nullptr;
    const Adjective* colour = coloured ? &one_of(colours) : nullptr;
    say(determiner.english, determiner.french[many ? 2 : noun.feminine]);
    if (size) say(size->english, size->french[form]);
    if (colour) pair_.source.push_back(english_.add(colour->english));
    say(many ? noun.many : noun.one, many ? noun.plusieurs : noun.un);
    if (colour) render(colour->french[form], pair_.source.size() - 2);
    return many;
  }
  void say(const char* english, const char* french) {
    pair_.source.push_back(english_.add(english));
    render(french, pair_.source.size() - 1);
  }
  void render(const char* french, std::size_t place) {
    pair_.target.push_back(french_.add(french));
    pair_.aligned.push_back(static_cast<std::int32_t>(place));
  }
  bool chance(double p) {
    const bool yes = random_.uniform() < p;
    pair_.nats -= std::log(yes ? p : 1 - p);
    return yes;
  }
  template <class T, std::size_t n>
  const T& one_of(const T (&choices)[n]) {
    pair_.nats += std::log(static_cast<double>(n));
    return choices[random_.below(n)];
  }

  PhiloxSequence& random_;
  Vocabulary &english_, &french_;
  ToyPair pair_;
};

/// One in eight sentences is held out, whatever the seed.
inline bool is_held_out(const std::string& source) {
  return hash_name(source.data(), source.size()) / 64 % 8 == 0;
}

/// Gives every word its id, in an order that no seed decides.
inline void add_words(Vocabulary& english, Vocabulary& french) {
  for (const Determiner& d : singular) english.add(d.english);
  for (const Determiner& d : plural) english.add(d.english);
  for (const auto& list : {std::span<const Determiner>(singular), std::span<const Determiner>(plural)})
    for (const Determiner& d : list)
      for (const char* form : d.french)
        if (*form) french.add(form);
  for (const auto& list : {std::span<const Adjective>(sizes), std::span<const Adjective>(colours)})
    for (const Adjective& a : list) {
      english.add(a.english);
      for (const char* form : a.french) french.add(form);
    }
  const auto pair_of_forms = [&](const auto& word) {
    english.add(word.one);
    english.add(word.many);
    french.add(word.un);
    french.add(word.plusieurs);
  };
  for (const Noun& n : nouns) pair_of_forms(n);
  for (const Verb& v : with_object) pair_of_forms(v);
  for (const Verb& v : without_object) pair_of_forms(v);
  for (const auto& p : prepositions) {
    english.add(p[0]);
    french.add(p[1]);
  }
  for (const char* word : {"do", "does", "not"}) english.add(word);
  for (const char* word : {"ne", "pas"}) french.add(word);
}

}  // namespace toy
/// @endcond

/// The same seed gives the same corpus everywhere; the vocabularies do not depend on it.
inline ToyCorpus toy_corpus(std::uint64_t seed, const ToyCorpusOptions& o = {}) {
  ToyCorpus c;
  toy::add_words(c.source, c.target);
  PhiloxSequence random(seed, 7);
  std::map<Ids, bool> seen;
  double made = 0, kept = 0;  // how likely a sentence is to be short enough
  while (c.train.size() < o.train || c.held_out.size() < o.held_out) {
    ToyPair pair = toy::Sentence(random, c.source, c.target).make(false);
    ++made;
    if (pair.source.size() > o.most_words) continue;
    ++kept;
    if (!toy::is_held_out(c.source.text(pair.source))) {
      if (c.train.size() < o.train) c.train.push_back(std::move(pair));
    } else if (c.held_out.size() < o.held_out && seen.try_emplace(pair.source).second) {
      c.held_out.push_back(std::move(pair));
    }
  }
  for (auto* list : {&c.train, &c.held_out})
    for (ToyPair& pair : *list) pair.nats += std::log(kept / made);
  while (c.longer.size() < o.longer) {
    ToyPair pair = toy::Sentence(random, c.source, c.target).make(true);
    if (pair.source.size() > o.most_words && pair.source.size() <= 16 && seen.try_emplace(pair.source).second)
      c.longer.push_back(std::move(pair));
  }
  return c;
}

/// The pairs as one batch: bos before, eos after, padding at the end.
inline DeviceBatch batch_of(Kernels& k, std::span<const ToyPair> pairs) {
  Index source_time = 0, target_time = 0, tokens = 0;
  for (const ToyPair& p : pairs) {
    source_time = std::max(source_time, static_cast<Index>(p.source.size()) + 1);
    target_time = std::max(target_time, static_cast<Index>(p.target.size()) + 1);
    tokens += static_cast<Index>(p.target.size()) + 1;
  }
  Ids source, lengths, input, output;
  const auto padded = [](Ids& all, Ids row, Index time) {
    row.resize(static_cast<std::size_t>(time), pad_id);
    all.insert(all.end(), row.begin(), row.end());
  };
  for (const ToyPair& p : pairs) {
    Ids with_end = p.source, begun{bos_id}, ended = p.target;
    with_end.push_back(eos_id);
    ended.push_back(eos_id);
    begun.insert(begun.end(), p.target.begin(), p.target.end());
    lengths.push_back(static_cast<std::int32_t>(with_end.size()));
    padded(source, with_end, source_time);
    padded(input, begun, target_time);
    padded(output, ended, target_time);
  }
  const Index n = static_cast<Index>(pairs.size());
  return {IdTensor::from(k, {n, source_time}, source), IdTensor::from(k, {n}, lengths),
          IdTensor::from(k, {n, target_time}, input), IdTensor::from(k, {n, target_time}, output), tokens};
}

/// What a lesson may change between encoder and decoder: gets the encoder's output [batch, source time, dim]
/// and the source lengths, returns what the decoder sees instead.
using MemoryHook = std::function<Variable(const Variable& memory, const IdTensor& source_lengths)>;

/// How the translator is built and trained. The defaults give more than 99 % exact match on held-out
/// sentences in three seconds of one thread; 250 steps some 97 %, 150 some 60 %.
struct ToyOptions {
  ToyOptions() {
    config.model_dim = 64;
    config.heads = 4;
    config.feed_forward_dim = 128;
    config.encoder_layers = config.decoder_layers = 2;
    config.max_length = 32;
    config.dropout = 0;
    config.joint_vocabulary = false;
  }
  ModelConfig config;  ///< the sizes of the vocabularies are filled in
  int steps = 400;     ///< of Adam
  Index batch = 32;    ///< sentences
  double learning_rate = 3e-3;  ///< the peak; warmed up over a tenth of the steps, then along a cosine to zero
  double smoothing = 0;         ///< of the labels
  /// Called with the untrained model, to set values.
  std::function<void(Transformer&)> prepare;
  /// Parameters that keep their initial value, by name.
  std::function<bool(const std::string& name)> frozen;
  /// Changes the encoder's output before the decoder sees it, if given.
  MemoryHook memory;
  /// Instead of the whole loss, if given.
  std::function<Variable(Transformer&, Pass&, const DeviceBatch&)> loss;
};

/// Hidden states of the decoder under teacher forcing, [batch, target time, dim], with the memory changed by
/// `hook`, if given.
inline Variable decoded(Transformer& model, Pass& pass, const DeviceBatch& batch,
                        const MemoryHook& hook = {}) {
  Variable memory = model.encode(pass, batch.source, batch.source_lengths);
  if (hook) memory = hook(memory, batch.source_lengths);
  return model.decode(pass, memory, batch.source_lengths, batch.target_input);
}

/// Mean cross-entropy per target token (its end counted) with the memory changed by `hook`, if given.
inline Variable translator_loss(Transformer& model, Pass& pass, const DeviceBatch& batch,
                                double smoothing = 0, const MemoryHook& hook = {}) {
  return cross_entropy(model.logits(pass, decoded(model, pass, batch, hook)),
                       {batch.target_output.reshaped({batch.target_output.size()}), pad_id,
                        static_cast<Real>(smoothing), static_cast<Real>(batch.target_tokens)});
}

/// The translator before training; o.config with the corpus's vocabularies, then o.prepare.
inline std::unique_ptr<Transformer> untrained_translator(Kernels& k, const ToyCorpus& corpus,
                                                         const ToyOptions& o, std::uint64_t seed) {
  ModelConfig config = o.config;
  config.source_vocabulary = corpus.source.size();
  config.target_vocabulary = corpus.target.size();
  if (config.joint_vocabulary) throw UsageError("toy translation: the two vocabularies are not joint");
  auto model = std::make_unique<Transformer>(k, config, seed);
  if (o.prepare) o.prepare(*model);
  return model;
}

/// Trains on random batches of corpus.train; every step's loss is in the result.
inline TrainingCurve train_translator(Transformer& model, const ToyCorpus& corpus, const ToyOptions& o,
                                      std::uint64_t seed) {
  std::vector<Parameter*> trained;
  for (Parameter* p : model.parameters())
    if (!o.frozen || !o.frozen(p->name)) trained.push_back(p);
  TrainingOptions t;
  t.steps = o.steps;
  t.schedule = {ScheduleKind::cosine, o.learning_rate, o.steps / 10, o.steps};
  t.dropout = o.config.dropout;
  t.seed = seed;
  return train(trained, t, [&](Pass& pass, int step) {
    PhiloxSequence random(seed, 100 + static_cast<std::uint64_t>(step));
    std::vector<ToyPair> chosen;
    for (Index i = 0; i < o.batch; ++i)
      chosen.push_back(corpus.train[random.below(static_cast<std::uint32_t>(corpus.train.size()))]);
    const DeviceBatch batch = batch_of(model.kernels(), chosen);
    if (o.loss) return o.loss(model, pass, batch);
    return o.memory ? translator_loss(model, pass, batch, o.smoothing, o.memory)
                    : model.loss(pass, batch, o.smoothing);
  });
}

/// The loss of translator_loss() over all the pairs.
inline double loss_on(Transformer& model, std::span<const ToyPair> pairs, const MemoryHook& hook = {}) {
  Pass pass;
  return static_cast<double>(
      translator_loss(model, pass, batch_of(model.kernels(), pairs), 0, hook).value.item());
}

/// The sources alone, for greedy().
inline std::vector<Ids> sources_of(std::span<const ToyPair> pairs) {
  std::vector<Ids> all;
  for (const ToyPair& p : pairs) all.push_back(p.source);
  return all;
}

/// The likeliest token each time, by the engine's search with its key/value cache; at most twice the source's
/// length + 20 tokens, within max_length. Sources and results without bos and eos.
inline std::vector<Ids> greedy(Transformer& model, const std::vector<Ids>& sources) {
  std::vector<Ids> all;
  for (const auto& found : search(model, sources, {})) all.push_back(found.at(0).tokens);
  return all;
}

/// The same with the memory changed by `hook`: the whole beginning is decoded again for every token.
inline std::vector<Ids> greedy(Transformer& model, const std::vector<Ids>& sources, const MemoryHook& hook) {
  std::vector<ToyPair> pairs;
  for (const Ids& source : sources) pairs.push_back({source, {}});
  const DeviceBatch batch = batch_of(model.kernels(), pairs);
  Pass pass;
  Variable memory = model.encode(pass, batch.source, batch.source_lengths);
  if (hook) memory = hook(memory, batch.source_lengths);
  const Index n = static_cast<Index>(sources.size()), dim = model.config().model_dim;
  std::vector<Ids> outputs(sources.size());
  std::vector<bool> ended(sources.size());
  for (Index time = 1; time <= model.config().max_length && std::count(ended.begin(), ended.end(), false) > 0;
       ++time) {
    Ids input;
    for (const Ids& output : outputs) {
      Ids row{bos_id};
      row.insert(row.end(), output.begin(), output.end());
      row.resize(static_cast<std::size_t>(time), pad_id);
      input.insert(input.end(), row.begin(), row.end());
    }
    const Variable hidden =
        model.decode(pass, memory, batch.source_lengths, IdTensor::from(model.kernels(), {n, time}, input));
    const Variable last = slice(hidden, 1, time - 1, 1);
    const auto logits = model.logits(pass, reshape(last, {n, dim})).value.to_host();
    const Index words = model.config().target_vocabulary;
    for (Index i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (ended[at]) continue;
      const auto row = logits.begin() + i * words;
      std::int32_t best = unk_id;
      for (std::int32_t w = unk_id; w < words; ++w)
        if (w != bos_id && row[w] > row[best]) best = w;
      if (best == eos_id)
        ended[at] = true;
      else
        outputs[at].push_back(best);
    }
  }
  return outputs;
}

/// Sentences that came out word for word.
struct Matches {
  int right = 0, count = 0;  ///< of `count` sentences
  /// 100 · right / count, 0 when there is none.
  double percent() const { return count ? 100.0 * right / count : 0; }
};

/// How many outputs equal their pair's target; as many outputs as pairs.
inline Matches exact_matches(std::span<const ToyPair> pairs, const std::vector<Ids>& outputs) {
  Matches m;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    ++m.count;
    m.right += outputs.at(i) == pairs[i].target;
  }
  return m;
}
/// In percent.
inline double exact_match(std::span<const ToyPair> pairs, const std::vector<Ids>& outputs) {
  return exact_matches(pairs, outputs).percent();
}
/// By the number of source words.
inline std::map<int, Matches> exact_match_by_length(std::span<const ToyPair> pairs,
                                                    const std::vector<Ids>& outputs) {
  std::map<int, Matches> all;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Matches& m = all[static_cast<int>(pairs[i].source.size())];
    ++m.count;
    m.right += outputs.at(i) == pairs[i].target;
  }
  return all;
}

}  // namespace lab
}  // namespace tenfold::inline TENFOLD_REAL
