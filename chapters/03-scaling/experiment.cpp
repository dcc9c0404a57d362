// Chapter 3: what the factor between the dot products and the softmax does, first to random vectors, then to a small
// recall task in training.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "03-scaling/lesson.hpp"
#include "core/philox.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"
#include "course/training.hpp"
#include "ops/attention.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/embedding.hpp"
#include "ops/linear.hpp"
#include "ops/reshape.hpp"
#include "ops/slice.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::lab;
using chapter03::Scaling;

namespace {

constexpr Index keys = 32, heads = 8;
const std::vector<Index> widths{4, 16, 64, 256, 1024};

Scaling scaling_of(const std::string& variant) {
  if (variant == "no-scale") return Scaling::none;
  if (variant == "by-d") return Scaling::by_width;
  if (variant == "by-model-width") return Scaling::by_model_width;
  return Scaling::by_root;
}

// --- random vectors ---------------------------------------------------------------------------------------------------

struct Softness {
  double variance = 0;  ///< of the scores as the softmax sees them
  double entropy = 0;   ///< of the weights, in nats
  double jacobian = 0;  ///< Frobenius norm of d weights / d scores
};

/// Means over many random queries and keys, every entry of which is standard normal.
Softness measure(Scaling scaling, Index d_k, std::uint64_t seed) {
  constexpr int queries = 200;
  PhiloxSequence random(seed, static_cast<std::uint64_t>(d_k));
  const double factor = chapter03::factor(scaling, d_k, heads * d_k);
  Softness mean;
  for (int n = 0; n < queries; ++n) {
    std::vector<double> query(static_cast<std::size_t>(d_k)), scores(keys);
    for (double& v : query) v = random.normal();
    for (double& score : scores) {
      double dot = 0;
      for (double v : query) dot += v * random.normal();
      score = factor * dot;
      mean.variance += score * score / (queries * keys);
    }
    const double most = *std::max_element(scores.begin(), scores.end());
    double sum = 0, squares = 0, fourth = 0;
    for (double& s : scores) sum += s = std::exp(s - most);
    for (double& p : scores) {
      p /= sum;
      if (p > 0) mean.entropy -= p * std::log(p) / queries;
      squares += p * p;
    }
    // J = diag(p) - p pᵀ, so |J|² = Σ p²(1-p)² + Σ_{i≠j} p_i² p_j²
    for (double p : scores) fourth += p * p * (1 - p) * (1 - p) + p * p * (squares - p * p);
    mean.jacobian += std::sqrt(fourth) / queries;
  }
  return mean;
}

void random_vectors(Session& s) {
  s.heading("Random queries against 32 random keys, entries with mean 0 and variance 1");
  Table table{"random", {{"scaling", "d_k", "variance of a score", "entropy (nats)", "norm of the Jacobian"}}};
  CurveFigure entropies{"How soft the attention is, by head width",
                        "head width d_k",
                        "entropy of the weights (nats)",
                        true,
                        false,
                        {}};
  for (const std::string& variant : s.variants()) {
    Curve curve{Session::label(variant), {}, {}, {}, {}};
    for (Index d_k : widths) {
      const auto runs = s.over_seeds([&](std::uint64_t seed) { return measure(scaling_of(variant), d_k, seed); });
      std::vector<double> variances, entropy, jacobian;
      for (const Softness& r : runs) {
        variances.push_back(r.variance);
        entropy.push_back(r.entropy);
        jacobian.push_back(r.jacobian);
      }
      const Spread v = spread(variances), h = spread(entropy), j = spread(jacobian);
      table.rows.push_back({Session::label(variant), std::to_string(d_k), to_text(v, "{:.3g}"), to_text(h), to_text(j, "{:.3f}")});
      curve.x.push_back(static_cast<double>(d_k));
      curve.y.push_back(h.mean);
      curve.low.push_back(h.least);
      curve.high.push_back(h.most);
      if (d_k == widths.back()) {
        const std::string name = Session::label(variant);
        s.fact("variance/" + name, v, {0, 0.1}, "{:.3g}");
        s.fact("entropy/" + name, h, {0.1, 0}, "{:.2f}");
        s.fact("jacobian/" + name, j, {0.02, 0}, "{:.3f}");
        s.answer(variant, h);
        if (variant.empty()) s.claim("variance-one", "dividing by √d_k gives the scores variance 1 at every width", std::abs(v.mean - 1) < 0.1);
        if (variant == "no-scale") s.claim("saturates", "without the factor wide heads look at one key only and their softmax passes almost no gradient", h.mean < 0.5 && j.mean < 0.2);
        if (variant == "by-d") s.claim("uniform", "dividing by d_k leaves wide heads with nearly equal weights", h.mean > std::log(double(keys)) - 0.05);
      }
    }
    entropies.curves.push_back(std::move(curve));
  }
  s.table(table);
  s.figure("entropy", entropies);
}

// --- it is not about overflow -----------------------------------------------------------------------------------------

void overflow(Session& s) {
  s.heading("Is it about overflow? Scores of ±10000, float");
  const auto k = make_kernels("reference");
  const std::vector<Real> scores{10000, -10000, 9999, 0};
  const auto weights = softmax(Tensor::from(*k, {1, 4}, scores)).value.to_host();
  s.text(fmt::format("softmax(10000, -10000, 9999, 0) = {:.3f}, {:.3f}, {:.3f}, {:.3f}", weights[0], weights[1], weights[2], weights[3]));
  s.claim("no-overflow", "a softmax that subtracts the largest score first never overflows, scaled or not",
          std::abs(weights[0] + weights[2] - 1) < 1e-6);
}

// --- a recall task ----------------------------------------------------------------------------------------------------

constexpr Index pairs = 16, batch = 32, symbols = 64, d_k = 256;
constexpr int steps = 150;

/// One layer of attention that must look a symbol up: pairs of symbols, then one of the first symbols; the answer is its
/// partner. Queries and keys come from the first symbols, values from the second.
struct Recall {
  Parameter embedding, query, key, value, out, out_bias;
  Recall(Kernels& k, std::uint64_t seed) {
    init::normal(embedding, k, "embedding", {symbols, d_k}, 1, seed);
    for (auto [p, name] : {std::pair{&query, "query"}, {&key, "key"}, {&value, "value"}, {&out, "out"}})
      init::xavier_uniform(*p, k, name, {p == &out ? symbols : d_k, d_k}, seed);
    init::constant(out_bias, k, "out_bias", {symbols}, 0);
  }
  std::vector<Parameter*> parameters() { return {&embedding, &query, &key, &value, &out, &out_bias}; }

