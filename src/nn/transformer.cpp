#include "nn/transformer.hpp"

#include <cmath>

#include "ops/embedding.hpp"
#include "ops/linear_cross_entropy.hpp"

namespace tenfold::inline TENFOLD_REAL {

Tensor sinusoidal_positions(Kernels& k, Index length, Index dim) {
  std::vector<Real> values(static_cast<std::size_t>(length * dim));
  for (Index i = 0; i < dim; i += 2) {
    const double rate = std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(dim));
    for (Index t = 0; t < length; ++t) {
      const double angle = static_cast<double>(t) * rate;
      values[t * dim + i] = static_cast<Real>(std::sin(angle));
      if (i + 1 < dim) values[t * dim + i + 1] = static_cast<Real>(std::cos(angle));
    }
  }
  return Tensor::from(k, {length, dim}, values);
}

Transformer::Transformer(Kernels& kernels, const ModelConfig& config, init::Seed seed)
    : kernels_(kernels), config_(config) {
  config_.validate();
  const Builder b{kernels_, seed, config_};
  const Index d = config_.model_dim;
  const double deviation = 1 / std::sqrt(static_cast<double>(d));  // of order 1 after the √d of embed()
  init::normal(target_embed, kernels_, "tgt_embed.weight", {config_.target_vocabulary, d}, deviation, seed);
  init::constant(generator_bias, kernels_, "generator.bias", {config_.target_vocabulary}, 0);
  if (!config_.tied_embeddings || !config_.joint_vocabulary) {
    source_embed_ = std::make_unique<Parameter>();
    init::normal(*source_embed_, kernels_, "src_embed.weight", {config_.source_vocabulary, d}, deviation, seed);
  }
  if (!config_.tied_embeddings) {
    generator_weight_ = std::make_unique<Parameter>();
    init::xavier_uniform(*generator_weight_, kernels_, "generator.weight", {config_.target_vocabulary, d}, seed);
  }
  if (config_.learned_positions) {
    source_positions_ = std::make_unique<Parameter>();
    target_positions_ = std::make_unique<Parameter>();
    init::normal(*source_positions_, kernels_, "src_pos.weight", {config_.max_length, d}, 0.02, seed);
    init::normal(*target_positions_, kernels_, "tgt_pos.weight", {config_.max_length, d}, 0.02, seed);
  } else {
    sinusoids_ = sinusoidal_positions(kernels_, config_.max_length, d);
  }
  for (Index i = 0; i < config_.encoder_layers; ++i)
    encoder.push_back(std::make_unique<EncoderLayer>(b, "encoder.layers." + std::to_string(i)));
  encoder_norm = std::make_unique<LayerNormLayer>(b, "encoder.norm");
  for (Index i = 0; i < config_.decoder_layers; ++i)
    decoder.push_back(std::make_unique<DecoderLayer>(b, "decoder.layers." + std::to_string(i)));
  decoder_norm = std::make_unique<LayerNormLayer>(b, "decoder.norm");
}

void Transformer::visit(const ParameterVisitor& v) {
  if (source_embed_) v(*source_embed_);
  v(target_embed);
  if (source_positions_) v(*source_positions_);
  if (target_positions_) v(*target_positions_);
  for (auto& layer : encoder) layer->visit(v);
  encoder_norm->visit(v);
  for (auto& layer : decoder) layer->visit(v);
  decoder_norm->visit(v);
  if (generator_weight_) v(*generator_weight_);
  v(generator_bias);
}

void Transformer::check_length(Index length) const {
  if (length > config_.max_length)
    throw ShapeError("transformer: a sequence of " + std::to_string(length) + " tokens is longer than max_length " +
                     std::to_string(config_.max_length));
}

Variable Transformer::embed(Pass& pass, Parameter& table, Parameter* positions, const IdTensor& ids, Index offset) {
  const auto label = pass.layer("embedding");
  const Index time = ids.dim(1);
  check_length(offset + time);
  const Variable rows = positions ? slice(pass(*positions), 0, offset, time) : Variable(sinusoids_.rows(offset, time));
  const auto root = static_cast<Real>(std::sqrt(static_cast<double>(config_.model_dim)));
  return add(embedding(pass(table), ids, root), rows);
}

Variable Transformer::embed_target(Pass& pass, const IdTensor& ids, Index offset) {
  return embed(pass, target_embed, target_positions_.get(), ids, offset);
}

Variable Transformer::encode(Pass& pass, const IdTensor& source, const IdTensor& source_lengths) {
  const Masking masking{false, 0, source_lengths};
  Variable x = dropout(embed(pass, source_embedding(), source_positions_.get(), source, 0), pass.next_dropout());
  for (auto& layer : encoder) x = (*layer)(pass, x, masking);
  return (*encoder_norm)(pass, x);
}

Variable Transformer::decode(Pass& pass, const Variable& memory, const IdTensor& source_lengths,
                             const IdTensor& target_input) {
  // Padding stands at the end of a target, after every token that counts: the causal mask hides it already.
  const Masking target{true, 0, {}}, source{false, 0, source_lengths};
  Variable x = dropout(embed_target(pass, target_input), pass.next_dropout());
  for (auto& layer : decoder) x = (*layer)(pass, x, memory, target, source);
  return (*decoder_norm)(pass, x);
}

Variable Transformer::logits(Pass& pass, const Variable& hidden, OutputSummary* summary) {
  return pass.linear(hidden, output_weight(), generator_bias, summary);
}

std::vector<std::int32_t> Transformer::likeliest(const Pass& pass, const Variable& hidden) {
  static constexpr std::int32_t never[] = {pad_id, bos_id};
  return pass.largest_output(hidden, output_weight(), generator_bias, never);
}

Variable Transformer::loss(Pass& pass, const DeviceBatch& batch, double smoothing, double normalizer) {
  const Variable memory = encode(pass, batch.source, batch.source_lengths);
  const Variable hidden = decode(pass, memory, batch.source_lengths, batch.target_input);
  const auto label = pass.layer("output and loss");
  LossSpec spec{batch.target_output.reshaped({batch.target_output.size()}), pad_id, static_cast<Real>(smoothing),
                static_cast<Real>(normalizer > 0 ? normalizer : static_cast<double>(batch.target_tokens))};
  return linear_cross_entropy(hidden, pass(output_weight()), pass(generator_bias), std::move(spec));
}

}  // namespace tenfold::inline TENFOLD_REAL
