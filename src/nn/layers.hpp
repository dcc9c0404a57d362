/// @file
/// The layers a Transformer is made of: Linear, LayerNorm, MultiHeadAttention, FeedForward, and the two kinds of
/// block. Shapes are [batch, time, dim] throughout.
#pragma once
#include <memory>
#include <vector>

#include "nn/config.hpp"
#include "nn/module.hpp"
#include "ops/attention.hpp"
#include "ops/bias_activation.hpp"
#include "ops/layer_norm.hpp"
#include "ops/linear.hpp"
#include "ops/residual_dropout.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Where a layer gets its memory and its initial values.
struct Builder {
  Kernels& kernels;           ///< the device
  init::Seed seed;            ///< with each parameter's name it decides the initial values
  const ModelConfig& config;  ///< widths and variants
};

/// y = x Wᵀ + b; PREFIX.weight [out, in] Xavier, PREFIX.bias [out] zero.
class LinearLayer : public Module {
 public:
  /// `prefix` is its name within the model: "encoder.layers.0.linear1".
  LinearLayer(const Builder& b, const std::string& prefix, Index in, Index out);
  /// Weight, then bias.
  void visit(const ParameterVisitor& v) override;
  /// x [..., in] to [..., out]. Throws ShapeError.
  Variable operator()(Pass& pass, const Variable& x) { return pass.linear(x, weight, bias); }
  Parameter weight, bias;  ///< [out, in] and [out]
};

/// PREFIX.weight [dim] one, PREFIX.bias [dim] zero.
class LayerNormLayer : public Module {
 public:
  /// As wide as the model.
  LayerNormLayer(const Builder& b, const std::string& prefix);
  /// Weight, then bias.
  void visit(const ParameterVisitor& v) override;
  /// x [..., dim] to the same shape, normalised over the last axis.
  Variable operator()(Pass& pass, const Variable& x) { return layer_norm(x, pass(weight), pass(bias)); }
  Parameter weight, bias;  ///< γ and β, each [dim]
};

/// Projections, attention of all heads, output projection.
/// PREFIX.in_proj_weight [3·dim, dim] holds W_Q, W_K, W_V one above the other; PREFIX.out_proj.
class MultiHeadAttention : public Module {
 public:
  /// As wide as the model; the heads are config.heads.
  MultiHeadAttention(const Builder& b, const std::string& prefix);
  /// The packed projection's weight and bias, then out_proj.
  void visit(const ParameterVisitor& v) override;

  /// Attention of x to itself, one product for all three projections.
  Variable self(Pass& pass, const Variable& x, const Masking& masking);
  /// Attention of x to what kv = project_memory(memory) holds.
  Variable cross(Pass& pass, const Variable& x, const Variable& kv, const Masking& masking);

  /// [batch, time, 3·dim]
  Variable project_self(Pass& pass, const Variable& x);
  /// [batch, time, dim]
  Variable project_query(Pass& pass, const Variable& x);
  /// [batch, time, 2·dim]: keys, then values
  Variable project_memory(Pass& pass, const Variable& memory);
  /// How many heads share the width.
  Index heads() const { return heads_; }

  Parameter in_proj_weight, in_proj_bias;  ///< [3·dim, dim] and [3·dim]
  LinearLayer out_proj;                    ///< [dim, dim], applied to the heads side by side

 private:
  Variable project(Pass& pass, const Variable& x, Index first, Index parts);
  Variable attend(Pass& pass, std::initializer_list<Variable> inputs, const Masking& masking);
  Index heads_, dim_;
};

/// linear2(dropout(activation(linear1(x)))): PREFIX.linear1 [ff, dim], PREFIX.linear2 [dim, ff].
class FeedForward : public Module {
 public:
  /// Widths and activation from the configuration.
  FeedForward(const Builder& b, const std::string& prefix);
  /// linear1, then linear2.
  void visit(const ParameterVisitor& v) override;
  /// x [..., dim] to the same shape, each position for itself.
  Variable operator()(Pass& pass, const Variable& x);
  LinearLayer linear1, linear2;  ///< dim to ff, and back

 private:
  Activation activation_;
};

/// x + dropout(f(norm(x))) in pre-norm, norm(x + dropout(f(x))) in post-norm: the frame of every sublayer.
template <class F>
Variable sublayer(Pass& pass, bool pre_norm, LayerNormLayer& norm, const Variable& x, const F& f) {
  if (pre_norm) return residual_dropout(x, f(norm(pass, x)), pass.next_dropout());
  return norm(pass, residual_dropout(x, f(x), pass.next_dropout()));
}

/// Self-attention, then feed-forward, each in the frame of sublayer() (Vaswani et al. 2017, section 3.1).
class EncoderLayer : public Module {
 public:
  /// `prefix` is "encoder.layers.0", say.
  EncoderLayer(const Builder& b, const std::string& prefix);
  /// In the order of torch.nn.TransformerEncoderLayer.
  void visit(const ParameterVisitor& v) override;
  /// x [batch, time, dim] to the same shape; `source` masks the padding.
  Variable operator()(Pass& pass, const Variable& x, const Masking& source);
  MultiHeadAttention self_attn;  ///< of the source to itself
  FeedForward feed_forward;      ///< parameters linear1, linear2, directly under the layer's prefix
  LayerNormLayer norm1, norm2;   ///< of the attention, and of the feed-forward

 private:
  bool pre_norm_;
};

/// Causal self-attention, attention to the encoder's output, feed-forward, each in the frame of sublayer().
class DecoderLayer : public Module {
 public:
  /// `prefix` is "decoder.layers.0", say.
  DecoderLayer(const Builder& b, const std::string& prefix);
  /// In the order of torch.nn.TransformerDecoderLayer.
  void visit(const ParameterVisitor& v) override;
  /// `target` masks the self-attention, `source` the attention to the encoder's output.
  Variable operator()(Pass& pass, const Variable& x, const Variable& memory, const Masking& target,
                      const Masking& source);
  MultiHeadAttention self_attn, multihead_attn;  ///< of the target to itself, and to the encoder's output
  FeedForward feed_forward;            ///< parameters linear1, linear2, directly under the layer's prefix
  LayerNormLayer norm1, norm2, norm3;  ///< of self-attention, cross-attention, feed-forward

  /// Whether the norm stands before each sublayer.
  bool pre_norm() const { return pre_norm_; }

 private:
  bool pre_norm_;
};

}  // namespace tenfold::inline TENFOLD_REAL