  Variable logits(Pass& pass, const IdTensor& asked, const IdTensor& first, const IdTensor& second, double factor) {
    const Variable table = pass(embedding);
    const Variable q = linear(embedding_of(table, asked), pass(query));
    const Variable k = linear(embedding_of(table, first), pass(key));
    const Variable v = linear(embedding_of(table, second), pass(value));
    return linear(reshape(chapter03::attention(q, k, v, factor), {batch, d_k}), pass(out), pass(out_bias));
  }
  static Variable embedding_of(const Variable& table, const IdTensor& ids) { return tenfold::embedding(table, ids); }
};

struct Question {
  IdTensor asked, first, second, answers;
};

Question ask(Kernels& k, std::uint64_t seed, int step) {
  PhiloxSequence random(seed, 1000 + static_cast<std::uint64_t>(step));
  std::vector<std::int32_t> asked, first, second, answers, deck(symbols);
  for (Index b = 0; b < batch; ++b) {
    for (Index i = 0; i < symbols; ++i) deck[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i);
    for (Index i = 0; i < pairs; ++i) {
      std::swap(deck[static_cast<std::size_t>(i)], deck[static_cast<std::size_t>(i) + random.below(static_cast<std::uint32_t>(symbols - i))]);
      first.push_back(deck[static_cast<std::size_t>(i)]);
      second.push_back(static_cast<std::int32_t>(random.below(symbols)));
    }
    const auto which = first.size() - pairs + random.below(pairs);
    asked.push_back(first[which]);
    answers.push_back(second[which]);
  }
  return {IdTensor::from(k, {batch, 1}, asked), IdTensor::from(k, {batch, pairs}, first),
          IdTensor::from(k, {batch, pairs}, second), IdTensor::from(k, {batch}, answers)};
}

struct RecallResult {
  std::vector<double> losses;
  double accuracy = 0;
};

RecallResult recall(std::uint64_t seed, double factor) {
  const auto k = measuring_kernels();
  Recall model(*k, seed);
  TrainingOptions o;
  o.steps = steps;
  o.schedule = {ScheduleKind::constant, 1e-3, 20, 0};
  RecallResult r;
  r.losses = train(model.parameters(), o, [&](Pass& pass, int step) {
    const Question q = ask(*k, seed, step);
    return cross_entropy(model.logits(pass, q.asked, q.first, q.second, factor), {q.answers});
  }).loss;
  int right = 0;
  constexpr int tests = 20;
  for (int n = 0; n < tests; ++n) {
    Pass pass;
    const Question q = ask(*k, seed, 1'000'000 + n);
    const auto logits = model.logits(pass, q.asked, q.first, q.second, factor).value.to_host();
    const auto answers = q.answers.to_host();
    for (Index b = 0; b < batch; ++b) {
      const auto row = logits.begin() + b * symbols;
      right += std::max_element(row, row + symbols) - row == answers[static_cast<std::size_t>(b)];
    }
  }
  r.accuracy = 100.0 * right / (tests * batch);
  return r;
}

void recall_task(Session& s) {
  s.heading(fmt::format("In training: recall one of {} pairs, d_k = {}, {} steps of Adam", pairs, d_k, steps));
  Table table{"recall", {{"scaling", "right after training (%)", "loss at the end (nats)"}}};
  CurveFigure losses{"A recall task trained with each scaling", "training step", "loss (nats, mean of the seeds)", false, false, {}};
  double healthy = 0;
  for (const std::string& variant : s.variants()) {
    const double factor = chapter03::factor(scaling_of(variant), d_k, heads * d_k);
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return recall(seed, factor); });
    std::vector<double> right, last;
    Curve curve{Session::label(variant), {}, {}, {}, {}};
    for (int step = 0; step < steps; step += 5) {
      double sum = 0;
      for (const auto& r : runs) sum += r.losses[static_cast<std::size_t>(step)];
      curve.x.push_back(step + 1);
      curve.y.push_back(sum / static_cast<double>(runs.size()));
    }
    for (const auto& r : runs) {
      right.push_back(r.accuracy);
      last.push_back(r.losses.back());
    }
    const Spread accuracy = spread(right), loss = spread(last);
    table.rows.push_back({Session::label(variant), to_text(accuracy, "{:.1f}"), to_text(loss)});
    s.fact("recall/" + Session::label(variant), accuracy, {15, 0}, "{:.1f}");
    losses.curves.push_back(std::move(curve));
    if (variant.empty()) healthy = accuracy.mean;
  }
  s.table(table);
  s.figure("recall-loss", losses);
  s.claim("learns", "scaled by 1/√d_k the layer learns to look up", healthy > 90);
}

