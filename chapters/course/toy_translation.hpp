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
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "course/training.hpp"
#include "nn/transformer.hpp"

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

}  // namespace toy
/// @endcond

/// The same seed gives the same corpus everywhere; the vocabularies do not depend on it.
ToyCorpus toy_corpus(std::uint64_t seed, const ToyCorpusOptions& o = {});

/// The pairs as one batch: bos before, eos after, padding at the end.
DeviceBatch batch_of(Kernels& k, std::span<const ToyPair> pairs);

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
Variable decoded(Transformer& model, Pass& pass, const DeviceBatch& batch, const MemoryHook& hook = {});

/// Mean cross-entropy per target token (its end counted) with the memory changed by `hook`, if given.
Variable translator_loss(Transformer& model, Pass& pass, const DeviceBatch& batch,
                         double smoothing = 0, const MemoryHook& hook = {});

/// The translator before training; o.config with the corpus's vocabularies, then o.prepare.
std::unique_ptr<Transformer> untrained_translator(Kernels& k, const ToyCorpus& corpus,
                                                  const ToyOptions& o, std::uint64_t seed);

/// Trains on random batches of corpus.train; every step's loss is in the result.
TrainingCurve train_translator(Transformer& model, const ToyCorpus& corpus, const ToyOptions& o, std::uint64_t seed);

/// The loss of translator_loss() over all the pairs.
double loss_on(Transformer& model, std::span<const ToyPair> pairs, const MemoryHook& hook = {});

/// The sources alone, for greedy().
std::vector<Ids> sources_of(std::span<const ToyPair> pairs);

/// The likeliest token each time, by the engine's search with its key/value cache; at most twice the source's
/// length + 20 tokens, within max_length. Sources and results without bos and eos.
std::vector<Ids> greedy(Transformer& model, const std::vector<Ids>& sources);

/// The same with the memory changed by `hook`: the whole beginning is decoded again for every token.
std::vector<Ids> greedy(Transformer& model, const std::vector<Ids>& sources, const MemoryHook& hook);

/// Sentences that came out word for word.
struct Matches {
  int right = 0, count = 0;  ///< of `count` sentences
  /// 100 · right / count, 0 when there is none.
  double percent() const { return count ? 100.0 * right / count : 0; }
};

/// How many outputs equal their pair's target; as many outputs as pairs.
Matches exact_matches(std::span<const ToyPair> pairs, const std::vector<Ids>& outputs);
/// In percent.
double exact_match(std::span<const ToyPair> pairs, const std::vector<Ids>& outputs);
/// By the number of source words.
std::map<int, Matches> exact_match_by_length(std::span<const ToyPair> pairs, const std::vector<Ids>& outputs);

}  // namespace lab
}  // namespace tenfold::inline TENFOLD_REAL
