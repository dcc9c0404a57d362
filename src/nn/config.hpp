/// @file
/// ModelConfig: everything that decides a Transformer's architecture. Kept in config.json beside the weights.
#pragma once
#include <cstdint>
#include <string>

#include "core/shape.hpp"

namespace tenfold {

/// Widths, depths and variants; the defaults are a small model's.
struct ModelConfig {
  Index source_vocabulary = 0, target_vocabulary = 0;  ///< how many pieces
  Index model_dim = 128;                               ///< width of every layer's input and output, d
  Index heads = 4;                                     ///< of every attention; must divide model_dim
  Index feed_forward_dim = 512;                        ///< inner width of the feed-forward blocks
  Index encoder_layers = 2, decoder_layers = 2;        ///< how many of each
  Index max_length = 256;           ///< most positions on either side
  double dropout = 0.1;             ///< rate in training, in [0, 1)
  bool pre_norm = true;             ///< layer norm before each sublayer (else after it, as in the 2017 paper)
  bool learned_positions = false;   ///< else sinusoidal
  bool gelu = false;                ///< else ReLU
  bool tied_embeddings = true;      ///< target embedding = output layer; also = source embedding if the vocabulary is joint
  bool joint_vocabulary = true;     ///< source and target share one tokenizer

  /// Throws DataError that names the first field that is out of range or does not fit another.
  void validate() const;
  /// How many trained numbers the model has.
  Index parameter_count() const;

  /// Equal in every field.
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

// Special pieces; the tokenizer gives them these ids.
inline constexpr std::int32_t pad_id = 0, unk_id = 1, bos_id = 2, eos_id = 3;  ///< as in SpecialIds

}  // namespace tenfold
