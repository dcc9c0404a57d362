/// @file
/// Chapter 4's network: an encoder that classifies a sentence, each of whose three helps can be taken away.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "04-vanishing-gradients/lesson.hpp"
#include "04-vanishing-gradients/sentences.hpp"
#include "course/engine.hpp"
#include "course/training.hpp"
#include "nn/layers.hpp"
#include "nn/transformer.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/embedding.hpp"
#include "ops/reduce.hpp"
#include "ops/scale.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter04 {

/// Which of the three helps are there.
struct Helps {
  bool residual = true, norm = true, adam = true;
  bool pre = true;  ///< where the norm stands
};

constexpr Index width = 32, heads = 4;
constexpr int batch = 16;

/// Embedding and positions, `depth` blocks of self-attention and feed-forward, mean over the tokens, two
/// logits.
class Classifier {
 public:
  Classifier(Kernels& k, const Helps& helps, int depth, std::uint64_t seed) : kernels_(k), helps_(helps) {
    config_.model_dim = width;
    config_.heads = heads;
    config_.feed_forward_dim = 2 * width;
    const Builder b{k, seed, config_};
    init::normal(embedding_, k, "embedding", {Index(words().size()), width}, 1, seed);
    for (int i = 0; i < depth; ++i)
      blocks_.push_back(std::make_unique<EncoderLayer>(b, "layer" + std::to_string(i)));
    final_norm_ = std::make_unique<LayerNormLayer>(b, "norm");
    out_ = std::make_unique<LinearLayer>(b, "out", width, 2);
    positions_ = sinusoidal_positions(k, sentence_length, width);
  }

  std::vector<Parameter*> parameters() {
    std::vector<Parameter*> all{&embedding_};
    for (auto& block : blocks_)
      for (Parameter* p : block->parameters()) all.push_back(p);
    for (Module* m : std::initializer_list<Module*>{final_norm_.get(), out_.get()})
      for (Parameter* p : m->parameters()) all.push_back(p);
    return all;
  }
  EncoderLayer& block(std::size_t i) { return *blocks_[i]; }
  int depth() const { return static_cast<int>(blocks_.size()); }

  /// [batch, 2]
  Variable operator()(Pass& pass, const IdTensor& ids) { return (*out_)(pass, mean(encode(pass, ids), 1)); }

  /// The last layer's output, [batch, time, width].
  Variable encode(Pass& pass, const IdTensor& ids) {
    Variable x = add(embedding(pass(embedding_), ids), positions_);
    for (auto& block : blocks_) {
      x = framed(pass, block->norm1, x,
                 [&](const Variable& h) { return block->self_attn.self(pass, h, {}); });
      x = framed(pass, block->norm2, x, [&](const Variable& h) { return block->feed_forward(pass, h); });
    }
    return helps_.norm && helps_.pre ? (*final_norm_)(pass, x) : x;
  }

  /// Loss on a fresh batch; batches are a function of (seed, number).
  Variable loss(Pass& pass, std::uint64_t seed, std::uint64_t number, int sentences = batch) {
    const auto [ids, good] = draw(kernels_, seed, number, sentences);
    return cross_entropy((*this)(pass, ids), {good});
  }

  static std::pair<IdTensor, IdTensor> draw(Kernels& k, std::uint64_t seed, std::uint64_t number,
                                            int sentences) {
    PhiloxSequence random(seed, 7000 + number);
    std::vector<std::int32_t> ids, good;
    for (int i = 0; i < sentences; ++i) {
      const Sentence s = sentence(random);
      ids.insert(ids.end(), s.ids.begin(), s.ids.end());
      good.push_back(s.good);
    }
    return {IdTensor::from(k, {sentences, sentence_length}, ids), IdTensor::from(k, {sentences}, good)};
  }

 private:
  template <class F>
  Variable framed(Pass& pass, LayerNormLayer& norm, const Variable& x, const F& f) {
    const auto normed = [&](const Variable& h) { return helps_.norm ? norm(pass, h) : h; };
    if (helps_.residual) return helps_.pre ? pre_norm(x, normed, f) : post_norm(x, normed, f);
    return helps_.pre ? f(normed(x)) : normed(f(x));
  }

