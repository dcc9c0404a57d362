#include "translate/incremental_decoder.hpp"

#include <algorithm>
#include <cmath>

#include "ops/reshape.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

// Rows `from` of a table whose rows are `dim` wide.
Tensor gathered(const Tensor& table, std::span<const std::int32_t> from, Index dim, const Shape& shape) {
  const IdTensor ids = IdTensor::from(table.device(), {static_cast<Index>(from.size())}, from);
  Tensor out = Tensor::empty(table.device(), shape);
  kernels(table).gather(table.data(), ids.data(), 1, out.mutable_data(), ids.size(), dim);
  return out;
}

bool is_identity(std::span<const std::int32_t> from, Index count) {
  if (static_cast<Index>(from.size()) != count) return false;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i] != static_cast<std::int32_t>(i)) return false;
  return true;
}

}  // namespace

IncrementalDecoder::IncrementalDecoder(Transformer& model, const IdTensor& source, const IdTensor& source_lengths,
                                       Index steps, PreparedWeights* prepared)
    : model_(model),
      kernels_(model.kernels()),
      pass_(prepared ? Pass(*prepared) : Pass()),
      source_lengths_(source_lengths),
      sentences_(source.dim(0)),
      steps_(std::min(steps, model.config().max_length)) {
  const Variable memory = model_.encode(pass_, source, source_lengths);
  for (auto& layer : model_.decoder) layers_.push_back({{}, layer->multihead_attn.project_memory(pass_, memory).value});
}

void IncrementalDecoder::ensure_capacity(Layer& layer) const {
  const Index width = 2 * model_.config().model_dim;
  const Index have = layer.cache.defined() ? layer.cache.dim(0) : 0;
  if (position_ < have) return;
  Tensor larger = Tensor::empty(kernels_, {std::min(steps_, std::max<Index>(16, 2 * have)), rows(), width});
  if (have > 0) kernels_.copy(layer.cache.data(), larger.mutable_data(), position_ * rows() * width);
  layer.cache = std::move(larger);
}

Variable IncrementalDecoder::self_attention(Layer& layer, MultiHeadAttention& attention, const Variable& h) {
  const Index d = model_.config().model_dim, n = rows(), heads = attention.heads();
  const Tensor qkv = attention.project_self(pass_, h).value;  // [rows, 3·dim]
  ensure_capacity(layer);
  Real* cache = layer.cache.mutable_data();
  kernels_.copy_rows(qkv.data() + d, 3 * d, cache + position_ * n * 2 * d, 2 * d, n, 2 * d);

  Attention a;
  a.batch = n;
  a.heads = heads;
  a.queries = 1;
  a.keys = position_ + 1;
  a.head_dim = d / heads;
  a.q = {3 * d, 3 * d};
  a.k = a.v = {n * 2 * d, 2 * d};
  a.o = {d, d};
  a.scale = 1 / std::sqrt(static_cast<Real>(a.head_dim));
  a.mask = {heads, 1, false, 0, nullptr};
  Tensor o = Tensor::empty(kernels_, {n, d}), log_sums = Tensor::empty(kernels_, {n, heads});
  kernels_.attention(a, qkv.data(), cache, cache + d, o.mutable_data(), log_sums.mutable_data());
  return attention.out_proj(pass_, o);
}

Variable IncrementalDecoder::cross_attention(Layer& layer, MultiHeadAttention& attention, const Variable& h) {
  // The beams of a sentence are its queries: they share one copy of the memory's keys and values.
  const Index d = model_.config().model_dim;
  const Variable q = reshape(attention.project_query(pass_, h), {sentences_, beams_, d});
  const Variable o = tenfold::TENFOLD_REAL::attention(q, layer.memory, attention.heads(), {false, 0, source_lengths_});
  return attention.out_proj(pass_, reshape(o, {rows(), d}));
}

Tensor IncrementalDecoder::step(std::span<const std::int32_t> tokens) {
  const Index d = model_.config().model_dim;
  if (static_cast<Index>(tokens.size()) != rows())
    throw ShapeError("decoder step: " + std::to_string(rows()) + " tokens are needed, got " +
                     std::to_string(tokens.size()));
  if (position_ >= steps_) throw ShapeError("decoder step: only " + std::to_string(steps_) + " steps were provided for");
  const IdTensor ids = IdTensor::from(kernels_, {rows(), 1}, tokens);
  Variable x = reshape(model_.embed_target(pass_, ids, position_), {rows(), d});
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    DecoderLayer& l = *model_.decoder[i];
    const bool pre = l.pre_norm();
    x = sublayer(pass_, pre, l.norm1, x, [&](const Variable& h) { return self_attention(layers_[i], l.self_attn, h); });
    x = sublayer(pass_, pre, l.norm2, x,
                 [&](const Variable& h) { return cross_attention(layers_[i], l.multihead_attn, h); });
    x = sublayer(pass_, pre, l.norm3, x, [&](const Variable& h) { return l.feed_forward(pass_, h); });
  }
  ++position_;
  return model_.logits(pass_, (*model_.decoder_norm)(pass_, x)).value;
}

void IncrementalDecoder::reorder(std::span<const std::int32_t> from, std::span<const std::int32_t> kept_sentences,
                                 Index beams) {
  const Index width = 2 * model_.config().model_dim, before = rows(), after = static_cast<Index>(from.size());
  if (!is_identity(from, before)) {
    std::vector<std::int32_t> slots;  // of the cache seen as [position · rows] rows
    slots.reserve(static_cast<std::size_t>(position_ * after));
    for (Index t = 0; t < position_; ++t)
      for (std::int32_t row : from) slots.push_back(static_cast<std::int32_t>(t * before) + row);
    for (Layer& layer : layers_) {
      Tensor cache = Tensor::empty(kernels_, {layer.cache.dim(0), after, width});
      const IdTensor ids = IdTensor::from(kernels_, {static_cast<Index>(slots.size())}, slots);
      kernels_.gather(layer.cache.data(), ids.data(), 1, cache.mutable_data(), ids.size(), width);
      layer.cache = std::move(cache);
    }
  }
  if (!is_identity(kept_sentences, sentences_)) {
    const Index count = static_cast<Index>(kept_sentences.size());
    for (Layer& layer : layers_) {
      const Index time = layer.memory.dim(1);
      layer.memory = gathered(layer.memory, kept_sentences, time * width, {count, time, width});
    }
    const std::vector<std::int32_t> lengths = source_lengths_.to_host();
    std::vector<std::int32_t> kept;
    for (std::int32_t s : kept_sentences) kept.push_back(lengths[static_cast<std::size_t>(s)]);
    source_lengths_ = IdTensor::from(kernels_, {count}, kept);
    sentences_ = count;
  }
  beams_ = beams;
}

}  // namespace tenfold::inline TENFOLD_REAL
