/// @file
/// The lesson's pieces inside the engine's Transformer: its decoder with the lesson's mask, and one token at
/// a time with the lesson's cache. Weights, norms and feed-forward are the engine's.
#pragma once
#include "08-autoregression/lesson.hpp"
#include "nn/transformer.hpp"
#include "ops/permute.hpp"
#include "ops/reshape.hpp"
#include "ops/slice.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter08 {

/// [batch, time, dim] as [batch, heads, time, d_k], and back.
inline Variable split_heads(const Variable& x, Index heads) {
  const Shape s = x.shape();
  return permute(reshape(x, {s[0], s[1], heads, s[2] / heads}), {0, 2, 1, 3});
}
inline Variable merge_heads(const Variable& x) {
  const Shape s = x.shape();
  return reshape(permute(x, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
}

/// The decoder's layers over x [batch, time, dim]; own_attention(layer number, qkv) gives what its
/// self-attention sees, [batch, time, dim], from qkv [batch, time, 3·dim].
template <class OwnAttention>
Variable decoder_layers(Transformer& model, Pass& pass, Variable x, const Variable& memory,
                        const Masking& source, const OwnAttention& own_attention) {
  for (std::size_t i = 0; i < model.decoder.size(); ++i) {
    DecoderLayer& l = *model.decoder[i];
    x = sublayer(pass, l.pre_norm(), l.norm1, x, [&](const Variable& h) {
      return l.self_attn.out_proj(pass, own_attention(i, l.self_attn.project_self(pass, h)));
    });
    x = sublayer(pass, l.pre_norm(), l.norm2, x, [&](const Variable& h) {
      return l.multihead_attn.cross(pass, h, l.multihead_attn.project_memory(pass, memory), source);
    });
    x = sublayer(pass, l.pre_norm(), l.norm3, x, [&](const Variable& h) { return l.feed_forward(pass, h); });
  }
  return (*model.decoder_norm)(pass, x);
}

/// The decoder under teacher forcing with the lesson's mask, the first token at position `start`; what
/// Transformer::decode() computes when `later` is excluded and `start` 0.
inline Variable decode(Transformer& model, Pass& pass, const Variable& memory, const Masking& source,
                       const IdTensor& input, Later later, Index start = 0) {
  const Index heads = model.config().heads;
  const Variable x = model.embed_target(pass, input, start);
  return decoder_layers(model, pass, x, memory, source, [&](std::size_t, const Variable& qkv) {
    const auto parts = split(qkv, -1, 3);
    const Variable v = split_heads(parts[2], heads);
    return merge_heads(
        matmul(causal_weights(split_heads(parts[0], heads), split_heads(parts[1], heads), later), v));
  });
}

/// One sentence, one token at a time, with the lesson's cache; what IncrementalDecoder does.
class CachedDecoder {
 public:
  CachedDecoder(Transformer& model, const IdTensor& source, const IdTensor& lengths)
      : model_(model),
        source_{false, 0, lengths},
        memory_(model.encode(pass_, source, lengths)),
        caches_(model.decoder.size()) {}

  /// Feeds `token` as number `position` and returns the logits of the next, [target vocabulary].
  std::vector<Real> step(std::int32_t token, Index position) {
    const IdTensor ids = IdTensor::full(model_.kernels(), {1, 1}, token);
    const Variable hidden = decoder_layers(
        model_, pass_, model_.embed_target(pass_, ids, position), memory_, source_,
        [&](std::size_t layer, const Variable& qkv) {
          const auto parts = split(qkv, -1, 3);
          const Index heads = model_.config().heads;
          return merge_heads(attend_newest(split_heads(parts[0], heads), split_heads(parts[1], heads),
                                           split_heads(parts[2], heads), caches_[layer]));
        });
    return model_.logits(pass_, hidden).value.to_host();
  }

 private:
  Transformer& model_;
  Pass pass_;
  Masking source_;
  Variable memory_;
  std::vector<Cache> caches_;
};

}  // namespace chapter08
}  // namespace tenfold::inline TENFOLD_REAL
