/// @file
/// The Transformer of the translator, assembled from the chapters' own pieces. It owns no numbers: the parameters are those of
/// an engine's Transformer, found by their names, so that the two can be compared value by value and gradient by gradient.
///
/// | piece | from |
/// |---|---|
/// | embedding and positions, projections, attention to the encoder | chapter 7 |
/// | attention of the encoder to itself | chapter 1, with the factor of chapter 3 |
/// | causal attention of the decoder to itself, greedy decoding | chapter 8 |
/// | heads | chapter 10 |
/// | residual frames | chapter 4 |
/// | layer norm | chapter 5 |
/// | loss | chapter 6 |
/// | probability of a whole output | chapter 9 |
#pragma once
#include <map>
#include <string>
#include <vector>

#include "01-self-attention/lesson.hpp"
#include "03-scaling/lesson.hpp"
#include "04-vanishing-gradients/lesson.hpp"
#include "05-layer-norm/lesson.hpp"
#include "06-loss/lesson.hpp"
#include "07-encoder-decoder/lesson.hpp"
#include "08-autoregression/lesson.hpp"
#include "09-why-autoregression/lesson.hpp"
#include "10-multi-head/lesson.hpp"
#include "nn/transformer.hpp"
#include "ops/activation.hpp"
#include "ops/slice.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter10 {

/// Sinusoidal positions, no dropout; pre- or post-norm, ReLU or GELU as the engine's configuration says.
class AssembledTransformer {
 public:
  /// Keeps references to the parameters of `engine`, which must live longer.
  explicit AssembledTransformer(Transformer& engine)
      : config_(engine.config()),
        source_table_(engine.source_embedding()),
        output_weight_(engine.output_weight()),
        positions_(chapter07::positional_encoding(engine.kernels(), config_.max_length, config_.model_dim)) {
    for (Parameter* p : engine.parameters()) named_[p->name] = p;
  }

  // [stacks]
  /// [batch, source time, dim]
  Variable encode(Pass& pass, const IdTensor& source, const IdTensor& lengths) const {
    Variable x = chapter07::embed(pass(source_table_), source, positions_);
    for (Index i = 0; i < config_.encoder_layers; ++i) x = encoder_layer(pass, "encoder.layers." + std::to_string(i), x, lengths);
    return norm(pass, "encoder.norm", x);
  }

  /// [batch, target time, dim]: every layer asks the same memory.
  Variable decode(Pass& pass, const Variable& memory, const IdTensor& lengths, const IdTensor& input) const {
    Variable x = chapter07::embed(get(pass, "tgt_embed.weight"), input, positions_);
    for (Index i = 0; i < config_.decoder_layers; ++i) x = decoder_layer(pass, "decoder.layers." + std::to_string(i), x, memory, lengths);
    return norm(pass, "decoder.norm", x);
  }

  /// [batch, target time, target vocabulary]
  Variable logits(Pass& pass, const DeviceBatch& b) const {
    const Variable memory = encode(pass, b.source, b.source_lengths);
    return linear(decode(pass, memory, b.source_lengths, b.target_input), pass(output_weight_), get(pass, "generator.bias"));
  }

  Variable loss(Pass& pass, const DeviceBatch& b, double smoothing) const {
    return chapter06::cross_entropy(logits(pass, b), b.target_output, pad_id, smoothing);
  }
  // [/stacks]

 private:
  // [layers]
  Variable encoder_layer(Pass& pass, const std::string& name, const Variable& x, const IdTensor& lengths) const {
    const Variable seen = frame(pass, name + ".norm1", x, [&](const Variable& h) {
      return attention(pass, name + ".self_attn", h, h, [&](const Variable& q, const Variable& k, const Variable& v) {
        return look_around(q, k, v, lengths);
      });
    });
    return frame(pass, name + ".norm2", seen, [&](const Variable& h) { return feed_forward(pass, name, h); });
  }

