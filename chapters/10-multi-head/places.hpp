/// @file
/// A task that must look at several places at once: a memory of pairs (symbol, value), and questions that name one or more
/// of its symbols in order; the answer is their values in the same order. One layer of attention, then one linear layer.
#pragma once
#include <algorithm>
#include <numeric>

#include "10-multi-head/lesson.hpp"
#include "core/philox.hpp"
#include "course/engine.hpp"
#include "course/training.hpp"
#include "ops/bias_activation.hpp"
#include "ops/concat.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/embedding.hpp"
#include "ops/reduce.hpp"
#include "ops/slice.hpp"

namespace places {

using namespace tenfold;
using namespace tenfold::lab;

constexpr Index symbols = 32, values = 16, pairs = 12, questions = 4, batch = 32;
constexpr int steps = 400;

/// The layer and what stands around it.
struct Setup {
  Index slots = 2;  ///< places to look at
  Index heads = 2, dim = 64;
  Index hidden = 0;  ///< of a feed-forward block (ReLU) before the answer; 0: the answer is linear in the heads' results
};

/// What goes wrong between the projections and W_O.
enum class Fault { none, not_split, wrong_order, no_transpose };

/// Attention of all heads, with a fault.
inline Variable attend(const Variable& q, const Variable& k, const Variable& v, Index heads, Fault fault) {
  if (fault == Fault::not_split) return chapter10::multi_head(q, k, v, 1);
  if (fault == Fault::none) return chapter10::multi_head(q, k, v, heads);
  const double factor = chapter03::factor(chapter03::Scaling::by_root, q.shape().back() / heads, q.shape().back());
  using chapter10::split_heads;
  const Variable o = chapter03::attention(split_heads(q, heads), split_heads(k, heads), split_heads(v, heads), factor);
  if (fault == Fault::no_transpose) return reshape(o, q.shape());  // [batch, heads, time, d_k] read as [batch, time, dim]
  std::vector<Variable> parts = split(o, 1, heads);
  std::reverse(parts.begin(), parts.end());
  return chapter10::merge_heads(concat(parts, 1));
}

struct Task {
  IdTensor asked;          ///< [batch, questions, slots]: the symbols asked for, numbered anew for each slot
  IdTensor first, second;  ///< [batch, pairs]
  IdTensor answers;        ///< [batch * questions * slots]
};

inline Task draw(Kernels& k, Index slots, std::uint64_t seed, int step) {
  PhiloxSequence random(seed, static_cast<std::uint64_t>(slots) << 32 | static_cast<std::uint32_t>(step));
  std::vector<std::int32_t> asked, first, second, answers, deck(symbols), place(pairs);
  const auto shuffle = [&](std::vector<std::int32_t>& cards, Index count) {
    for (Index i = 0; i < count; ++i)
      std::swap(cards[static_cast<std::size_t>(i)],
                cards[static_cast<std::size_t>(i) + random.below(static_cast<std::uint32_t>(cards.size() - static_cast<std::size_t>(i)))]);
  };
  for (Index b = 0; b < batch; ++b) {
    std::iota(deck.begin(), deck.end(), 0);
    shuffle(deck, pairs);
    const std::size_t start = first.size();
    for (Index i = 0; i < pairs; ++i) {
      first.push_back(deck[static_cast<std::size_t>(i)]);
      second.push_back(static_cast<std::int32_t>(random.below(values)));
    }
    for (Index n = 0; n < questions; ++n) {
      std::iota(place.begin(), place.end(), 0);
      shuffle(place, slots);
      for (Index j = 0; j < slots; ++j) {
        const std::size_t at = start + static_cast<std::size_t>(place[static_cast<std::size_t>(j)]);
        asked.push_back(static_cast<std::int32_t>(j * symbols) + first[at]);
        answers.push_back(second[at]);
      }
    }
  }
  return {IdTensor::from(k, {batch, questions, slots}, asked), IdTensor::from(k, {batch, pairs}, first),
          IdTensor::from(k, {batch, pairs}, second), IdTensor::from(k, {Index(answers.size())}, answers)};
}

struct Model {
  Parameter ask, first, second, w_q, w_k, w_v, w_o, inner, inner_bias, out, bias;
  Setup setup;
  Model(Kernels& k, const Setup& s, std::uint64_t seed) : setup(s) {
    init::normal(ask, k, "ask", {s.slots * symbols, s.dim}, 1, seed);
    init::normal(first, k, "first", {symbols, s.dim}, 1, seed);
    init::normal(second, k, "second", {values, s.dim}, 1, seed);
    for (auto [p, name] : {std::pair{&w_q, "q"}, {&w_k, "k"}, {&w_v, "v"}, {&w_o, "o"}})
      init::xavier_uniform(*p, k, name, {s.dim, s.dim}, seed);
    if (s.hidden) {
      init::xavier_uniform(inner, k, "inner", {s.hidden, s.dim}, seed);
      init::constant(inner_bias, k, "inner_bias", {s.hidden}, 0);
    }
    init::xavier_uniform(out, k, "out", {s.slots * values, s.hidden ? s.hidden : s.dim}, seed);
    init::constant(bias, k, "bias", {s.slots * values}, 0);
  }
  std::vector<Parameter*> parameters() {
    std::vector<Parameter*> all{&ask, &first, &second, &w_q, &w_k, &w_v, &w_o, &out, &bias};
    if (setup.hidden) all.insert(all.end(), {&inner, &inner_bias});
    return all;
  }

