/// @file
/// The model of chapter 6: a small Transformer encoder over characters, which may look both ways or only
/// back.
#pragma once
#include <memory>
#include <vector>

#include "nn/layers.hpp"
#include "nn/transformer.hpp"
#include "ops/add.hpp"
#include "ops/embedding.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

class CharacterModel : public Module {
 public:
  CharacterModel(Kernels& k, Index symbols, Index classes, std::uint64_t seed) {
    config_.source_vocabulary = config_.target_vocabulary = symbols;
    config_.model_dim = 64;
    config_.heads = 4;
    config_.feed_forward_dim = 128;
    config_.dropout = 0;
    const Builder build{k, seed, config_};
    init::normal(embedding_, k, "embedding", {symbols, config_.model_dim}, 1, seed);
    for (const char* name : {"layers.0", "layers.1"})
      layers_.push_back(std::make_unique<EncoderLayer>(build, name));
    norm_ = std::make_unique<LayerNormLayer>(build, "norm");
    out_ = std::make_unique<LinearLayer>(build, "out", config_.model_dim, classes);
    positions_ = sinusoidal_positions(k, 128, config_.model_dim);
  }

  void visit(const ParameterVisitor& v) override {
    v(embedding_);
    for (auto& layer : layers_) layer->visit(v);
    norm_->visit(v);
    out_->visit(v);
  }

  /// What the last layer makes of ids [batch, time]: [batch, time, dim].
  Variable hidden(Pass& pass, const IdTensor& ids, const Masking& masking) {
    Variable x = add(embedding(pass(embedding_), ids), Variable(positions_.rows(0, ids.dim(1))));
    for (auto& layer : layers_) x = (*layer)(pass, x, masking);
    return (*norm_)(pass, x);
  }
  /// [batch, time, classes]
  Variable logits(Pass& pass, const IdTensor& ids, const Masking& masking) {
    return (*out_)(pass, hidden(pass, ids, masking));
  }
  LinearLayer& output_layer() { return *out_; }

 private:
  ModelConfig config_;
  Parameter embedding_;
  std::vector<std::unique_ptr<EncoderLayer>> layers_;
  std::unique_ptr<LayerNormLayer> norm_;
  std::unique_ptr<LinearLayer> out_;
  Tensor positions_;
};

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
