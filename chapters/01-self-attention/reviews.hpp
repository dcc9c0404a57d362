/// @file
/// Chapter 1's task: is a little review, made up by the project, praise or blame? "not" turns the adjective
/// after it around, so that no word can be judged by itself. An encoder of one layer of self-attention
/// answers.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "01-self-attention/variants.hpp"
#include "core/philox.hpp"
#include "course/training.hpp"
#include "nn/module.hpp"
#include "nn/transformer.hpp"
#include "ops/activation.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/embedding.hpp"
#include "ops/layer_norm.hpp"
#include "ops/reduce.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter01 {

inline const std::vector<std::string> vocabulary{
    "plot", "music", "acting", "end",    "cast", "film",                        // 0 … 5
    "good", "fine",  "funny",  "bright", "warm", "great",                       // 6 … 11: praise
    "bad",  "dull",  "slow",   "sad",    "weak", "poor",                        // 12 … 17: blame
    "is",   "was",   "quite",  "not",    "and",  "but",   "well", "so", "oh"};  // 22 … 26: fillers
constexpr std::int32_t quite = 20, not_word = 21;
constexpr Index words = 27, sentence_length = 16;

struct Review {
  std::vector<std::int32_t> words;
  std::int32_t praise = 0;
};

/// "NOUN is not ADJECTIVE" or "NOUN is quite ADJECTIVE", and elsewhere "not NOUN" or "quite NOUN", which
/// means nothing; fillers around them make it sentence_length words. "not" stands before the adjective in
/// three of eight, before the other noun in half of them. Without order "not" once and "quite" once could be
/// either.
inline Review make_review(PhiloxSequence& random) {
  const auto one_of = [&](std::int32_t first, std::uint32_t count) {
    return first + static_cast<std::int32_t>(random.below(count));
  };
  const bool good = random.below(2) == 0, turned = random.below(8) < 3;
  const bool decoy = random.below(2) == 0, other_first = random.below(2) == 0;
  const std::vector<std::int32_t> judgement{one_of(0, 6), one_of(18, 2), turned ? not_word : quite,
                                            one_of(good ? 6 : 12, 6)};
  const std::vector<std::int32_t> other{decoy ? not_word : quite, one_of(0, 6)};
  Review r;
  const auto put_all = [&](const std::vector<std::int32_t>& part) {
    r.words.insert(r.words.end(), part.begin(), part.end());
  };
  std::array<std::size_t, 3> fillers{};  // before, between and after the two parts
  for (std::size_t n = judgement.size() + other.size(); n < sentence_length; ++n) ++fillers[random.below(3)];
  for (std::size_t part = 0; part < 3; ++part) {
    for (std::size_t n = 0; n < fillers[part]; ++n) r.words.push_back(one_of(22, 5));
    if (part < 2) put_all((part == 0) == other_first ? other : judgement);
  }
  r.praise = good != turned;
  return r;
}

/// Embedding (and positions), one layer of self-attention, residual and norm, a small feed-forward, the mean
/// over time, two logits. `looks` false leaves the attention out, `ordered` false the positions.
struct Classifier {
  static constexpr Index dim = 16, inner = 32;
  Parameter embedding, w_q, w_k, w_v, norm_weight, norm_bias, w_1, b_1, w_2, b_2;
  Tensor positions;
  std::string variant;
  bool ordered = true, looks = true;