  Kernels& kernels_;
  Helps helps_;
  ModelConfig config_;
  Parameter embedding_;
  std::vector<std::unique_ptr<EncoderLayer>> blocks_;
  std::unique_ptr<LayerNormLayer> final_norm_;
  std::unique_ptr<LinearLayer> out_;
  Tensor positions_;
};

/// Per cent of fresh sentences that `logits(ids)` classifies right.
template <class F>
double accuracy(Kernels& k, std::uint64_t seed, const F& logits) {
  constexpr int sentences = 512;
  const auto [ids, good] = Classifier::draw(k, seed, 1'000'000, sentences);
  const auto said = logits(ids).value.to_host();
  const auto meant = good.to_host();
  int right = 0;
  for (std::size_t i = 0; i < meant.size(); ++i) right += (said[2 * i + 1] > said[2 * i]) == (meant[i] == 1);
  return 100.0 * right / sentences;
}

/// How a classifier is trained.
struct Recipe {
  Helps helps;
  int depth = 12;
  double rate = 1e-3;  ///< of Adam; of SGD when helps.adam is false
  int warmup = 20;
  double loss_factor = 1;
};

constexpr int training_steps = 200;
constexpr double sgd_rate = 0.1;

struct Outcome {
  double loss = 0;  ///< mean of the last 20 steps, of the loss before loss_factor; not finite when it blew up
  double right = 0;  ///< per cent of fresh sentences
};

inline Outcome train_classifier(const Recipe& r, std::uint64_t seed) {
  const auto k = measuring_kernels();
  Classifier model(*k, r.helps, r.depth, seed);
  lab::TrainingOptions o;
  o.steps = training_steps;
  o.clip = 0;
  o.adam = r.helps.adam;
  o.schedule = {ScheduleKind::constant, r.rate, r.warmup, 0};
  const auto curve = lab::train(model.parameters(), o, [&](Pass& pass, int step) {
    return scale(model.loss(pass, seed, static_cast<std::uint64_t>(step)), static_cast<Real>(r.loss_factor));
  });
  Outcome out;
  if (!curve.finite) return {std::nan(""), 50};  // it can say no more than one and the same
  for (std::size_t i = curve.loss.size() - 20; i < curve.loss.size(); ++i)
    out.loss += curve.loss[i] / 20 / r.loss_factor;
  out.right = accuracy(*k, seed, [&](const IdTensor& ids) {
    Pass pass;
    return model(pass, ids);
  });
  return out;
}

/// A network that sees only which words occur, not where: mean of embeddings, one hidden layer of 64.
inline double bag_of_words(std::uint64_t seed) {
  const auto k = measuring_kernels();
  Parameter table, hidden, hidden_bias, out, out_bias;
  init::normal(table, *k, "table", {Index(words().size()), width}, 1, seed);
  init::xavier_uniform(hidden, *k, "hidden", {64, width}, seed);
  init::constant(hidden_bias, *k, "hidden bias", {64}, 0);
  init::xavier_uniform(out, *k, "out", {2, 64}, seed);
  init::constant(out_bias, *k, "out bias", {2}, 0);
  const auto logits = [&](Pass& pass, const IdTensor& ids) {
    const Variable bag = mean(embedding(pass(table), ids), 1);
    return linear(relu(linear(bag, pass(hidden), pass(hidden_bias))), pass(out), pass(out_bias));
  };
  lab::TrainingOptions o;
  o.steps = 1000;
  o.schedule = {ScheduleKind::constant, 3e-3, 20, 0};
  lab::train({&table, &hidden, &hidden_bias, &out, &out_bias}, o, [&](Pass& pass, int step) {
    const auto [ids, good] = Classifier::draw(*k, seed, static_cast<std::uint64_t>(step), batch);
    return cross_entropy(logits(pass, ids), {good});
  });
  return accuracy(*k, seed, [&](const IdTensor& ids) {
    Pass pass;
    return logits(pass, ids);
  });
}

}  // namespace chapter04
}  // namespace tenfold::inline TENFOLD_REAL
