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

// Of rows whose token t is in slot t · rows + row.
std::vector<std::vector<std::int32_t>> plain_histories(Index tokens, Index rows) {
  std::vector<std::vector<std::int32_t>> histories(static_cast<std::size_t>(rows));
  for (Index t = 0; t < tokens; ++t)
    for (std::size_t row = 0; row < histories.size(); ++row)
      histories[row].push_back(static_cast<std::int32_t>(t * rows) + static_cast<std::int32_t>(row));
  return histories;
}

}  // namespace

IncrementalDecoder::IncrementalDecoder(Transformer& model, const IdTensor& source, const IdTensor& source_lengths,
                                       Index steps, PreparedWeights* prepared)
    : model_(model),
      kernels_(model.kernels()),
      prepared_(prepared),
      pass_(prepared ? Pass(*prepared) : Pass()),
      source_lengths_(source_lengths),
      sentences_(source.dim(0)),
      steps_(std::min(steps, model.config().max_length)) {
  const Variable memory = model_.encode(pass_, source, source_lengths);
  for (auto& layer : model_.decoder) layers_.push_back({{}, layer->multihead_attn.project_memory(pass_, memory).value});
}

void IncrementalDecoder::ensure_capacity(Layer& layer, Index needed) const {
  const Index width = 2 * model_.config().model_dim, have = layer.cache.defined() ? layer.cache.dim(0) : 0;
  if (needed <= have) return;
  const Index most = slots_ + (steps_ - position_) * rows();
  Tensor larger = Tensor::empty(kernels_, {std::min(most, std::max({16 * rows(), 2 * have, needed})), width});
  if (have > 0) kernels_.copy(layer.cache.data(), larger.mutable_data(), slots_ * width);
  layer.cache = std::move(larger);
}

/// Gives every row slots for `times` more tokens, and lists the slots of each batch entry of self-attention.
void IncrementalDecoder::extend_histories(Index times) {
  const Index n = rows();
  for (Index row = 0; row < n; ++row) {
    auto& history = histories_[static_cast<std::size_t>(row)];
    history.resize(static_cast<std::size_t>(position_));  // more are there when an earlier call ended in an exception
    for (Index t = 0; t < times; ++t) history.push_back(static_cast<std::int32_t>(slots_ + t * n + row));
  }
  std::vector<std::int32_t> slots;
  slots.reserve(static_cast<std::size_t>(times * n * (position_ + times)));
  for (Index entry = 0; entry < times * n; ++entry) {
    const auto& history = histories_[times > 1 ? 0 : static_cast<std::size_t>(entry)];
    slots.insert(slots.end(), history.begin(), history.end());
  }
  key_rows_ = IdTensor::from(kernels_, {times * n, position_ + times}, slots);
}

// Several tokens of a row are queries of their own batch entries, which share the row's keys, and token i sees those up to
// its own: then each is computed as if it were fed alone.
Variable IncrementalDecoder::self_attention(Pass& pass, Layer& layer, MultiHeadAttention& attention, const Variable& h,
                                            Index times) {
  const Index d = model_.config().model_dim, n = rows(), heads = attention.heads();
  const Tensor qkv = attention.project_self(pass, h).value;  // [times · rows, 3·dim]
  ensure_capacity(layer, slots_ + times * n);
  Real* cache = layer.cache.mutable_data();
  kernels_.copy_rows(qkv.data() + d, 3 * d, cache + slots_ * 2 * d, 2 * d, times * n, 2 * d);

  IdTensor seen;
  if (times > 1) {
    std::vector<std::int32_t> lengths;
    for (Index i = 1; i <= times; ++i) lengths.push_back(static_cast<std::int32_t>(position_ + i));
    seen = IdTensor::from(kernels_, {times}, lengths);
  }
  Attention a;
  a.batch = times * n;
  a.heads = heads;
  a.queries = 1;
  a.keys = position_ + times;
  a.head_dim = d / heads;
  a.q = {3 * d, 3 * d};
  if (histories_.empty()) {
    a.k = a.v = {n * 2 * d, times > 1 ? 0 : 2 * d};
  } else {
    a.k = a.v = {2 * d, 0};
    a.key_rows = key_rows_.data();
  }
  a.o = {d, d};
  a.scale = 1 / std::sqrt(static_cast<Real>(a.head_dim));
  a.mask = {heads, 1, false, 0, times > 1 ? seen.data() : nullptr};
  Tensor o = Tensor::empty(kernels_, {a.batch, d}), log_sums = Tensor::empty(kernels_, {a.batch, heads});
  kernels_.attention(a, qkv.data(), cache, cache + d, o.mutable_data(), log_sums.mutable_data());
  return attention.out_proj(pass, o);
}

Variable IncrementalDecoder::cross_attention(Pass& pass, Layer& layer, MultiHeadAttention& attention, const Variable& h,
                                             Index times) {
  const Index d = model_.config().model_dim, time = layer.memory.dim(1), heads = attention.heads();
  const Tensor q = attention.project_query(pass, h).value;
  // The beams of a sentence are its queries: they share one copy of the memory's keys and values. Several tokens of a row
  // share it too, but as batch entries, as above.
  const IdTensor lengths = times > 1 ? IdTensor::full(kernels_, {times}, source_lengths_.item()) : source_lengths_;
  Attention a;
  a.batch = times > 1 ? times : sentences_;
  a.heads = heads;
  a.queries = times > 1 ? 1 : beams_;
  a.keys = time;
  a.head_dim = d / heads;
  a.q = a.o = {d, a.queries * d};
  a.k = a.v = {2 * d, times > 1 ? 0 : time * 2 * d};
  a.scale = 1 / std::sqrt(static_cast<Real>(a.head_dim));
  a.mask = {heads, a.queries, false, 0, lengths.data()};
  const Real* memory = layer.memory.data();
  Tensor o = Tensor::empty(kernels_, q.shape()), log_sums = Tensor::empty(kernels_, {a.batch, heads, a.queries});
  kernels_.attention(a, q.data(), memory, memory + d, o.mutable_data(), log_sums.mutable_data());
  return attention.out_proj(pass, o);
}

