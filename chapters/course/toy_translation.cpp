#include "course/toy_translation.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/errors.hpp"
#include "core/philox.hpp"
#include "course/training.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/reshape.hpp"
#include "ops/slice.hpp"
#include "translate/search.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace lab {
namespace toy {
namespace {

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
bool is_held_out(const std::string& source) {
  return hash_name(source.data(), source.size()) / 64 % 8 == 0;
}

/// Gives every word its id, in an order that no seed decides.
void add_words(Vocabulary& english, Vocabulary& french) {
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

}  // namespace
}  // namespace toy

ToyCorpus toy_corpus(std::uint64_t seed, const ToyCorpusOptions& o) {
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

DeviceBatch batch_of(Kernels& k, std::span<const ToyPair> pairs) {
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

Variable decoded(Transformer& model, Pass& pass, const DeviceBatch& batch, const MemoryHook& hook) {
  Variable memory = model.encode(pass, batch.source, batch.source_lengths);
  if (hook) memory = hook(memory, batch.source_lengths);
  return model.decode(pass, memory, batch.source_lengths, batch.target_input);
}

Variable translator_loss(Transformer& model, Pass& pass, const DeviceBatch& batch,
                         double smoothing, const MemoryHook& hook) {
  return cross_entropy(model.logits(pass, decoded(model, pass, batch, hook)),
                       {batch.target_output.reshaped({batch.target_output.size()}), pad_id,
                        static_cast<Real>(smoothing), static_cast<Real>(batch.target_tokens)});
}

std::unique_ptr<Transformer> untrained_translator(Kernels& k, const ToyCorpus& corpus,
                                                  const ToyOptions& o, std::uint64_t seed) {
  ModelConfig config = o.config;
  config.source_vocabulary = corpus.source.size();
  config.target_vocabulary = corpus.target.size();
  if (config.joint_vocabulary) throw UsageError("toy translation: the two vocabularies are not joint");
  auto model = std::make_unique<Transformer>(k, config, seed);
  if (o.prepare) o.prepare(*model);
  return model;
}

TrainingCurve train_translator(Transformer& model, const ToyCorpus& corpus, const ToyOptions& o, std::uint64_t seed) {
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

double loss_on(Transformer& model, std::span<const ToyPair> pairs, const MemoryHook& hook) {
  Pass pass;
  return static_cast<double>(
      translator_loss(model, pass, batch_of(model.kernels(), pairs), 0, hook).value.item());
}

std::vector<Ids> sources_of(std::span<const ToyPair> pairs) {
  std::vector<Ids> all;
  for (const ToyPair& p : pairs) all.push_back(p.source);
  return all;
}

std::vector<Ids> greedy(Transformer& model, const std::vector<Ids>& sources) {
  std::vector<Ids> all;
  for (const auto& found : search(model, sources, {})) all.push_back(found.at(0).tokens);
  return all;
}

std::vector<Ids> greedy(Transformer& model, const std::vector<Ids>& sources, const MemoryHook& hook) {
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

Matches exact_matches(std::span<const ToyPair> pairs, const std::vector<Ids>& outputs) {
  Matches m;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    ++m.count;
    m.right += outputs.at(i) == pairs[i].target;
  }
  return m;
}

double exact_match(std::span<const ToyPair> pairs, const std::vector<Ids>& outputs) {
  return exact_matches(pairs, outputs).percent();
}

std::map<int, Matches> exact_match_by_length(std::span<const ToyPair> pairs, const std::vector<Ids>& outputs) {
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
