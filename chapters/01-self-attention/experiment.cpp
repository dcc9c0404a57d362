// Chapter 1: what a layer of self-attention does to order, to weights and to the future; what it is good for,
// on little reviews; and what it costs by length.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "01-self-attention/cost.hpp"
#include "01-self-attention/reviews.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"
#include "ops/attention.hpp"
#include "ops/scale.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::chapter01;
using lab::random_tensor;

namespace {

// --- order, weights, future
// -------------------------------------------------------------------------------------------

constexpr Index time_steps = 16, dim = 16;  // equal, so that a forgotten transposition goes unnoticed

/// One layer with random projections, small enough that scores have a variance near 1.
struct Layer {
  std::string variant;
  Tensor w_q, w_k, w_v;
  Layer(Kernels& k, std::uint64_t seed, std::string v) : variant(std::move(v)) {
    const double half = 1 / std::sqrt(static_cast<double>(dim)),
                 sharp = std::pow(static_cast<double>(dim), -0.75);
    w_q = random_tensor(k, {dim, dim}, seed, 1, sharp);
    w_k = random_tensor(k, {dim, dim}, seed, 2, sharp);
    w_v = random_tensor(k, {dim, dim}, seed, 3, half);
  }
  Tensor weights(const Tensor& x, bool causal = false) const {
    return weights_of(variant, linear(x, w_q), linear(x, w_k), causal).value;
  }
  std::vector<Real> operator()(const Tensor& x, bool causal = false) const {
    return matmul(weights(x, causal), linear(x, w_v)).value.to_host();
  }
};

/// The rows of `values` [time, dim] in another order.
std::vector<Real> in_order(const std::vector<Real>& values, const std::vector<Index>& order) {
  std::vector<Real> out;
  for (Index row : order) out.insert(out.end(), values.begin() + row * dim, values.begin() + (row + 1) * dim);
  return out;
}

/// Largest difference of the first `count` numbers, or of all, relative to the largest magnitude of a.
double difference(std::span<const Real> a, std::span<const Real> b, std::size_t count = std::dynamic_extent) {
  const Real size = std::abs(
      *std::max_element(a.begin(), a.end(), [](Real x, Real y) { return std::abs(x) < std::abs(y); }));
  return lab::largest_difference(count < a.size() ? a.first(count) : a,
                                 count < b.size() ? b.first(count) : b) /
         double(size);
}

struct Properties {
  double permuted = 0, with_positions = 0, with_mask = 0;  ///< |f(Px) - P f(x)|, relative
  double row_sum_off = 0;                                  ///< largest |Σ_j w_ij - 1|
  double leak =
      0;  ///< under a causal mask: change of all outputs but the last when the last token is another
  double moved = 0;  ///< how much of a row's weight lies elsewhere when the input is another, mean over rows
};

Properties measure(const std::string& variant, std::uint64_t seed) {
  const auto k = measuring_kernels();
  const Layer layer(*k, seed, variant);
  const Shape shape{1, time_steps, dim};
  const Tensor x = random_tensor(*k, shape, seed, 4);
  std::vector<Index> order(time_steps);
  std::iota(order.begin(), order.end(), 0);
  PhiloxSequence random(seed, 5);
  for (Index i = time_steps - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)], order[random.below(static_cast<std::uint32_t>(i + 1))]);
  const Tensor permuted = Tensor::from(*k, shape, in_order(x.to_host(), order));
  const Tensor positions = sinusoidal_positions(*k, time_steps, dim);
  const auto placed = [&](const Tensor& t) { return add(t, positions).value; };

  Properties p;
  p.permuted = difference(layer(permuted), in_order(layer(x), order));
  p.with_positions = difference(layer(placed(permuted)), in_order(layer(placed(x)), order));
  p.with_mask = difference(layer(permuted, true), in_order(layer(x, true), order));

  const Tensor other = random_tensor(*k, shape, seed, 6);
  const auto w = layer.weights(x).to_host(), w_other = layer.weights(other).to_host();
  for (Index i = 0; i < time_steps; ++i) {
    double sum = 0;
    for (Index j = 0; j < time_steps; ++j) {
      const auto at = static_cast<std::size_t>(i * time_steps + j);
      sum += w[at];
      p.moved += std::abs(double(w[at]) - double(w_other[at])) / 2 / time_steps;
    }
    p.row_sum_off = std::max(p.row_sum_off, std::abs(sum - 1));
  }

  auto values = x.to_host();
  for (Index c = 0; c < dim; ++c) values[static_cast<std::size_t>((time_steps - 1) * dim + c)] += 1;
  const Tensor changed = Tensor::from(*k, shape, values);
  p.leak = difference(layer(x, true), layer(changed, true), static_cast<std::size_t>((time_steps - 1) * dim));
  return p;
}