// --- the engine -------------------------------------------------------------------------------------------------------

void engine(Session& s) {
  s.heading("The lesson's code and the engine's fused attention");
  const auto k = make_kernels(s.device(), s.threads());
  const Shape shape{2, 9, 16};
  const auto random = [&](std::uint64_t stream) {
    return random_tensor(*k, shape, s.seeds().front(), stream);
  };
  const Tensor q = random(1), key = random(2), v = random(3), upstream = random(4);
  using Leaves = const std::vector<Variable>&;
  const auto lesson = with_gradients({q, key, v}, upstream, [](Leaves in) {
    return chapter03::attention(in[0], in[1], in[2], chapter03::factor(Scaling::by_root, 16, 16));
  });
  const auto fused =
      with_gradients({q, key, v}, upstream, [](Leaves in) { return attention(in[0], in[1], in[2], 1); });
  same(s, {"output", "gradient of the queries", "gradient of the keys", "gradient of the values"}, lesson,
       fused, 1e-5);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      3,
      "Why divide the scores by √d_k?",
      "entropy of the attention weights over 32 random keys at d_k = 1024, in nats (32 equal weights would have 3.47)",
      "{:.2f}",
      {{"no-scale", "the scores are not divided at all"},
       {"by-d", "the scores are divided by d_k instead of its root"},
       {"by-model-width", "the scores are divided by the root of the model's width, 8 heads together, instead of the head's"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    random_vectors(s);
    overflow(s);
    if (!s.fast()) recall_task(s);
    engine(s);
  });
}
