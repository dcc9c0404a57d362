/// @file
/// The small translators of chapter 8: trained on pairs made as they are needed, and asked for outputs of
/// every length.
#pragma once
#include <functional>
#include <memory>
#include <numeric>
#include <set>

#include "08-autoregression/model.hpp"
#include "08-autoregression/tasks.hpp"
#include "course/engine.hpp"
#include "course/training.hpp"
#include "ops/cross_entropy.hpp"
#include "translate/search.hpp"
#include "translate/translator.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter08 {

/// How a model is made and trained.
struct Recipe {
  Index vocabulary = 0;
  int steps = 0;
  bool learned_positions = false;
  Index latest_start = 0;  ///< every batch begins at a random position up to this one
  bool end_token = true;   ///< else the loss does not ask for it
  Later later = Later::excluded;
};

inline ModelConfig small_model(Index vocabulary) {
  ModelConfig c;
  c.source_vocabulary = c.target_vocabulary = vocabulary;
  c.model_dim = 48;
  c.heads = 4;
  c.feed_forward_dim = 96;
  c.encoder_layers = c.decoder_layers = 1;
  c.max_length = 64;
  c.dropout = 0;
  return c;
}

inline DeviceBatch batch_of(Kernels& k, std::span<const TokenPair> pairs) {
  const Batcher batcher(pairs, {4096, 64, 1});
  std::vector<std::size_t> all(pairs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return on_device(batcher.make_batch(all), k);
}

/// A trained model and the kernels it lives on.
struct Trained {
  std::unique_ptr<Kernels> kernels = measuring_kernels();
  std::unique_ptr<Transformer> model;
  double last_loss = 0;                      ///< mean of the last 20 steps
  std::set<std::vector<std::int32_t>> seen;  ///< sources it was trained on, where they were asked for
};

/// The mean cross-entropy of a batch, with everything that a recipe may change.
inline Variable loss_of(Transformer& model, Pass& pass, const DeviceBatch& batch, const Recipe& recipe,
                        Index start) {
  const Masking source{false, 0, batch.source_lengths};
  Variable x = start > 0 ? model.embed_target(pass, batch.source, start) : Variable{};
  for (auto& layer : model.encoder)
    if (start > 0) x = (*layer)(pass, x, source);
  const Variable memory =
      start > 0 ? (*model.encoder_norm)(pass, x) : model.encode(pass, batch.source, batch.source_lengths);
  const Variable hidden = decode(model, pass, memory, source, batch.target_input, recipe.later, start);
  std::vector<std::int32_t> targets = batch.target_output.to_host();
  if (!recipe.end_token) std::replace(targets.begin(), targets.end(), eos_id, pad_id);
  return cross_entropy(
      model.logits(pass, hidden),
      {IdTensor::from(model.kernels(), {static_cast<Index>(targets.size())}, targets), pad_id});
}

/// Trains with 32 pairs a step; pair(random) makes one.
inline Trained train_model(std::uint64_t seed, const Recipe& recipe,
                           const std::function<TokenPair(PhiloxSequence&)>& pair, bool remember = false) {
  Trained t;
  ModelConfig config = small_model(recipe.vocabulary);
  config.learned_positions = recipe.learned_positions;
  t.model = std::make_unique<Transformer>(*t.kernels, config, seed);
  lab::TrainingOptions o;
  o.steps = recipe.steps;
  o.schedule = {ScheduleKind::inverse_sqrt, 3e-3, 50, 0};
  const auto curve = lab::train(t.model->parameters(), o, [&](Pass& pass, int step) {
    PhiloxSequence random(seed, 1000 + static_cast<std::uint64_t>(step));
    std::vector<TokenPair> pairs;
    for (int i = 0; i < 32; ++i) pairs.push_back(pair(random));
    if (remember)
      for (const TokenPair& p : pairs) t.seen.insert(p.source);
    const DeviceBatch batch = batch_of(*t.kernels, pairs);
    const bool plain = recipe.latest_start == 0 && recipe.end_token && recipe.later == Later::excluded;
    if (plain) return t.model->loss(pass, batch, 0);
    const auto start =
        recipe.latest_start > 0 ? random.below(static_cast<std::uint32_t>(recipe.latest_start) + 1) : 0;
    return loss_of(*t.model, pass, batch, recipe, start);
  });
  t.last_loss = std::accumulate(curve.loss.end() - 20, curve.loss.end(), 0.0) / 20;
  return t;
}

/// What a model made of some sources.
struct Outcome {
  double exact = 0;         ///< outputs that are right from the first token to the last, in %
  double prefix = 0;        ///< outputs that begin with the whole right answer, in %
  double length = 0;        ///< tokens of an output, mean
  double right_length = 0;  ///< outputs of the right length, in %
};

inline Outcome judge(std::span<const TokenPair> pairs,
                     const std::vector<std::vector<std::int32_t>>& outputs) {
  Outcome o;
  const double share = 1 / static_cast<double>(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto &out = outputs[i], &want = pairs[i].target;
    o.exact += 100 * share * (out == want);
    o.prefix +=
        100 * share * (out.size() >= want.size() && std::equal(want.begin(), want.end(), out.begin()));
    o.length += share * static_cast<double>(out.size());
    o.right_length += 100 * share * (out.size() == want.size());
  }
  return o;
}

/// Greedy outputs by the engine.
inline std::vector<std::vector<std::int32_t>> greedy_outputs(Transformer& model,
                                                             std::span<const TokenPair> pairs) {
  std::vector<std::vector<std::int32_t>> sources, outputs;
  for (const TokenPair& p : pairs) sources.push_back(p.source);
  for (const auto& hypotheses : search(model, sources, {})) outputs.push_back(hypotheses.front().tokens);
  return outputs;
}

/// What may go wrong in decoding a healthy model.
struct Fault {
  bool positions_forgotten = false;  ///< every token is fed as if it were the first
  Index unmasked_pads = 0;           ///< so many pads after the source, and no mask over them
};

/// Greedy outputs by the lesson's code, one sentence at a time.
inline std::vector<std::vector<std::int32_t>> lesson_outputs(Transformer& model,
                                                             std::span<const TokenPair> pairs,
                                                             const Fault& fault = {}) {
  std::vector<std::vector<std::int32_t>> outputs;
  for (const TokenPair& p : pairs) {
    std::vector<std::int32_t> ids = p.source;
    ids.push_back(eos_id);
    ids.insert(ids.end(), static_cast<std::size_t>(fault.unmasked_pads), pad_id);
    const auto length = static_cast<Index>(ids.size());
    CachedDecoder decoder(model, IdTensor::from(model.kernels(), {1, length}, ids),
                          IdTensor::full(model.kernels(), {1}, static_cast<std::int32_t>(length)));
    const auto step = [&](std::int32_t token, Index position) {
      return decoder.step(token, fault.positions_forgotten ? 0 : position);
    };
    const Index limit =
        std::min<Index>(2 * static_cast<Index>(p.source.size()) + 20, model.config().max_length);
    outputs.push_back(greedy(step, bos_id, eos_id, limit));
  }
  return outputs;
}

}  // namespace chapter08
}  // namespace tenfold::inline TENFOLD_REAL