  Classifier(Kernels& k, std::uint64_t seed, std::string v) : variant(std::move(v)) {
    init::normal(embedding, k, "embedding", {words, dim}, 1, seed);
    for (auto [p, name] : {std::pair{&w_q, "w_q"}, {&w_k, "w_k"}, {&w_v, "w_v"}})
      init::xavier_uniform(*p, k, name, {dim, dim}, seed);
    init::constant(norm_weight, k, "norm_weight", {dim}, 1);
    init::constant(norm_bias, k, "norm_bias", {dim}, 0);
    init::xavier_uniform(w_1, k, "w_1", {inner, dim}, seed);
    init::constant(b_1, k, "b_1", {inner}, 0);
    init::xavier_uniform(w_2, k, "w_2", {2, inner}, seed);
    init::constant(b_2, k, "b_2", {2}, 0);
    positions = sinusoidal_positions(k, sentence_length, dim);
  }
  std::vector<Parameter*> parameters() {
    std::vector<Parameter*> all{&embedding, &norm_weight, &norm_bias, &w_1, &b_1, &w_2, &b_2};
    if (looks) all.insert(all.end(), {&w_q, &w_k, &w_v});
    return all;
  }

  /// ids [batch, time] to vectors [batch, time, dim]
  Variable embedded(Pass& pass, const IdTensor& ids) {
    const Variable x = tenfold::embedding(pass(embedding), ids);
    return ordered ? add(x, positions.rows(0, ids.dim(1))) : x;
  }
  Variable weights(Pass& pass, const Variable& x) {
    return weights_of(variant, linear(x, pass(w_q)), linear(x, pass(w_k)));
  }
  /// ids [batch, time] to logits [batch, 2]
  Variable operator()(Pass& pass, const IdTensor& ids) {
    Variable x = embedded(pass, ids);
    if (looks) x = add(x, matmul(weights(pass, x), linear(x, pass(w_v))));
    x = layer_norm(x, pass(norm_weight), pass(norm_bias));
    const Variable hidden =
        activate(Activation::relu, linear(x, pass(w_1), pass(b_1)));  // [batch, time, inner]
    return linear(mean(hidden, 1), pass(w_2), pass(b_2));
  }
};

// --- training
// ---------------------------------------------------------------------------------------------------------

struct ReviewBatch {
  IdTensor ids, praise;
};
constexpr Index reviews_at_once = 64;

/// Batch number `n`: a function of seed and number alone.
inline ReviewBatch draw_reviews(Kernels& k, std::uint64_t seed, int n) {
  PhiloxSequence random(seed, 5000 + static_cast<std::uint64_t>(n));
  std::vector<std::int32_t> ids, praise;
  for (Index b = 0; b < reviews_at_once; ++b) {
    const Review r = make_review(random);
    ids.insert(ids.end(), r.words.begin(), r.words.end());
    praise.push_back(r.praise);
  }
  return {IdTensor::from(k, {reviews_at_once, sentence_length}, ids),
          IdTensor::from(k, {reviews_at_once}, praise)};
}

/// Trains for `steps` steps; the loss of each.
inline std::vector<double> train_classifier(Kernels& k, Classifier& model, std::uint64_t seed, int steps) {
  lab::TrainingOptions o;
  o.steps = steps;
  o.schedule = {ScheduleKind::cosine, 1e-2, 100, steps};
  return lab::train(model.parameters(), o,
                    [&](Pass& pass, int step) {
                      const ReviewBatch b = draw_reviews(k, seed, step);
                      return cross_entropy(model(pass, b.ids), {b.praise});
                    })
      .loss;
}

/// Percent right on reviews it has not seen in training (some repeat by chance).
inline double accuracy(Kernels& k, Classifier& model, std::uint64_t seed) {
  constexpr int batches = 32;
  int right = 0;
  for (int n = 0; n < batches; ++n) {
    Pass pass;
    const ReviewBatch b = draw_reviews(k, seed, 1'000'000 + n);
    const auto logits = model(pass, b.ids).value.to_host();
    const auto praise = b.praise.to_host();
    for (std::size_t i = 0; i < praise.size(); ++i)
      right += (logits[2 * i + 1] > logits[2 * i]) == (praise[i] == 1);
  }
  return 100.0 * right / (batches * static_cast<double>(reviews_at_once));
}

}  // namespace chapter01
}  // namespace tenfold::inline TENFOLD_REAL