/// What the decoder puts out after `times` tokens of every row, [times · rows, dim].
Variable IncrementalDecoder::feed(Pass& pass, std::span<const std::int32_t> tokens, Index times) {
  const Index d = model_.config().model_dim, n = rows();
  if (static_cast<Index>(tokens.size()) != times * n)
    throw ShapeError("decoder step: " + std::to_string(times * n) + " tokens are needed, got " +
                     std::to_string(tokens.size()));
  if (position_ + times > steps_)
    throw ShapeError("decoder step: only " + std::to_string(steps_) + " steps were provided for");
  if (!histories_.empty()) extend_histories(times);
  const IdTensor ids = IdTensor::from(kernels_, times > 1 ? Shape{1, times} : Shape{n, 1}, tokens);
  Variable x = reshape(model_.embed_target(pass, ids, position_), {times * n, d});
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    DecoderLayer& l = *model_.decoder[i];
    const bool pre = l.pre_norm();
    x = sublayer(pass, pre, l.norm1, x,
                 [&](const Variable& h) { return self_attention(pass, layers_[i], l.self_attn, h, times); });
    x = sublayer(pass, pre, l.norm2, x,
                 [&](const Variable& h) { return cross_attention(pass, layers_[i], l.multihead_attn, h, times); });
    x = sublayer(pass, pre, l.norm3, x, [&](const Variable& h) { return l.feed_forward(pass, h); });
  }
  position_ += times;
  slots_ += times * n;
  return (*model_.decoder_norm)(pass, x);
}

void IncrementalDecoder::require_one_row() const {
  if (rows() != 1) throw ShapeError("decoder steps: a row alone is needed, there are " + std::to_string(rows()));
}

Tensor IncrementalDecoder::step(std::span<const std::int32_t> tokens, OutputSummary* summary) {
  return model_.logits(pass_, feed(pass_, tokens, 1), summary).value;
}

Tensor IncrementalDecoder::steps(std::span<const std::int32_t> tokens, OutputSummary* summary) {
  require_one_row();
  return model_.logits(pass_, feed(pass_, tokens, static_cast<Index>(tokens.size())), summary).value;
}

std::vector<std::int32_t> IncrementalDecoder::choose(std::span<const std::int32_t> tokens, Index times) {
  if (times > 1) require_one_row();
  return model_.likeliest(pass_, feed(pass_, tokens, times));
}

void IncrementalDecoder::rewind(Index position) {
  if (position < 0 || position > position_)
    throw ShapeError("decoder rewind: " + std::to_string(position_) + " tokens were fed, got " + std::to_string(position));
  position_ = position;
  slots_ = histories_.empty() ? position * rows() : 0;
  for (auto& history : histories_) {
    history.resize(static_cast<std::size_t>(position));
    if (position > 0) slots_ = std::max(slots_, Index{history.back()} + 1);  // slots of a history only grow
  }
}

std::vector<std::int32_t> IncrementalDecoder::guess(std::int32_t token, Index count) {
  const Index before = position_;
  Pass rough(*prepared_, Pass::Precision::rough);
  std::vector<std::int32_t> found;
  while (static_cast<Index>(found.size()) < count && position_ < steps_ && token != eos_id) {
    token = model_.likeliest(rough, feed(rough, {&token, 1}, 1)).front();
    if (token < 0) break;  // broken weights
    found.push_back(token);
  }
  rewind(before);  // what is in the cache behind it is rough, and written anew
  return found;
}

void IncrementalDecoder::reorder_cache(std::span<const std::int32_t> from) {
  const Index width = 2 * model_.config().model_dim, before = rows(), after = static_cast<Index>(from.size());
  if (kernels_.takes_key_rows()) {
    if (histories_.empty()) histories_ = plain_histories(position_, before);
    std::vector<std::vector<std::int32_t>> histories;
    for (std::int32_t row : from) histories.push_back(histories_[static_cast<std::size_t>(row)]);
    histories_ = std::move(histories);
    return;
  }
  std::vector<std::int32_t> slots;
  slots.reserve(static_cast<std::size_t>(position_ * after));
  for (Index t = 0; t < position_; ++t)
    for (std::int32_t row : from) slots.push_back(static_cast<std::int32_t>(t * before) + row);
  const IdTensor ids = IdTensor::from(kernels_, {static_cast<Index>(slots.size())}, slots);
  for (Layer& layer : layers_) {
    Tensor cache = Tensor::empty(kernels_, {layer.cache.dim(0) / before * after, width});
    kernels_.gather(layer.cache.data(), ids.data(), 1, cache.mutable_data(), ids.size(), width);
    layer.cache = std::move(cache);
  }
  slots_ = ids.size();
}

void IncrementalDecoder::reorder(std::span<const std::int32_t> from, std::span<const std::int32_t> kept_sentences,
                                 Index beams) {
  if (!is_identity(from, rows())) reorder_cache(from);
  if (!is_identity(kept_sentences, sentences_)) {
    const Index count = static_cast<Index>(kept_sentences.size());
    for (Layer& layer : layers_) {
      const Index time = layer.memory.dim(1), width = layer.memory.dim(2);
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