  Variable decoder_layer(Pass& pass, const std::string& name, const Variable& x, const Variable& memory, const IdTensor& lengths) const {
    const Variable own = frame(pass, name + ".norm1", x, [&](const Variable& h) {
      return attention(pass, name + ".self_attn", h, h, [](const Variable& q, const Variable& k, const Variable& v) {
        return matmul(chapter08::causal_weights(q, k, chapter08::Later::excluded), v);
      });
    });
    const Variable met = frame(pass, name + ".norm2", own, [&](const Variable& h) {
      return attention(pass, name + ".multihead_attn", h, memory, [&](const Variable& q, const Variable& k, const Variable& v) {
        return chapter07::look_up(q, k, v, lengths);
      });
    });
    return frame(pass, name + ".norm3", met, [&](const Variable& h) { return feed_forward(pass, name, h); });
  }
  // [/layers]

  // [pieces]
  /// Project, attend with every head, project back; `attend` is one chapter's attention.
  template <class Attend>
  Variable attention(Pass& pass, const std::string& name, const Variable& x, const Variable& memory, const Attend& attend) const {
    const auto w = split(get(pass, name + ".in_proj_weight"), 0, 3), b = split(get(pass, name + ".in_proj_bias"), 0, 3);
    const chapter07::Projection query{w[0], b[0]}, key{w[1], b[1]}, value{w[2], b[2]};
    const chapter07::Projection output{get(pass, name + ".out_proj.weight"), get(pass, name + ".out_proj.bias")};
    return output(multi_head(query(x), key(memory), value(memory), config_.heads, attend));
  }

  /// Chapter 1's attention with chapter 3's factor. Chapter 1 knows no heads: each becomes a sequence of its own.
  Variable look_around(const Variable& q, const Variable& k, const Variable& v, const IdTensor& lengths) const {
    const Shape s = q.shape();  // [batch, heads, time, d_k]
    const Shape apart{s[0] * s[1], s[2], s[3]};
    std::vector<std::int32_t> each;
    for (std::int32_t length : lengths.to_host()) each.insert(each.end(), static_cast<std::size_t>(s[1]), length);
    const Masking padding{false, 0, IdTensor::from(kernels(q.value), {s[0] * s[1]}, each)};
    const double factor = chapter03::factor(chapter03::Scaling::by_root, s[3], config_.model_dim);
    const Variable scaled = scale(q, static_cast<Real>(factor));
    return reshape(chapter01::attention(reshape(scaled, apart), reshape(k, apart), reshape(v, apart), padding), s);
  }

  /// Around every sublayer: chapter 4's frame, chapter 5's norm.
  template <class F>
  Variable frame(Pass& pass, const std::string& norm_name, const Variable& x, const F& f) const {
    const auto normed = [&](const Variable& h) { return norm(pass, norm_name, h); };
    return config_.pre_norm ? chapter04::pre_norm(x, normed, f) : chapter04::post_norm(x, normed, f);
  }
  Variable norm(Pass& pass, const std::string& name, const Variable& x) const {
    return chapter05::layer_norm(x, get(pass, name + ".weight"), get(pass, name + ".bias"));
  }
  Variable feed_forward(Pass& pass, const std::string& name, const Variable& x) const {
    const Variable inner = linear(x, get(pass, name + ".linear1.weight"), get(pass, name + ".linear1.bias"));
    const Variable bent = config_.gelu ? gelu(inner) : relu(inner);
    return linear(bent, get(pass, name + ".linear2.weight"), get(pass, name + ".linear2.bias"));
  }
  // [/pieces]

  Variable get(Pass& pass, const std::string& name) const { return pass(*named_.at(name)); }

  ModelConfig config_;
  Parameter &source_table_, &output_weight_;
  std::map<std::string, Parameter*> named_;
  Tensor positions_;
};

}  // namespace chapter10
}  // namespace tenfold::inline TENFOLD_REAL
