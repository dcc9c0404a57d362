/// @file
/// The three kinds of decoder that chapter 9 compares, inside the engine's Transformer: with the past,
/// without any, and with a mask that was forgotten; and outputs drawn at random from the first two.
#pragma once
#include <cmath>

#include "09-why-autoregression/lesson.hpp"
#include "core/philox.hpp"
#include "course/toy_translation.hpp"
#include "ops/cross_entropy.hpp"
#include "translate/incremental_decoder.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter09 {

/// What a decoder's position may know of the output's other tokens.
enum class Sees { past, nothing, everything };

/// Logits of every position under teacher forcing, [batch, time, words].
inline Variable logits_of(Transformer& model, Pass& pass, const DeviceBatch& batch, Sees sees) {
  const Variable memory = model.encode(pass, batch.source, batch.source_lengths);
  if (sees == Sees::past)
    return model.logits(pass, model.decode(pass, memory, batch.source_lengths, batch.target_input));
  // Independent positions: the decoder gets begin tokens only, so that a position knows its number and the
  // source.
  const IdTensor input = sees == Sees::nothing
                             ? IdTensor::full(model.kernels(), batch.target_input.shape(), bos_id)
                             : batch.target_input;
  Variable x = model.embed_target(pass, input);
  for (auto& layer : model.decoder)
    x = (*layer)(pass, x, memory, {}, {false, 0, batch.source_lengths});  // no causal mask
  return model.logits(pass, (*model.decoder_norm)(pass, x));
}

inline Variable loss_of(Transformer& model, Pass& pass, const DeviceBatch& batch, Sees sees) {
  if (sees == Sees::past) return model.loss(pass, batch, 0);
  return cross_entropy(logits_of(model, pass, batch, sees),
                       {batch.target_output.reshaped({batch.target_output.size()}), pad_id});
}

/// ln softmax of one row.
inline std::vector<double> log_softmax(const Real* logits, Index words) {
  const double most = *std::max_element(logits, logits + words);
  double sum = 0;
  for (Index w = 0; w < words; ++w) sum += std::exp(static_cast<double>(logits[w]) - most);
  std::vector<double> log_p;
  for (Index w = 0; w < words; ++w) log_p.push_back(static_cast<double>(logits[w]) - most - std::log(sum));
  return log_p;
}

/// Without `random` the likeliest token, else one drawn.
inline std::int32_t chosen(const Real* logits, Index words, PhiloxSequence* random) {
  if (random) return drawn(log_softmax(logits, words), random->uniform());
  return static_cast<std::int32_t>(std::max_element(logits, logits + words) - logits);
}

/// Outputs of a decoder that sees the past, token by token; of one that lost its mask as well: there is no
/// later token to see.
inline std::vector<lab::Ids> token_by_token(Transformer& model, std::span<const lab::ToyPair> pairs,
                                            PhiloxSequence* random) {
  const DeviceBatch batch = lab::batch_of(model.kernels(), pairs);
  const Index words = model.config().target_vocabulary, limit = model.config().max_length;
  IncrementalDecoder decoder(model, batch.source, batch.source_lengths, limit);
  std::vector<lab::Ids> outputs(pairs.size());
  std::vector<std::int32_t> tokens(pairs.size(), bos_id);
  std::vector<bool> ended(pairs.size());
  for (Index t = 0; t < limit && std::count(ended.begin(), ended.end(), false) > 0; ++t) {
    const auto logits = decoder.step(tokens).to_host();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (ended[i]) continue;
      tokens[i] = chosen(logits.data() + static_cast<Index>(i) * words, words, random);
      if (tokens[i] == eos_id)
        ended[i] = true;
      else
        outputs[i].push_back(tokens[i]);
    }
  }
  return outputs;
}

/// Outputs of independent positions, all at once, up to the first end token; there is room for the longest
/// right answer.
inline std::vector<lab::Ids> all_at_once(Transformer& model, std::span<const lab::ToyPair> pairs,
                                         PhiloxSequence* random) {
  Pass pass;
  const DeviceBatch batch = lab::batch_of(model.kernels(), pairs);
  const Tensor logits = logits_of(model, pass, batch, Sees::nothing).value;
  const auto values = logits.to_host();
  const Index time = logits.dim(1), words = logits.dim(2);
  std::vector<lab::Ids> outputs(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i)
    for (Index t = 0; t < time; ++t) {
      const auto token = chosen(values.data() + (static_cast<Index>(i) * time + t) * words, words, random);
      if (token == eos_id) break;
      outputs[i].push_back(token);
    }
  return outputs;
}

inline std::vector<lab::Ids> outputs_of(Transformer& model, std::span<const lab::ToyPair> pairs, Sees sees,
                                        PhiloxSequence* random) {
  return sees == Sees::nothing ? all_at_once(model, pairs, random) : token_by_token(model, pairs, random);
}

}  // namespace chapter09
}  // namespace tenfold::inline TENFOLD_REAL