void properties(Session& s) {
  s.heading(
      fmt::format("One layer, {} random vectors of width {}: what does it know of order, and of the future?",
                  time_steps, dim));
  Table table{"properties",
              {{"layer", "input permuted", "… positions added", "… causal mask", "row sum off 1 by",
                "leak from the future"}}};
  for (const std::string& variant : s.variants()) {
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return measure(variant, seed); });
    const auto over = [&](double Properties::*member) {
      std::vector<double> all;
      for (const Properties& p : runs) all.push_back(p.*member);
      return spread(all);
    };
    const std::string name = Session::label(variant);
    const Spread permuted = over(&Properties::permuted), placed = over(&Properties::with_positions);
    const Spread masked = over(&Properties::with_mask), sums = over(&Properties::row_sum_off),
                 leak = over(&Properties::leak);
    const auto text = [](const Spread& v) {
      return v.most < 1e-4 ? fmt::format("{:.0e}", v.most) : to_text(v);
    };
    table.rows.push_back({name, text(permuted), text(placed), text(masked), text(sums), text(leak)});
    if (variant.empty()) {
      const Spread moved = over(&Properties::moved);
      s.fact("permuted/healthy", permuted.most, {1e-5, 0}, "{:.0e}");
      s.fact("positions/healthy", placed, {0.25, 0});
      s.fact("mask/healthy", masked, {0.4, 0});
      s.fact("moved/healthy", moved, {0.1, 0});
      s.claim("equivariant",
              "permuting the input permutes the output: self-attention by itself knows no order",
              permuted.most < 1e-5);
      s.claim("positions-order", "positions added to the input, or a causal mask, end that",
              placed.least > 0.1 && masked.least > 0.1);
      s.claim("activations",
              "the weights are activations: the same parameters share out much of their attention otherwise "
              "for another input",
              moved.least > 0.25);
      s.claim("causal", "under a causal mask no output changes, in no bit, when a later token does",
              leak.most == 0);
    } else {
      s.fact("permuted/" + name, permuted, {0.4, 0});
      s.fact("sums/" + name, sums, {0.6, 0});
      s.fact("leak/" + name, leak, {0.15, 0.5});
    }
    if (variant == "wrong-axis")
      s.claim("wrong-axis",
              "a softmax over the wrong axis gives rows that do not sum to 1, and leaks the future through "
              "the mask",
              sums.least > 0.2 && leak.least > 0.005);
    if (variant == "no-transpose")
      s.claim("no-transpose",
              "without Kᵀ the output depends on the order of the input, and on the future through the mask",
              permuted.least > 0.1 && leak.least > 0.02);
  }
  s.table(table);
  s.text("Numbers are differences relative to the output's largest entry; row sums are absolute.");
}

void forgotten_transposition(Session& s) {
  const auto k = make_kernels("reference");
  std::string complaint = "nothing";
  try {
    matmul(random_tensor(*k, {1, 12, dim}, 1, 1), random_tensor(*k, {1, 12, dim}, 1, 2));
  } catch (const ShapeError& e) {
    complaint = e.what();
  }
  s.text(fmt::format("Q K instead of Q Kᵀ for 12 positions: {}", complaint));
  s.claim("shape-error",
          "Q K without the transposition exists only where there are as many positions as features",
          complaint != "nothing");
}

// --- reviews
// ----------------------------------------------------------------------------------------------------------

constexpr int training_steps = 2400;

struct ReviewResult {
  double right = 0;
  std::vector<std::vector<std::vector<double>>> weights;  ///< of each shown review, [time][time]
  std::vector<double> praise;                             ///< probability of praise for each
};

/// The same words in two orders: blame, then praise.
const std::vector<std::vector<std::int32_t>> shown{
    {24, 22, 25, 5, 18, 21, 6, 23, 26, 20, 1, 22, 25, 24, 26,
     23},  // well and so film is not good but oh quite music …
    {24, 22, 25, 5, 18, 20, 6, 23, 26, 21, 1, 22, 25, 24, 26,
     23}};  // well and so film is quite good but oh not music …

