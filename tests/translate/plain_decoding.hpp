/// @file
/// The decoder without a cache, and the kinds of model that decoding is tested on.
#pragma once
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "nn/transformer.hpp"

namespace tenfold::test {

inline Kernels& kernels_for_tests() {
  static const std::unique_ptr<Kernels> kernels = make_kernels("cpu", 1);
  return *kernels;
}

struct Variant {
  std::string name;
  ModelConfig config;
};

/// Vocabulary 11, at most 24 tokens.
inline std::vector<Variant> variants() {
  ModelConfig c;
  c.source_vocabulary = c.target_vocabulary = 11;
  c.model_dim = 16;
  c.heads = 2;
  c.feed_forward_dim = 32;
  c.max_length = 24;
  std::vector<Variant> all{
      {"pre-norm", c}, {"post-norm", c}, {"learned positions", c}, {"nothing shared", c}};
  all[1].config.pre_norm = false;
  all[2].config.learned_positions = true;
  all[3].config.tied_embeddings = all[3].config.joint_vocabulary = false;
  all[3].config.source_vocabulary = 13;
  all[3].config.gelu = true;
  return all;
}

/// Logits of the token after `tokens` (without bos), by Transformer::decode() of one sentence from the start.
inline std::vector<double> next_logits(Transformer& model, std::vector<std::int32_t> source,
                                       const std::vector<std::int32_t>& tokens) {
  Kernels& k = model.kernels();
  source.push_back(eos_id);
  std::vector<std::int32_t> input{bos_id};
  input.insert(input.end(), tokens.begin(), tokens.end());
  const std::vector<std::int32_t> length{static_cast<std::int32_t>(source.size())};
  const IdTensor ids = IdTensor::from(k, {1, static_cast<Index>(source.size())}, source);
  const IdTensor lengths = IdTensor::from(k, {1}, length);
  Pass pass;
  const Variable hidden = model.decode(pass, model.encode(pass, ids, lengths), lengths,
                                       IdTensor::from(k, {1, static_cast<Index>(input.size())}, input));
  const std::vector<Real> logits = model.logits(pass, hidden).value.to_host();
  return {logits.end() - model.config().target_vocabulary, logits.end()};
}

inline std::vector<double> next_log_probabilities(Transformer& model, const std::vector<std::int32_t>& source,
                                                  const std::vector<std::int32_t>& tokens) {
  std::vector<double> logits = next_logits(model, source, tokens);
  double sum = 0;
  for (double z : logits) sum += std::exp(z);
  for (double& z : logits) z -= std::log(sum);
  return logits;
}

}  // namespace tenfold::test
