/// @file
/// The translators that chapter 7 trains: healthy, and broken in one place each; and the language model that
/// never sees a source, which one of them is held against.
#pragma once
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "course/toy_translation.hpp"
#include "ops/embedding.hpp"
#include "ops/linear_cross_entropy.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter07 {

/// Every row of the memory replaced by the mean of its sentence's rows: as many keys as before, all alike.
inline Variable mean_memory(const Variable& memory, const IdTensor& source_lengths) {
  const Index batch = memory.shape()[0], time = memory.shape()[1];
  const std::vector<std::int32_t> lengths = source_lengths.to_host();
  std::vector<Real> average(
      static_cast<std::size_t>(batch * time * time));  // [batch, time, time], constant rows
  for (Index b = 0; b < batch; ++b)
    for (Index row = 0; row < time; ++row)
      for (Index t = 0; t < lengths[static_cast<std::size_t>(b)]; ++t)
        average[static_cast<std::size_t>((b * time + row) * time + t)] =
            Real(1) / static_cast<Real>(lengths[static_cast<std::size_t>(b)]);
  return matmul(Variable(Tensor::from(kernels(memory.value), {batch, time, time}, average)), memory);
}

/// What a decoder layer's cross-attention adds from now on is zero.
inline void cut_cross_attention(Transformer& model, std::size_t layer) {
  LinearLayer& out = model.decoder.at(layer)->multihead_attn.out_proj;
  for (Parameter* p : {&out.weight, &out.bias}) p->value = filled(model.kernels(), p->value.shape(), 0);
}
inline void cut_cross_attention(Transformer& model) {
  for (std::size_t i = 0; i < model.decoder.size(); ++i) cut_cross_attention(model, i);
}

/// No positions where `source` or `target` is set, sinusoidal ones where not; none of them is trained.
inline void without_positions(lab::ToyOptions& o, bool source, bool target) {
  o.config.learned_positions = true;  // so that there are tables, which are then filled and frozen
  o.prepare = [=](Transformer& model) {
    model.visit([&](Parameter& p) {
      const bool of_source = p.name == "src_pos.weight", of_target = p.name == "tgt_pos.weight";
      if ((of_source && source) || (of_target && target))
        p.value = filled(model.kernels(), p.value.shape(), 0);
      else if (of_source || of_target)
        p.value = sinusoidal_positions(model.kernels(), p.value.dim(0), p.value.dim(1));
    });
  };
  o.frozen = [](const std::string& name) { return name.find("_pos.weight") != name.npos; };
}

/// The chapter's translator: one head, so that the lesson's cross-attention is all there is.
inline lab::ToyOptions options_of(const std::string& variant) {
  lab::ToyOptions o;
  o.config.heads = 1;
  if (variant == "mean-memory") o.memory = mean_memory;
  if (variant == "no-cross") {
    o.prepare = [](Transformer& model) { cut_cross_attention(model); };
    o.frozen = [](const std::string& name) { return name.find("multihead_attn") != name.npos; };
  }
  if (variant == "no-positions") without_positions(o, true, true);
  if (variant == "no-source-positions") without_positions(o, true, false);
  if (variant == "no-target-positions") without_positions(o, false, true);
  if (variant == "learned-positions") o.config.learned_positions = true;
  return o;
}

/// A decoder-only model of the target language: the decoder's blocks without cross-attention, that is an
/// encoder's blocks with a causal mask. Sinusoidal positions, the translator's sizes.
class LanguageModel : public Module {
 public:
  LanguageModel(Kernels& k, const ModelConfig& config, std::uint64_t seed) : config_(config) {
    const Builder b{k, seed, config_};
    const Index d = config_.model_dim;
    init::normal(embed_, k, "embed.weight", {config_.target_vocabulary, d},
                 1 / std::sqrt(static_cast<double>(d)), seed);
    init::constant(bias_, k, "generator.bias", {config_.target_vocabulary}, 0);
    for (Index i = 0; i < config_.decoder_layers; ++i)
      layers_.push_back(std::make_unique<EncoderLayer>(b, "layers." + std::to_string(i)));
    norm_ = std::make_unique<LayerNormLayer>(b, "norm");
    positions_ = sinusoidal_positions(k, config_.max_length, d);
  }
  void visit(const ParameterVisitor& v) override {
    v(embed_);
    for (auto& layer : layers_) layer->visit(v);
    norm_->visit(v);
    v(bias_);
  }
  /// Mean cross-entropy per target token.
  Variable loss(Pass& pass, const DeviceBatch& batch) {
    const auto root = static_cast<Real>(std::sqrt(static_cast<double>(config_.model_dim)));
    Variable x = add(embedding(pass(embed_), batch.target_input, root),
                     Variable(positions_.rows(0, batch.target_input.dim(1))));
    for (auto& layer : layers_) x = (*layer)(pass, x, Masking{true, 0, {}});
    return linear_cross_entropy((*norm_)(pass, x), pass(embed_), pass(bias_),
                                {batch.target_output.reshaped({batch.target_output.size()}), pad_id, 0,
                                 static_cast<Real>(batch.target_tokens)});
  }