ReviewResult run_reviews(const std::string& variant, std::uint64_t seed, bool looks, bool ordered) {
  const auto k = measuring_kernels();
  Classifier model(*k, seed, variant);
  model.looks = looks;
  model.ordered = ordered;
  train_classifier(*k, model, seed, training_steps);
  ReviewResult r;
  r.right = accuracy(*k, model, seed);
  for (const auto& ids : shown) {
    Pass pass;
    const IdTensor input = IdTensor::from(*k, {1, sentence_length}, ids);
    const auto w = model.weights(pass, model.embedded(pass, input)).value.to_host();
    std::vector<std::vector<double>> rows;
    for (Index i = 0; i < sentence_length; ++i)
      rows.emplace_back(w.begin() + i * sentence_length, w.begin() + (i + 1) * sentence_length);
    r.weights.push_back(std::move(rows));
    const auto p = softmax(model(pass, input)).value.to_host();
    r.praise.push_back(p[1]);
  }
  return r;
}

HeatMap map_of(const std::string& title, const std::vector<std::int32_t>& ids,
               std::vector<std::vector<double>> values) {
  std::vector<std::string> names;
  for (std::int32_t id : ids) names.push_back(vocabulary[static_cast<std::size_t>(id)]);
  for (auto& row : values)
    for (double& v : row) v = std::min(v, 1.0);  // the wrong axis gives rows of more than 1
  return {title, names, names, std::move(values)};
}

void reviews(Session& s) {
  s.heading(fmt::format("Is the review praise or blame? {} words, one layer, {} steps of Adam",
                        sentence_length, training_steps));
  Table table{"reviews", {{"classifier", "right (%)"}}};
  HeatFigure figure{"Who looks where: the weights of one trained layer",
                    "key: the word looked at",
                    "query: the word that looks",
                    {}};
  const auto right_of = [&](const std::vector<ReviewResult>& runs) {
    std::vector<double> right;
    for (const auto& r : runs) right.push_back(r.right);
    return spread(right);
  };
  std::map<std::string, Spread> right;
  for (const std::string& variant : s.variants()) {
    const auto runs =
        s.over_seeds([&](std::uint64_t seed) { return run_reviews(variant, seed, true, true); });
    const std::string name = Session::label(variant);
    right[name] = right_of(runs);
    table.rows.push_back({name, to_text(right[name], "{:.1f}")});
    s.fact("reviews/" + name, right[name], {10, 0}, "{:.1f}");
    s.answer(variant, right[name]);
    const auto& first = runs.front();
    figure.maps.push_back(
        map_of(variant.empty() ? "film is not good … quite music" : name + ": film is not good …", shown[0],
               first.weights[0]));
    if (!variant.empty()) continue;
    figure.maps.push_back(map_of("film is quite good … not music", shown[1], first.weights[1]));
    s.text(
        fmt::format("film is not good … quite music: praise with probability {:.2f}; film is quite good … "
                    "not music: {:.2f}",
                    first.praise[0], first.praise[1]));
    for (const auto& [label, looks, ordered] :
         {std::tuple{"no positions", true, false}, {"no attention", false, true}}) {
      const auto others =
          s.over_seeds([&](std::uint64_t seed) { return run_reviews("", seed, looks, ordered); });
      right[label] = right_of(others);
      table.rows.push_back({label, to_text(right[label], "{:.1f}")});
      s.fact(std::string("reviews/") + (looks ? "no-positions" : "no-attention"), right[label], {10, 0},
             "{:.1f}");
    }
    s.claim("reads",
            "one layer of self-attention learns what \"not\" does to the word after it, which no bag of "
            "words can",
            right[name].mean > 87);
    s.claim("needs-looking",
            "without attention no word knows of another, and the classifier cannot do better than 62.5 % and "
            "a little luck",
            right["no attention"].most < 68);
    s.claim("needs-order",
            "without positions it cannot do better than a bag of words, 81.25 % and a little luck",
            right["no positions"].most < 86);
  }
  s.table(table);
  s.figure("weights", figure);
  if (right.contains("no-transpose"))
    s.claim("trap",
            "a layer without Kᵀ learns this task as well, at the one length where it exists: the loss does "
            "not show the mistake",
            right["no-transpose"].mean > 85);
}

// --- cost
// -------------------------------------------------------------------------------------------------------------

