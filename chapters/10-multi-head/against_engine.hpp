/// @file
/// The lesson against the engine: the layer, then the whole Transformer assembled from all chapters.
#pragma once
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numeric>

#include "02-key-value-search/lesson.hpp"
#include "10-multi-head/assembled.hpp"
#include "core/random_values.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"
#include "course/toy_translation.hpp"
#include "ops/add.hpp"

namespace tenfold::course {

using lab::random_tensor;

/// The layer of lesson.hpp against the engine's, and the sum of the heads' terms against both.
inline void layer_and_engine(Session& s) {
  s.heading("The lesson's layer and the engine's");
  const auto k = make_kernels(s.device(), s.threads());
  const Index dim = 24, heads = 4;
  ModelConfig config;
  config.model_dim = dim;
  config.heads = heads;
  MultiHeadAttention layer(Builder{*k, s.seeds().front(), config}, "layer");
  const Tensor x = random_tensor(*k, {2, 9, dim}, 1, 1), upstream = random_tensor(*k, {2, 9, dim}, 1, 2);
  const auto run = [&](const auto& f) {
    for (Parameter* p : layer.parameters()) p->grad = {};
    Tape tape;
    Pass pass(tape);
    const Variable leaf = tape.leaf(x);
    const Variable y = f(pass, leaf);
    tape.backward(y, upstream);
    return std::vector<std::vector<Real>>{y.value.to_host(), tape.grad(leaf).to_host(), layer.in_proj_weight.grad.to_host(), layer.out_proj.weight.grad.to_host()};
  };
  const auto theirs = run([&](Pass& pass, const Variable& v) { return layer.self(pass, v, {}); });
  const auto ours = run([&](Pass& pass, const Variable& v) {
    const auto w = split(pass(layer.in_proj_weight), 0, 3);
    return chapter10::layer(v, v, w[0], w[1], w[2], pass(layer.out_proj.weight), heads);
  });
  // Every head through its own columns of W_O, then the sum: what taking one out takes out.
  const auto summed = run([&](Pass& pass, const Variable& v) {
    const auto w = split(pass(layer.in_proj_weight), 0, 3);
    std::vector<std::vector<Variable>> slices;
    for (const Variable& one : w) slices.push_back(split(linear(v, one), -1, heads));
    const auto columns = split(pass(layer.out_proj.weight), -1, heads);
    Variable total;
    for (std::size_t h = 0; h < static_cast<std::size_t>(heads); ++h) {
      const double factor = chapter03::factor(chapter03::Scaling::by_root, dim / heads, dim);
      const Variable term = linear(chapter03::attention(slices[0][h], slices[1][h], slices[2][h], factor), columns[h]);
      total = h ? add(total, term) : term;
    }
    return total;
  });
  lab::same(
      s,
      {"output", "gradient of the input", "gradient of the projections", "gradient of the output projection"},
      ours, theirs, 1e-5);
  s.same("sum of the heads' terms", std::span<const Real>(summed[0]), std::span<const Real>(theirs[0]), 1e-5);
}

/// Chapters 1, 2, 3 and 7 came to the same attention by different roads.
inline void attentions_agree(Session& s) {
  const auto k = make_kernels(s.device(), s.threads());
  const Index d_k = 8;
  const Shape one{2, 5, d_k}, with_head{2, 1, 5, d_k};
  const Variable q = random_tensor(*k, one, 3, 1), key = random_tensor(*k, one, 3, 2), v = random_tensor(*k, one, 3, 3);
  const double factor = chapter03::factor(chapter03::Scaling::by_root, d_k, d_k);
  const IdTensor lengths = IdTensor::from(*k, {2}, std::vector<std::int32_t>{5, 5});
  const Variable found[] = {chapter01::attention(scale(q, static_cast<Real>(factor)), key, v),
                            chapter02::soft_lookup(q, key, v, 1 / factor), chapter03::attention(q, key, v, factor),
                            chapter07::look_up(reshape(q, with_head), reshape(key, with_head), reshape(v, with_head), lengths)};
  const auto engine = attention(q, key, v, 1).value.to_host();
  std::vector<Real> all, engines;
  for (const Variable& f : found) {
    const auto values = f.value.to_host();
    all.insert(all.end(), values.begin(), values.end());
    engines.insert(engines.end(), engine.begin(), engine.end());
  }
  s.same("attention, in the words of chapters 1, 2, 3 and 7,", std::span<const Real>(all), std::span<const Real>(engines), 1e-5);
}

/// Every parameter's gradient, each over its largest magnitude in `engine`, so that none hides behind a larger one.
inline void same_gradients(Session& s, const std::string& name, const std::map<std::string, std::vector<Real>>& lesson,
                           const std::map<std::string, std::vector<Real>>& engine) {
  std::vector<Real> ours, theirs;
  for (const auto& [parameter, gradient] : engine) {
    Real most = 0;
    for (Real g : gradient) most = std::max(most, std::abs(g));
    const Real by = most > 0 ? 1 / most : 1;
    for (Real g : gradient) theirs.push_back(by * g);
    for (Real g : lesson.at(parameter)) ours.push_back(by * g);
  }
  s.same(name, std::span<const Real>(ours), std::span<const Real>(theirs), 1e-4);
}

/// Values off the zeros and ones that biases and norms begin with, where some faults would not show.
inline void shake(Transformer& m) {
  std::uint64_t stream = 0;
  for (Parameter* p : m.parameters()) {
    std::vector<Real> values = p->value.to_host();
    const auto noise = random_values(9, ++stream, p->value.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += static_cast<Real>(0.2 * noise[i]);
    p->value = Tensor::from(m.kernels(), p->value.shape(), values);
  }
}

/// The Transformer of the chapters against the engine's, in pre-norm and post-norm: logits, loss, every gradient.
inline void assembled_and_engine(Session& s) {
  using namespace lab;
  s.heading("The Transformer of the ten chapters and the engine's");
  attentions_agree(s);
  const auto k = make_kernels(s.device(), s.threads());
  const ToyCorpus corpus = toy_corpus(s.seeds().front(), {.train = 100, .held_out = 40, .longer = 1});
  for (const bool pre_norm : {true, false}) {
    const std::string suffix = pre_norm ? "" : " in post-norm";
    ToyOptions o;
    o.config.pre_norm = pre_norm;
    const auto model = untrained_translator(*k, corpus, o, s.seeds().front());
    shake(*model);
    const chapter10::AssembledTransformer assembled(*model);
    const DeviceBatch batch = batch_of(*k, std::span(corpus.held_out).first(8));
    const auto gradients = [&](const auto& loss) {
      for (Parameter* p : model->parameters()) p->grad = {};
      Tape tape;
      Pass pass(tape);
      const Variable value = loss(pass);
      tape.backward(value);
      std::map<std::string, std::vector<Real>> all{{"", value.value.to_host()}};
      for (Parameter* p : model->parameters()) all[p->name] = p->grad.to_host();
      return all;
    };
    constexpr double smoothing = 0.1;
    auto theirs = gradients([&](Pass& pass) { return model->loss(pass, batch, smoothing); });
    auto ours = gradients([&](Pass& pass) { return assembled.loss(pass, batch, smoothing); });
    Pass pass;
    s.same("logits" + suffix, std::span<const Real>(assembled.logits(pass, batch).value.to_host()),
           std::span<const Real>(model->logits(pass, decoded(*model, pass, batch)).value.to_host()), 1e-4);
    s.same("loss" + suffix, std::span<const Real>(ours.extract("").mapped()), std::span<const Real>(theirs.extract("").mapped()), 1e-5);
    same_gradients(s, "gradients" + suffix, ours, theirs);
    if (!pre_norm) continue;
    s.fact("assembled/parameters", static_cast<double>(theirs.size()), {}, "{:.0f}");
    s.fact("assembled/numbers", static_cast<double>(std::accumulate(theirs.begin(), theirs.end(), std::size_t{0},
                                                                    [](std::size_t n, const auto& p) { return n + p.second.size(); })), {}, "{:.0f}");

    // Chapter 9: the loss of one sentence is the chain rule's sum, one prefix at a time.
    const ToyPair& pair = corpus.held_out.front();
    const auto logits_after = [&](const chapter10::AssembledTransformer& network, const Ids& source, Ids prefix) {
      prefix.insert(prefix.begin(), bos_id);
      DeviceBatch one = batch_of(*k, std::vector{ToyPair{source, {}}});
      one.target_input = IdTensor::from(*k, {1, static_cast<Index>(prefix.size())}, prefix);
      return slice(network.logits(pass, one), 1, static_cast<Index>(prefix.size()) - 1, 1);
    };
    Ids ended = pair.target;
    ended.push_back(eos_id);
    const Variable nats = chapter09::chain_rule([&](const Ids& prefix, std::int32_t next) {
      return chapter06::cross_entropy(logits_after(assembled, pair.source, prefix), IdTensor::from(*k, {1}, std::vector{next}), pad_id);
    }, ended);
    const DeviceBatch one = batch_of(*k, std::span(&pair, 1));
    const Real engine = model->loss(pass, one, 0).value.item() * static_cast<Real>(one.target_tokens);
    s.same("chain rule over a sentence", std::vector{nats.value.item()}, std::vector{engine}, 1e-4);
    if (s.fast()) continue;

    // Chapter 8's greedy decoding with the assembled network, after the engine's was trained.
    const ToyCorpus whole = toy_corpus(s.seeds().front());
    const auto trained = untrained_translator(*k, whole, {}, s.seeds().front());
    train_translator(*trained, whole, {}, s.seeds().front());
    const chapter10::AssembledTransformer translator(*trained);
    const auto pairs = std::span(whole.held_out).first(40);
    const std::vector<Ids> engines = greedy(*trained, sources_of(pairs));
    int same = 0, right = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      Ids prefix;
      const Ids out = chapter08::greedy([&](std::int32_t token, Index position) {
        if (position > 0) prefix.push_back(token);
        return logits_after(translator, pairs[i].source, prefix).value.to_host();
      }, bos_id, eos_id, 25);
      same += out == engines[i];
      right += out == pairs[i].target;
    }
    s.text(fmt::format("{} of {} held-out sentences translated alike, {} of them right", same, pairs.size(), right));
    s.fact("assembled/alike", 100.0 * same / static_cast<double>(pairs.size()), {3, 0}, "{:.0f}");
    s.claim("translates", "the assembled Transformer translates, word for word what the engine's search finds",
            same + 1 >= static_cast<int>(pairs.size()) && 10 * right >= 8 * static_cast<int>(pairs.size()));
  }
}

}  // namespace tenfold::course
