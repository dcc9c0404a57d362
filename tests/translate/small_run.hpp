/// @file
/// A translator small enough to be trained in a second, for the tests of training, files and translating.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/temporary_folder.hpp"
#include "text/grammar.hpp"
#include "translate/preparation.hpp"
#include "translate/trainer.hpp"

namespace tenfold::test {

inline TrainSettings small_settings() {
  TrainSettings s;
  s.model.model_dim = 16;
  s.model.heads = 2;
  s.model.feed_forward_dim = 32;
  s.model.encoder_layers = s.model.decoder_layers = 1;
  s.model.max_length = 64;
  s.vocabulary = 150;
  s.batch_tokens = 128;
  s.warmup = 10;
  s.epochs = 2;
  s.validation_sample = 5;
  return s;
}

/// Text, tokenizers and settings of a run of 200 pairs.
struct SmallCorpus {
  TrainSettings settings;
  BuiltinCorpus text = builtin_corpus(1, 200, 20);
  Tokenizers tokenizers;
  TrainingData data;

  explicit SmallCorpus(const TrainSettings& wanted = small_settings())
      : settings(wanted),
        tokenizers(learn_tokenizers(settings, text.train)),
        data(tokenise(tokenizers, text.train, text.validation)) {}
};

/// The corpus of small_settings(), learned once.
inline const SmallCorpus& small_corpus() {
  static const SmallCorpus corpus;
  return corpus;
}

inline Kernels& one_thread() {
  static const std::unique_ptr<Kernels> kernels = make_kernels("cpu", 1);
  return *kernels;
}

inline std::vector<Real> all_weights(Transformer& model) {
  std::vector<Real> all;
  for (Parameter* p : model.parameters()) {
    const std::vector<Real> values = p->value.to_host();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

/// Trains in `folder` until the end, or until `stop_at` optimizer steps are done.
inline Trainer::Outcome train(const std::filesystem::path& folder, const TrainSettings& settings, bool resume,
                              std::int64_t stop_at = -1) {
  const SmallCorpus& c = small_corpus();
  TrainSettings sized = settings;
  sized.model.source_vocabulary = sized.model.target_vocabulary = c.settings.model.source_vocabulary;
  TrainObserver quiet;
  Trainer trainer(one_thread(), sized, c.tokenizers, c.data, folder, resume, quiet);
  return trainer.run([&] { return trainer.step() == stop_at; });
}

}  // namespace tenfold::test