void memory(Session& s) {
  s.heading(fmt::format("Memory of one training pass, width {}, by length", cost_width));
  Table table{"memory",
              {{"length L", "scores alone (MiB)", "lesson (MiB)", "fused (MiB)", "lesson / fused"}}};
  CurveFigure figure{"Memory of one layer, forward and backward",
                     "length L (tokens)",
                     "most in tensors at once (MiB)",
                     true,
                     true,
                     {}};
  std::vector<double> lengths, plain, fused;
  constexpr double mib = 1 << 20;
  for (Index time : cost_lengths) {
    CostBench a(time), b(time);
    lengths.push_back(static_cast<double>(time));
    plain.push_back(peak_bytes(a, [&](const Variable& x) { return a.lesson(x); }) / mib);
    fused.push_back(peak_bytes(b, [&](const Variable& x) { return b.fused(x); }) / mib);
    table.rows.push_back({std::to_string(time),
                          fmt::format("{:.3g}", static_cast<double>(time * time * Index(sizeof(Real))) / mib),
                          fmt::format("{:.3g}", plain.back()), fmt::format("{:.3g}", fused.back()),
                          fmt::format("{:.1f}", plain.back() / fused.back())});
  }
  figure.curves = {{"lesson: every score kept", lengths, plain, {}, {}},
                   {"engine: fused", lengths, fused, {}, {}}};
  s.table(table);
  s.figure("memory-by-length", figure);
  const auto last = [](const std::vector<double>& y) { return std::log2(y[y.size() - 1] / y[y.size() - 2]); };
  s.fact("memory-exponent/lesson", fitted_exponent(lengths, plain), {0.05, 0});
  s.fact("memory-exponent/fused", fitted_exponent(lengths, fused), {0.05, 0});
  s.fact("memory-doubling/lesson", last(plain), {0.05, 0});
  s.fact("memory-doubling/fused", last(fused), {0.05, 0});
  s.fact("memory/lesson", plain.back(), {0, 0.05}, "{:.1f}");
  s.fact("memory/fused", fused.back(), {0, 0.05}, "{:.1f}");
  s.text(fmt::format("Fitted exponents: lesson {:.2f} (last doubling {:.2f}), fused {:.2f}",
                     fitted_exponent(lengths, plain), last(plain), fitted_exponent(lengths, fused)));
  s.claim("memory-square", "the lesson's memory ends up growing with the square of the length",
          last(plain) > 1.85);
  s.claim("memory-linear", "the fused path's memory grows with the length only",
          std::abs(last(fused) - 1) < 0.1);
}

/// Where `ratio` passes 1, between two measured lengths on logarithmic axes; 0 where it does not.
double crossing(const std::vector<double>& lengths, const std::vector<double>& ratio) {
  for (std::size_t i = 0; i + 1 < ratio.size(); ++i)
    if (ratio[i] <= 1 && ratio[i + 1] > 1)
      return lengths[i] *
             std::pow(lengths[i + 1] / lengths[i], -std::log(ratio[i]) / std::log(ratio[i + 1] / ratio[i]));
  return ratio.front() > 1 ? lengths.front() : 0;
}

void clocked(Session& s) {
  s.heading(fmt::format("Time of one forward pass on one core, width {}, feed-forward {} wide inside",
                        cost_width, cost_inner));
  Table table{"time",
              {{"length L", "attention / feed-forward (operations)", "feed-forward (ms)", "lesson (ms)",
                "fused (ms)", "lesson / feed-forward", "fused / feed-forward"}}};
  CurveFigure figure{"Time of one forward pass", "length L (tokens)", "time (ms)", true, true, {}};
  std::vector<double> lengths, paper, plain, fused, feed, plain_ratio, fused_ratio;
  for (Index time : cost_lengths) {
    const CostBench bench(time);
    const auto best = [&](const auto& layer) {
      double least = 1e9;
      for (std::size_t n = 0; n < s.seeds().size(); ++n) least = std::min(least, seconds(bench, layer));
      return 1e3 * least;
    };
    lengths.push_back(static_cast<double>(time));
    paper.push_back((projection_flops(time) + core_flops(time)) / feed_forward_flops(time));
    feed.push_back(best([&](const Variable& x) { return bench.feed_forward(x); }));
    plain.push_back(best([&](const Variable& x) { return bench.lesson(x); }));
    fused.push_back(best([&](const Variable& x) { return bench.fused(x); }));
    plain_ratio.push_back(plain.back() / feed.back());
    fused_ratio.push_back(fused.back() / feed.back());
    table.rows.push_back({std::to_string(time), fmt::format("{:.2f}", paper.back()),
                          fmt::format("{:.2f}", feed.back()), fmt::format("{:.2f}", plain.back()),
                          fmt::format("{:.2f}", fused.back()), fmt::format("{:.1f}", plain_ratio.back()),
                          fmt::format("{:.1f}", fused_ratio.back())});
  }
  figure.curves = {{"attention, lesson", lengths, plain, {}, {}},
                   {"attention, fused", lengths, fused, {}, {}},
                   {"feed-forward", lengths, feed, {}, {}}};
  s.table(table);
  s.figure("time-by-length", figure);
  const auto tail = [](const std::vector<double>& v) { return std::span<const double>(v).last(4); };
  const double lesson_exponent = fitted_exponent(tail(lengths), tail(plain)),
               fused_exponent = fitted_exponent(tail(lengths), tail(fused));
  s.fact("time-exponent/lesson", lesson_exponent, Tolerance::machine());
  s.fact("time-exponent/fused", fused_exponent, Tolerance::machine());
  s.fact("time-exponent/feed-forward", fitted_exponent(tail(lengths), tail(feed)), Tolerance::machine());
  s.fact("crossing/lesson", crossing(lengths, plain_ratio), Tolerance::machine(), "{:.0f}");
  s.fact("crossing/fused", crossing(lengths, fused_ratio), Tolerance::machine(), "{:.0f}");
  s.fact("crossing/last-ratio", paper.back(), {0.01, 0}, "{:.1f}");
  s.claim("time-square",
          "both paths' time grows faster than the length, and far faster than the feed-forward's",
          lesson_exponent > 1.4 && fused_exponent > 1.4);
  s.claim("attention-passes",
          "at the longest input attention costs several times as much as the feed-forward",
          plain_ratio.back() > 2 && fused_ratio.back() > 2);
}