  /// [batch * questions * slots, values]
  Variable logits(Pass& pass, const Task& t, Fault fault) {
    const Variable asked = sum(embedding(pass(ask), t.asked), 2);  // [batch, questions, dim]
    const Variable k = embedding(pass(first), t.first), v = embedding(pass(second), t.second);
    const Variable o = attend(linear(asked, pass(w_q)), linear(k, pass(w_k)), linear(v, pass(w_v)), setup.heads, fault);
    Variable y = linear(o, pass(w_o));
    if (setup.hidden) y = bias_activation(Activation::relu, linear(y, pass(inner)), pass(inner_bias));
    return reshape(linear(y, pass(out), pass(bias)), {batch * questions * setup.slots, values});
  }
};

/// Questions of which every slot was answered right, in percent.
inline double accuracy(Kernels& k, Model& m, std::uint64_t seed, Fault fault) {
  int right = 0, asked = 0;
  for (int n = 0; n < 10; ++n) {
    Pass pass;
    const Task t = draw(k, m.setup.slots, seed, 1'000'000 + n);
    const auto logits = m.logits(pass, t, fault).value.to_host();
    const auto answers = t.answers.to_host();
    for (Index q = 0; q < batch * questions; ++q) {
      bool all = true;
      for (Index j = 0; j < m.setup.slots; ++j) {
        const auto row = logits.begin() + (q * m.setup.slots + j) * values;
        all = all && std::max_element(row, row + values) - row == answers[static_cast<std::size_t>(q * m.setup.slots + j)];
      }
      right += all;
      ++asked;
    }
  }
  return 100.0 * right / asked;
}

/// Trains with a fault, then asks with each of the faults `asked_with`: percent right for each.
inline std::vector<double> run(const Setup& setup, std::uint64_t seed, Fault trained_with, const std::vector<Fault>& asked_with) {
  const auto k = measuring_kernels();
  Model m(*k, setup, seed);
  TrainingOptions o;
  o.steps = steps;
  o.schedule = {ScheduleKind::constant, 3e-3, 20, 0};
  train(m.parameters(), o, [&](Pass& pass, int step) {
    const Task t = draw(*k, setup.slots, seed, step);
    return cross_entropy(m.logits(pass, t, trained_with), {t.answers});
  });
  std::vector<double> right;
  for (Fault fault : asked_with) right.push_back(accuracy(*k, m, seed, fault));
  return right;
}

/// The same fault in training and after.
inline double run(const Setup& setup, std::uint64_t seed, Fault fault = Fault::none) { return run(setup, seed, fault, {fault})[0]; }

}  // namespace places
