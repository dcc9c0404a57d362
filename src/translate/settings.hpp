/// @file
/// TrainSettings: everything a training run is decided by, and the presets. Each field has one name, used as a flag
/// (--learning-rate), in a config file and in config.json ("learning_rate").
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "nn/config.hpp"

namespace tenfold {

/// All settings with their defaults; for_each_setting() lists them by name.
struct TrainSettings {
  ModelConfig model;  ///< the architecture

  Index vocabulary = 8000;           ///< pieces per tokenizer
  std::string tokenizer = "unigram"; ///< or "bpe"
  double character_coverage = 1.0;   ///< share of the text's characters that become pieces; 0.9995 for Chinese

  Index batch_tokens = 4096;         ///< padded target tokens per batch
  Index accumulate = 1;              ///< batches per optimizer step
  std::string optimizer = "adam";    ///< or "adamw"
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-9;  ///< as in AdamOptions
  double weight_decay = 0.01;        ///< only adamw uses it
  std::string schedule = "inverse_sqrt";  ///< or "cosine", "constant"
  double learning_rate = 2e-3;       ///< at the schedule's peak
  Index warmup = 400;                ///< steps
  double clip = 1.0;                 ///< bound of the gradient's global norm; 0 does not clip
  double label_smoothing = 0.1;      ///< share of the target spread over all pieces

  Index epochs = 20;                 ///< passes over the corpus
  Index steps = 0;                   ///< stop after so many optimizer steps; 0: no bound
  double minutes = 0;                ///< stop after so much training time; 0: no bound
  Index patience = 0;                ///< stop after so many epochs without a better validation; 0: never
  Index validation_sample = 500;     ///< sentences translated for BLEU at each validation
  Index keep = 1;                    ///< newest checkpoints kept beside the best
  std::uint64_t seed = 1;            ///< of everything random

  /// Throws UsageError naming the first field that makes no sense.
  void validate() const;
};

/// Calls f(name, field, help) for every setting; S is TrainSettings or const TrainSettings.
template <class S, class F>
void for_each_setting(S& s, const F& f) {
  f("model_dim", s.model.model_dim, "width of the model");
  f("heads", s.model.heads, "attention heads");
  f("feed_forward_dim", s.model.feed_forward_dim, "inner width of the feed-forward blocks");
  f("encoder_layers", s.model.encoder_layers, "encoder layers");
  f("decoder_layers", s.model.decoder_layers, "decoder layers");
  f("max_length", s.model.max_length, "most tokens on either side; longer training pairs are left out");
  f("dropout", s.model.dropout, "dropout rate");
  f("pre_norm", s.model.pre_norm, "layer norm before each sublayer; false: after it");
  f("learned_positions", s.model.learned_positions, "learn the positions; false: sinusoidal");
  f("gelu", s.model.gelu, "GELU; false: ReLU");
  f("tied_embeddings", s.model.tied_embeddings, "one table for embeddings and output layer");
  f("joint_vocabulary", s.model.joint_vocabulary, "one tokenizer for both languages");
  f("vocabulary", s.vocabulary, "pieces per tokenizer");
  f("tokenizer", s.tokenizer, "unigram or bpe");
  f("character_coverage", s.character_coverage, "share of characters that become pieces");
  f("batch_tokens", s.batch_tokens, "padded target tokens per batch");
  f("accumulate", s.accumulate, "batches per optimizer step");
  f("optimizer", s.optimizer, "adam or adamw");
  f("beta1", s.beta1, "Adam's first decay");
  f("beta2", s.beta2, "Adam's second decay");
  f("epsilon", s.epsilon, "Adam's epsilon");
  f("weight_decay", s.weight_decay, "decay of matrices with adamw");
  f("schedule", s.schedule, "inverse_sqrt, cosine or constant, after the warm-up");
  f("learning_rate", s.learning_rate, "learning rate at its peak");
  f("warmup", s.warmup, "steps of linear warm-up");
  f("clip", s.clip, "bound of the gradient's norm; 0: none");
  f("label_smoothing", s.label_smoothing, "share of the target spread over all pieces");
  f("epochs", s.epochs, "passes over the corpus");
  f("steps", s.steps, "stop after so many steps; 0: no bound");
  f("minutes", s.minutes, "stop after so many minutes of training; 0: no bound");
  f("patience", s.patience, "stop after so many epochs without improvement; 0: never");
  f("validation_sample", s.validation_sample, "sentences translated for BLEU at each validation");
  f("keep", s.keep, "newest checkpoints kept beside the best");
  f("seed", s.seed, "seed of everything random");
}

/// Throws UsageError when what training keeps of a model of these settings (weights, gradients, two moments)
/// is more than this machine's memory: the system would end the program without a word.
void require_memory(const TrainSettings& settings);

/// The presets' names.
const std::vector<std::string>& preset_names();
/// A preset by name. Throws UsageError naming the nearest preset when there is none.
TrainSettings preset(std::string_view name);

/// One member for every setting, named as there.
nlohmann::json to_json(const TrainSettings& settings);
/// Overwrites the fields that `j` names. Throws DataError (beginning with `where`) for an unknown name (with the
/// nearest one) or a value of the wrong type; nothing is changed then.
void apply_json(TrainSettings& settings, const nlohmann::json& j, const std::string& where);

/// The candidate closest to `word` by edit distance, or "" when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
/// " (did you mean X?)" or "".
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace tenfold