void characters(Session& s) {
  const auto runs = s.over_seeds([&](std::uint64_t seed) {
    PhiloxSequence random(seed, 7);
    double length = 0;
    constexpr int reviews = 500;
    for (int n = 0; n < reviews; ++n) {
      for (std::int32_t id : make_review(random).words)
        length += static_cast<double>(vocabulary[static_cast<std::size_t>(id)].size() + 1) / reviews;
    }
    return length / static_cast<double>(sentence_length);
  });
  std::vector<double> squares;
  for (double r : runs) squares.push_back(r * r);
  s.heading("The same review as words and as characters");
  s.text(fmt::format(
      "one word is {} characters, its space among them: so many times the length, {} times the scores",
      to_text(spread(runs), "{:.2f}"), to_text(spread(squares), "{:.1f}")));
  s.fact("characters", spread(runs), {0.1, 0}, "{:.2f}");
  s.fact("characters-squared", spread(squares), {1, 0}, "{:.1f}");
}

// --- the engine
// -------------------------------------------------------------------------------------------------------

void engine(Session& s) {
  s.heading("The lesson's code and the engine's fused attention, causal and with padding");
  const auto k = make_kernels(s.device(), s.threads());
  const std::uint64_t seed = s.seeds().front();
  constexpr Index width = 16;
  const Tensor x = random_tensor(*k, {2, 9, width}, seed, 1),
               upstream = random_tensor(*k, {2, 9, width}, seed, 2);
  std::vector<Tensor> inputs{x};
  for (std::uint64_t stream : {3, 4, 5})
    inputs.push_back(random_tensor(*k, {width, width}, seed, stream, 0.25));
  const std::vector<std::int32_t> lengths{9, 6};
  const Masking masking{true, 0, IdTensor::from(*k, {2}, lengths)};
  using Leaves = const std::vector<Variable>&;
  const auto lesson = lab::with_gradients(
      inputs, upstream, [&](Leaves in) { return self_attention(in[0], in[1], in[2], in[3], masking); });
  const auto fused = lab::with_gradients(inputs, upstream, [&](Leaves in) {
    const Variable q =
        scale(linear(in[0], in[1]), std::sqrt(Real(width)));  // undoes the engine's factor: see chapter 3
    return attention(q, linear(in[0], in[2]), linear(in[0], in[3]), 1, masking);
  });
  lab::same(s, {"output", "gradient of the input", "gradient of W_Q", "gradient of W_K", "gradient of W_V"},
            lesson, fused, 1e-5);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      1,
      "What happens in a self-attention layer?",
      "reviews judged rightly after training, in % (guessing gives 50, the best bag of words 81)",
      "{:.1f}",
      {{"wrong-axis",
        "the softmax runs over the queries: every key's column sums to 1, not every query's row"},
       {"no-transpose", "the scores are Q K instead of Q Kᵀ, at the one length where that exists"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    properties(s);
    forgotten_transposition(s);
    memory(s);
    characters(s);
    if (!s.fast()) reviews(s);
    if (!s.fast()) clocked(s);
    engine(s);
  });
}
