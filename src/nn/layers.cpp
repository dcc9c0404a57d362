#include "nn/layers.hpp"

namespace tenfold::inline TENFOLD_REAL {

LinearLayer::LinearLayer(const Builder& b, const std::string& prefix, Index in, Index out) {
  init::xavier_uniform(weight, b.kernels, prefix + ".weight", {out, in}, b.seed);
  init::constant(bias, b.kernels, prefix + ".bias", {out}, 0);
}

void LinearLayer::visit(const ParameterVisitor& v) {
  v(weight);
  v(bias);
}

LayerNormLayer::LayerNormLayer(const Builder& b, const std::string& prefix) {
  init::constant(weight, b.kernels, prefix + ".weight", {b.config.model_dim}, 1);
  init::constant(bias, b.kernels, prefix + ".bias", {b.config.model_dim}, 0);
}

void LayerNormLayer::visit(const ParameterVisitor& v) {
  v(weight);
  v(bias);
}

MultiHeadAttention::MultiHeadAttention(const Builder& b, const std::string& prefix)
    : out_proj(b, prefix + ".out_proj", b.config.model_dim, b.config.model_dim),
      heads_(b.config.heads),
      dim_(b.config.model_dim) {
  init::xavier_uniform(in_proj_weight, b.kernels, prefix + ".in_proj_weight", {3 * dim_, dim_}, b.seed);
  init::constant(in_proj_bias, b.kernels, prefix + ".in_proj_bias", {3 * dim_}, 0);
}

void MultiHeadAttention::visit(const ParameterVisitor& v) {
  v(in_proj_weight);
  v(in_proj_bias);
  out_proj.visit(v);
}

Variable MultiHeadAttention::project(Pass& pass, const Variable& x, Index first, Index parts) {
  return pass.linear(x, in_proj_weight, in_proj_bias, first * dim_, parts * dim_);
}

Variable MultiHeadAttention::project_self(Pass& pass, const Variable& x) {
  return pass.linear(x, in_proj_weight, in_proj_bias);
}
Variable MultiHeadAttention::project_query(Pass& pass, const Variable& x) { return project(pass, x, 0, 1); }
Variable MultiHeadAttention::project_memory(Pass& pass, const Variable& memory) { return project(pass, memory, 1, 2); }

Variable MultiHeadAttention::attend(Pass& pass, std::initializer_list<Variable> inputs, const Masking& masking) {
  const op::Attention attention{heads_, masking, pass.next_dropout()};
  if (pass.on_attention) {
    const std::string& weight = in_proj_weight.name;
    pass.on_attention(weight.substr(0, weight.rfind('.')), attention.weights(inputs).value);
  }
  return out_proj(pass, apply_op(attention, inputs));
}

Variable MultiHeadAttention::self(Pass& pass, const Variable& x, const Masking& masking) {
  return attend(pass, {project_self(pass, x)}, masking);
}

Variable MultiHeadAttention::cross(Pass& pass, const Variable& x, const Variable& kv, const Masking& masking) {
  return attend(pass, {project_query(pass, x), kv}, masking);
}

FeedForward::FeedForward(const Builder& b, const std::string& prefix)
    : linear1(b, prefix + ".linear1", b.config.model_dim, b.config.feed_forward_dim),
      linear2(b, prefix + ".linear2", b.config.feed_forward_dim, b.config.model_dim),
      activation_(b.config.gelu ? Activation::gelu : Activation::relu) {}

void FeedForward::visit(const ParameterVisitor& v) {
  linear1.visit(v);
  linear2.visit(v);
}

Variable FeedForward::operator()(Pass& pass, const Variable& x) {
  return linear2(pass, pass.linear_activation(activation_, x, linear1.weight, linear1.bias));
}

EncoderLayer::EncoderLayer(const Builder& b, const std::string& prefix)
    : self_attn(b, prefix + ".self_attn"),
      feed_forward(b, prefix),
      norm1(b, prefix + ".norm1"),
      norm2(b, prefix + ".norm2"),
      pre_norm_(b.config.pre_norm) {}

void EncoderLayer::visit(const ParameterVisitor& v) {
  for (Module* m : std::initializer_list<Module*>{&self_attn, &feed_forward, &norm1, &norm2}) m->visit(v);
}

Variable EncoderLayer::operator()(Pass& pass, const Variable& x, const Masking& source) {
  const auto label = pass.layer_above(norm1.weight);
  const Variable attended =
      sublayer(pass, pre_norm_, norm1, x, [&](const Variable& h) { return self_attn.self(pass, h, source); });
  return sublayer(pass, pre_norm_, norm2, attended, [&](const Variable& h) { return feed_forward(pass, h); });
}

DecoderLayer::DecoderLayer(const Builder& b, const std::string& prefix)
    : self_attn(b, prefix + ".self_attn"),
      multihead_attn(b, prefix + ".multihead_attn"),
      feed_forward(b, prefix),
      norm1(b, prefix + ".norm1"),
      norm2(b, prefix + ".norm2"),
      norm3(b, prefix + ".norm3"),
      pre_norm_(b.config.pre_norm) {}

void DecoderLayer::visit(const ParameterVisitor& v) {
  for (Module* m : std::initializer_list<Module*>{&self_attn, &multihead_attn, &feed_forward, &norm1, &norm2, &norm3})
    m->visit(v);
}

Variable DecoderLayer::operator()(Pass& pass, const Variable& x, const Variable& memory, const Masking& target,
                                  const Masking& source) {
  const auto label = pass.layer_above(norm1.weight);
  const Variable own =
      sublayer(pass, pre_norm_, norm1, x, [&](const Variable& h) { return self_attn.self(pass, h, target); });
  const Variable met = sublayer(pass, pre_norm_, norm2, own, [&](const Variable& h) {
    return multihead_attn.cross(pass, h, multihead_attn.project_memory(pass, memory), source);
  });
  return sublayer(pass, pre_norm_, norm3, met, [&](const Variable& h) { return feed_forward(pass, h); });
}

}  // namespace tenfold::inline TENFOLD_REAL
