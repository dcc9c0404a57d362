/// @file
/// Transformer: the encoder-decoder of the translator.
///
/// Embedding · √d + positions, encoder layers, encoder.norm; decoder layers attending to that, decoder.norm; output
/// layer. Both final norms are there in pre- and post-norm, as in torch.nn.Transformer.
/// Parameters beside those of torch.nn.Transformer: src_embed.weight, tgt_embed.weight, generator.weight,
/// generator.bias, and with learned positions src_pos.weight, tgt_pos.weight. Where embeddings are tied there is one
/// parameter, tgt_embed.weight, for all.
#pragma once
#include <memory>
#include <vector>

#include "nn/layers.hpp"
#include "ops/cross_entropy.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// One batch on the device, ids padded with pad_id.
struct DeviceBatch {
  IdTensor source;          ///< [batch, source time], each ends with eos
  IdTensor source_lengths;  ///< [batch] without padding
  IdTensor target_input;    ///< [batch, target time], each begins with bos
  IdTensor target_output;   ///< [batch, target time], each ends with eos
  Index target_tokens = 0;  ///< entries of target_output that are no padding
};

/// Encoder, decoder, embeddings and output layer as one module; ids in, logits or loss out.
class Transformer : public Module {
 public:
  /// Without a seed the weights are unspecified, to be loaded. Throws DataError when the configuration is not valid.
  Transformer(Kernels& kernels, const ModelConfig& config, init::Seed seed);
  /// Embeddings and positions, encoder, decoder, output layer; what is tied comes once.
  void visit(const ParameterVisitor& v) override;

  /// What it was built from.
  const ModelConfig& config() const { return config_; }
  /// The device it lives on.
  Kernels& kernels() const { return kernels_; }

  /// The encoder's output, [batch, source time, dim].
  Variable encode(Pass& pass, const IdTensor& source, const IdTensor& source_lengths);
  /// The decoder's output under teacher forcing, [batch, target time, dim].
  Variable decode(Pass& pass, const Variable& memory, const IdTensor& source_lengths, const IdTensor& target_input);
  /// Logits of hidden states, [..., target vocabulary]. `summary`, if any, receives what they come to, or nothing, as
  /// Pass::linear() says.
  Variable logits(Pass& pass, const Variable& hidden, OutputSummary* summary = nullptr);
  /// The token with the largest logit after each row of hidden states, of several the first, never pad or bos; -1 where
  /// none is above minus infinity. The pass must know largest outputs, see Pass::largest_output().
  std::vector<std::int32_t> likeliest(const Pass& pass, const Variable& hidden);
  /// Mean cross-entropy of a batch; `normalizer` 0 divides by its number of target tokens.
  Variable loss(Pass& pass, const DeviceBatch& batch, double smoothing, double normalizer = 0);

  /// Embedding and positions from position `offset` on, before dropout: [batch, time, dim].
  Variable embed_target(Pass& pass, const IdTensor& ids, Index offset = 0);

  /// [source vocabulary, dim]; the target's table where both are tied.
  Parameter& source_embedding() { return source_embed_ ? *source_embed_ : target_embed; }
  /// [target vocabulary, dim]; the target's embedding where both are tied.
  Parameter& output_weight() { return generator_weight_ ? *generator_weight_ : target_embed; }

  Parameter target_embed, generator_bias;              ///< [target vocabulary, dim] and [target vocabulary]
  std::vector<std::unique_ptr<EncoderLayer>> encoder;  ///< from the input upwards
  std::vector<std::unique_ptr<DecoderLayer>> decoder;  ///< from the input upwards
  std::unique_ptr<LayerNormLayer> encoder_norm, decoder_norm;  ///< over each stack's output

 private:
  Variable embed(Pass& pass, Parameter& table, Parameter* positions, const IdTensor& ids, Index offset);
  void check_length(Index length) const;

  Kernels& kernels_;
  ModelConfig config_;
  std::unique_ptr<Parameter> source_embed_, generator_weight_;    // null when tied
  std::unique_ptr<Parameter> source_positions_, target_positions_;  // null when sinusoidal
  Tensor sinusoids_;                                              // [max_length, dim]
};

/// Sinusoidal positions [length, dim]: sin and cos of t / 10000^(2i/dim) in columns 2i and 2i+1 (Vaswani et al. 2017).
Tensor sinusoidal_positions(Kernels& k, Index length, Index dim);

}  // namespace tenfold::inline TENFOLD_REAL
