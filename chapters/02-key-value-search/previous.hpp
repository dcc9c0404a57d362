/// @file
/// Chapter 2's task: every position must say which token stands before it. One layer of soft look-up, nothing
/// else.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "02-key-value-search/lesson.hpp"
#include "core/philox.hpp"
#include "course/engine.hpp"
#include "course/training.hpp"
#include "nn/module.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/embedding.hpp"
#include "ops/linear.hpp"
#include "ops/reshape.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter02 {

constexpr Index tokens = 16, length = 12, width = 32, at_once = 32;

struct TokenBatch {
  IdTensor ids, at, before;  ///< [batch, length]; `before` is -1, ignored, where nothing stands before
};

/// Batch number `n`: random tokens at `length` places in a row, from a random place on. A function of seed
/// and number alone.
inline TokenBatch draw_tokens(Kernels& k, std::uint64_t seed, int n, Index places) {
  PhiloxSequence random(seed, 3000 + static_cast<std::uint64_t>(n));
  std::vector<std::int32_t> ids, at, before;
  for (Index b = 0; b < at_once; ++b) {
    const auto first =
        static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(places - length + 1)));
    for (std::int32_t t = 0; t < length; ++t) {
      before.push_back(t == 0 ? -1 : ids.back());
      at.push_back(first + t);
      ids.push_back(static_cast<std::int32_t>(random.below(tokens)));
    }
  }
  const Shape shape{at_once, length};
  return {IdTensor::from(k, shape, ids), IdTensor::from(k, shape, at), IdTensor::from(k, shape, before)};
}

/// Token and position embedding, added; queries and keys of width d_k from two projections, or from one when
/// tied; values of their own, or the keys.
struct LookBack {
  Index d_k, places;
  bool tied, keys_as_values;
  Parameter token, position, w_q, w_k, w_v, out, out_bias;

  LookBack(Kernels& k, std::uint64_t seed, const std::string& variant, Index key_width, Index place_count)
      : d_k(key_width),
        places(place_count),
        tied(variant == "tied"),
        keys_as_values(variant == "keys-as-values") {
    init::normal(token, k, "token", {tokens, width}, 1, seed);
    init::normal(position, k, "position", {places, width}, 1, seed);
    for (auto [p, name] : {std::pair{&w_q, "w_q"}, {&w_k, "w_k"}, {&w_v, "w_v"}})
      init::xavier_uniform(*p, k, name, {d_k, width}, seed);
    init::xavier_uniform(out, k, "out", {tokens, d_k}, seed);
    init::constant(out_bias, k, "out_bias", {tokens}, 0);
  }
  std::vector<Parameter*> parameters() {
    std::vector<Parameter*> all{&token, &position, &w_q, &out, &out_bias};
    if (!tied) all.push_back(&w_k);
    if (!keys_as_values) all.push_back(&w_v);
    return all;
  }

  Variable embedded(Pass& pass, const TokenBatch& b) {
    return add(embedding(pass(token), b.ids), embedding(pass(position), b.at));
  }
  Variable queries(Pass& pass, const Variable& x) { return linear(x, pass(w_q)); }
  Variable keys(Pass& pass, const Variable& x) { return linear(x, pass(tied ? w_q : w_k)); }
  double temperature() const { return std::sqrt(static_cast<double>(d_k)); }

  /// Logits [batch, length, tokens]
  Variable operator()(Pass& pass, const TokenBatch& b) {
    const Variable x = embedded(pass, b), k = keys(pass, x);
    const Variable v = keys_as_values ? k : linear(x, pass(w_v));
    return linear(soft_lookup(queries(pass, x), k, v, temperature()), pass(out), pass(out_bias));
  }
};

struct LookBackResult {
  double right = 0;                          ///< percent
  double on_previous = 0, on_next = 0;       ///< mean weight there, rows that have both
  double asymmetry = 0;                      ///< |S - Sᵀ| / |S| of the trained scores
  std::vector<std::vector<double>> weights;  ///< mean over test sequences, [length][length]
  std::vector<double> norms;                 ///< of the queries' part that comes from the place, [places]
  double falling = 0;  ///< percent of places whose norm is below that of the place before
};

inline LookBackResult look_back(std::uint64_t seed, const std::string& variant, Index d_k, Index places,
                                int steps) {
  const auto k = measuring_kernels();
  LookBack model(*k, seed, variant, d_k, places);
  lab::TrainingOptions o;
  o.steps = steps;
  o.schedule = {ScheduleKind::cosine, 1e-2, 20, steps};
  lab::train(model.parameters(), o, [&](Pass& pass, int step) {
    const TokenBatch b = draw_tokens(*k, seed, step, places);
    return cross_entropy(model(pass, b), {b.before});
  });

  LookBackResult r;
  r.weights.assign(length, std::vector<double>(length, 0));
  constexpr int batches = 10;
  double difference = 0, size = 0;
  int right = 0;
  for (int n = 0; n < batches; ++n) {
    Pass pass;
    const TokenBatch b = draw_tokens(*k, seed, 1'000'000 + n, places);
    const auto logits = model(pass, b).value.to_host();
    const auto before = b.before.to_host();
    for (std::size_t i = 0; i < before.size(); ++i) {
      const auto row = logits.begin() + static_cast<std::ptrdiff_t>(i) * tokens;
      right += std::max_element(row, row + tokens) - row == before[i];
    }
    const Variable x = model.embedded(pass, b), q = model.queries(pass, x), keys = model.keys(pass, x);
    const auto scores = matmul(q, keys, false, true).value.to_host();
    const auto w = match(q, keys, model.temperature()).value.to_host();
    for (Index s = 0; s < at_once; ++s)
      for (Index i = 0; i < length; ++i)
        for (Index j = 0; j < length; ++j) {
          const auto at = [&](Index a, Index c) {
            return static_cast<std::size_t>((s * length + a) * length + c);
          };
          r.weights[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] +=
              w[at(i, j)] / (batches * at_once);
          difference += (scores[at(i, j)] - scores[at(j, i)]) * (scores[at(i, j)] - scores[at(j, i)]);
          size += scores[at(i, j)] * scores[at(i, j)];
        }
  }
  Pass pass;
  const auto q = linear(pass(model.position), pass(model.w_q)).value.to_host();  // [places, d_k]
  for (Index place = 0; place < places; ++place) {
    double squares = 0;
    for (Index c = 0; c < d_k; ++c)
      squares += q[static_cast<std::size_t>(place * d_k + c)] * q[static_cast<std::size_t>(place * d_k + c)];
    r.norms.push_back(std::sqrt(squares));
    if (place > 0)
      r.falling += 100.0 * (r.norms.back() < r.norms[r.norms.size() - 2]) / static_cast<double>(places - 1);
  }
  r.right = 100.0 * right / (batches * at_once * (length - 1));
  r.asymmetry = std::sqrt(difference / size);
  for (std::size_t i = 1; i + 1 < length; ++i) {
    r.on_previous += r.weights[i][i - 1] / (length - 2);
    r.on_next += r.weights[i][i + 1] / (length - 2);
  }
  return r;
}

}  // namespace chapter02
}  // namespace tenfold::inline TENFOLD_REAL
