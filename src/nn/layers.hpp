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
  Kernels& kernels;
  std::uint64_t seed;
  const ModelConfig& config;
};

/// y = x Wᵀ + b; PREFIX.weight [out, in] Xavier, PREFIX.bias [out] zero.
class LinearLayer : public Module {
 public:
  LinearLayer(const Builder& b, const std::string& prefix, Index in, Index out);
  void visit(const ParameterVisitor& v) override;
  Variable operator()(Pass& pass, const Variable& x) { return linear(x, pass(weight), pass(bias)); }
  Parameter weight, bias;
};

/// PREFIX.weight [dim] one, PREFIX.bias [dim] zero.
class LayerNormLayer : public Module {
 public:
  LayerNormLayer(const Builder& b, const std::string& prefix);
  void visit(const ParameterVisitor& v) override;
  Variable operator()(Pass& pass, const Variable& x) { return layer_norm(x, pass(weight), pass(bias)); }
  Parameter weight, bias;
};

/// Projections, attention of all heads, output projection.
/// PREFIX.in_proj_weight [3·dim, dim] holds W_Q, W_K, W_V one above the other; PREFIX.out_proj.
class MultiHeadAttention : public Module {
 public:
  MultiHeadAttention(const Builder& b, const std::string& prefix);
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
  Index heads() const { return heads_; }

  Parameter in_proj_weight, in_proj_bias;
  LinearLayer out_proj;

 private:
  Variable project(Pass& pass, const Variable& x, Index first, Index parts);
  Variable attend(Pass& pass, std::initializer_list<Variable> inputs, const Masking& masking);
  Index heads_, dim_;
};

/// linear2(dropout(activation(linear1(x)))): PREFIX.linear1 [ff, dim], PREFIX.linear2 [dim, ff].
class FeedForward : public Module {
 public:
  FeedForward(const Builder& b, const std::string& prefix);
  void visit(const ParameterVisitor& v) override;
  Variable operator()(Pass& pass, const Variable& x);
  LinearLayer linear1, linear2;

 private:
  Activation activation_;
};

/// x + dropout(f(norm(x))) in pre-norm, norm(x + dropout(f(x))) in post-norm: the frame of every sublayer.
template <class F>
Variable sublayer(Pass& pass, bool pre_norm, LayerNormLayer& norm, const Variable& x, const F& f) {
  if (pre_norm) return residual_dropout(x, f(norm(pass, x)), pass.next_dropout());
  return norm(pass, residual_dropout(x, f(x), pass.next_dropout()));
}

class EncoderLayer : public Module {
 public:
  EncoderLayer(const Builder& b, const std::string& prefix);
  void visit(const ParameterVisitor& v) override;
  Variable operator()(Pass& pass, const Variable& x, const Masking& source);
  MultiHeadAttention self_attn;
  FeedForward feed_forward;
  LayerNormLayer norm1, norm2;

 private:
  bool pre_norm_;
};

class DecoderLayer : public Module {
 public:
  DecoderLayer(const Builder& b, const std::string& prefix);
  void visit(const ParameterVisitor& v) override;
  /// `target` masks the self-attention, `source` the attention to the encoder's output.
  Variable operator()(Pass& pass, const Variable& x, const Variable& memory, const Masking& target,
                      const Masking& source);
  MultiHeadAttention self_attn, multihead_attn;
  FeedForward feed_forward;
  LayerNormLayer norm1, norm2, norm3;

  bool pre_norm() const { return pre_norm_; }

 private:
  bool pre_norm_;
};

}  // namespace tenfold::inline TENFOLD_REAL