 private:
  ModelConfig config_;
  Parameter embed_, bias_;
  std::vector<std::unique_ptr<EncoderLayer>> layers_;
  std::unique_ptr<LayerNormLayer> norm_;
  Tensor positions_;
};

/// One sentence's weights of one decoder layer: rows are target words as they are being predicted, columns
/// source words.
struct Picture {
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> weights;
};

/// How a translator stands on held-out sentences.
struct Standing {
  double loss = 0;               ///< nats per target token
  double exact = 0, longer = 0;  ///< percent
  std::map<int, lab::Matches> by_length;
};

inline Standing standing(Transformer& model, const lab::ToyCorpus& corpus, const lab::MemoryHook& hook = {}) {
  const auto outputs = [&](std::span<const lab::ToyPair> pairs) {
    return hook ? lab::greedy(model, lab::sources_of(pairs), hook)
                : lab::greedy(model, lab::sources_of(pairs));
  };
  Standing s;
  const auto held_out = outputs(corpus.held_out);
  s.loss = lab::loss_on(model, corpus.held_out, hook);
  s.exact = lab::exact_match(corpus.held_out, held_out);
  s.by_length = lab::exact_match_by_length(corpus.held_out, held_out);
  s.longer = lab::exact_match(corpus.longer, outputs(corpus.longer));
  return s;
}

/// The cross-attention weights of every decoder layer, [pairs, 1, target time, source time].
inline std::vector<Tensor> cross_weights(Transformer& model, std::span<const lab::ToyPair> pairs) {
  std::map<std::string, Tensor> all;
  Pass pass;
  pass.on_attention = [&](const std::string& name, const Tensor& weights) {
    if (name.find("multihead_attn") != name.npos) all[name] = weights;
  };
  lab::decoded(model, pass, lab::batch_of(model.kernels(), pairs));
  std::vector<Tensor> layers;
  for (auto& [name, weights] : all) layers.push_back(weights);
  return layers;
}

/// How often (percent) the heaviest weight is on the source word that the target word renders: for all words,
/// and for those of a noun and its colour, which change places.
struct Followed {
  double all = 0, reordered = 0;
};
inline Followed followed(const Tensor& weights, std::span<const lab::ToyPair> pairs) {
  const std::vector<Real> w = weights.to_host();
  const Index queries = weights.dim(2), keys = weights.dim(3);
  int all = 0, all_right = 0, moved = 0, moved_right = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const lab::Ids& place = pairs[i].aligned;
    for (std::size_t t = 0; t < place.size(); ++t) {
      const auto row = w.begin() + (static_cast<Index>(i) * queries + static_cast<Index>(t)) * keys;
      const bool right = std::max_element(row, row + keys) - row == place[t];
      const bool moves =
          (t + 1 < place.size() && place[t + 1] < place[t]) || (t > 0 && place[t - 1] > place[t]);
      ++all;
      all_right += right;
      moved += moves;
      moved_right += moves && right;
    }
  }
  return {100.0 * all_right / std::max(all, 1), 100.0 * moved_right / std::max(moved, 1)};
}

/// Teacher-forced on the right translation.
inline Picture picture(Transformer& model, const lab::ToyCorpus& corpus, const lab::ToyPair& pair,
                       std::size_t layer) {
  const Tensor weights = cross_weights(model, std::span(&pair, 1)).at(layer);
  const std::vector<Real> w = weights.to_host();
  Picture p;
  for (std::int32_t id : pair.source) p.columns.push_back(corpus.source.word(id));
  p.columns.push_back("(end)");
  for (std::int32_t id : pair.target) p.rows.push_back(corpus.target.word(id));
  p.rows.push_back("(end)");
  for (std::size_t r = 0; r < p.rows.size(); ++r)
    p.weights.emplace_back(w.begin() + static_cast<std::ptrdiff_t>(r * p.columns.size()),
                           w.begin() + static_cast<std::ptrdiff_t>((r + 1) * p.columns.size()));
  return p;
}

}  // namespace chapter07
}  // namespace tenfold::inline TENFOLD_REAL
