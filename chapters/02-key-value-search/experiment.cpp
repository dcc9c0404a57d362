// Chapter 2: attention as a dictionary that answers softly: how softly, how much it holds, what happens when
// queries are tied to keys or values to keys, and what the answer's slope is.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "02-key-value-search/dictionary.hpp"
#include "02-key-value-search/previous.hpp"
#include "autograd/gradient_check.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "ops/attention.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::chapter02;

namespace {

template <class Result>
Spread over(const std::vector<Result>& runs, double Result::*member) {
  std::vector<double> all;
  for (const Result& r : runs) all.push_back(r.*member);
  return spread(all);
}

// --- temperature
// ------------------------------------------------------------------------------------------------------

void temperatures(Session& s) {
  constexpr Index pairs = 32, width = 64;
  s.heading(
      fmt::format("{} pairs, keys of width {}: from an exact answer to the plain average", pairs, width));
  Table table{"temperature",
              {{"temperature", "weight of the right pair", "distance to its value", "distance to the average",
                "slope by the query"}}};
  Curve exact{"to the right value", {}, {}, {}, {}}, average{"to the average", {}, {}, {}, {}},
      slope{"slope (of its largest)", {}, {}, {}, {}};
  std::vector<double> slopes;
  std::map<double, Spread> on_right, to_exact, to_average;
  for (double temperature = 1; temperature <= 4096; temperature *= 2) {
    const auto runs =
        s.over_seeds([&](std::uint64_t seed) { return softness(seed, temperature, pairs, width); });
    const Spread hit = on_right[temperature] = over(runs, &Softness::on_right),
                 e = to_exact[temperature] = over(runs, &Softness::to_exact);
    const Spread a = to_average[temperature] = over(runs, &Softness::to_average),
                 steep = over(runs, &Softness::slope);
    for (Curve* c : {&exact, &average, &slope}) c->x.push_back(temperature);
    exact.y.push_back(e.mean);
    average.y.push_back(a.mean);
    slopes.push_back(steep.mean);
    if (temperature == 1 || temperature == 4 || temperature == 8 || temperature == 16 || temperature == 64 ||
        temperature == 4096)
      table.rows.push_back({fmt::format("{:.0f}{}", temperature, temperature == 8 ? " = √d_k" : ""),
                            to_text(hit, "{:.3f}"), to_text(e, "{:.3f}"), to_text(a, "{:.3f}"),
                            to_text(steep, "{:.2g}")});
    if (temperature == 1 || temperature == 8 || temperature == 16 || temperature == 4096) {
      const std::string name = fmt::format("{:.0f}", temperature);
      s.fact("on-right/" + name, hit, {0.05, 0}, "{:.3f}");
      s.fact("slope/" + name, steep, {1e-6, 0.3}, "{:.2g}");
    }
  }
  const double most = *std::max_element(slopes.begin(), slopes.end());
  for (double v : slopes) slope.y.push_back(v / most);
  s.table(table);
  s.figure("temperature-curves", CurveFigure{"From look-up to average",
                                             "temperature",
                                             "distance of the answer (value to average: 1)",
                                             true,
                                             false,
                                             {exact, average, slope}});
  s.fact("to-average/4096", to_average[4096], {0.01, 0}, "{:.3f}");
  s.claim("exact", "at a low temperature the answer is the stored value, at a high one the plain average",
          to_exact[1].most < 1e-6 && to_average[4096].most < 0.03);
  s.claim("slope", "only in between does the answer have a slope by which a query could be learned",
          slopes.front() < 1e-3 * most && slopes.back() < 1e-2 * most);
}

// --- capacity
// ---------------------------------------------------------------------------------------------------------

void capacity(Session& s) {
  const std::vector<Index> widths{4, 16, 64, 256}, sizes{4, 16, 64, 256, 1024, 4096};
  s.heading("How many pairs fit? Asked with a stored key, temperature √d_k");
  Table table{"capacity",
              {{"d_k", "pairs", "weight of the right pair", "nearest value is the right one (%)"}}};
  CurveFigure figure{"What a dictionary of width d_k can hold",
                     "stored pairs N",
                     "mean weight of the right pair",
                     true,
                     false,
                     {}};
  std::map<std::pair<Index, Index>, Spread> weight, right;
  for (Index width : widths) {
    Curve curve{fmt::format("d_k = {}", width), {}, {}, {}, {}};
    for (Index pairs : sizes) {
      const auto runs = s.over_seeds([&](std::uint64_t seed) { return recall(seed, pairs, width, false); });
      const Spread w = weight[{width, pairs}] = over(runs, &Recall::on_right),
                   r = right[{width, pairs}] = over(runs, &Recall::right);
      if (pairs == 16 || pairs == 256 || pairs == 4096)
        table.rows.push_back(
            {std::to_string(width), std::to_string(pairs), to_text(w, "{:.3f}"), to_text(r, "{:.1f}")});
      curve.x.push_back(static_cast<double>(pairs));
      curve.y.push_back(w.mean);
      curve.low.push_back(w.least);
      curve.high.push_back(w.most);
    }
    // Where the weight passes one half, between two sizes on a logarithmic axis.
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i)
      if (curve.y[i] >= 0.5 && curve.y[i + 1] < 0.5)
        s.fact(fmt::format("half/{}", width),
               curve.x[i] *
                   std::pow(curve.x[i + 1] / curve.x[i], (curve.y[i] - 0.5) / (curve.y[i] - curve.y[i + 1])),
               {0, 0.35}, "{:.0f}");
    figure.curves.push_back(std::move(curve));
  }
  s.table(table);
  s.figure("capacity-curves", figure);
  for (Index width : {4, 64}) s.fact(fmt::format("recall/{}", width), right[{width, 4096}], {8, 0}, "{:.1f}");
  s.claim("capacity",
          "what a dictionary holds grows steeply with the width of its keys: at width 4 not 64 pairs, at "
          "width 256 thousands",
          weight[{4, 64}].most < 0.5 && weight[{256, 4096}].least > 0.9);
  for (const std::string& variant : s.variants()) {
    if (variant != "keys-as-values") continue;
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return recall(seed, 256, 64, true); });
    const Spread r = over(runs, &Recall::right);
    s.text(fmt::format("keys as values, 256 pairs, d_k = 64: {} % right, instead of {}", to_text(r, "{:.1f}"),
                       to_text(right[{64, 256}], "{:.1f}")));
    s.fact("dictionary/healthy", right[{64, 256}], {5, 0}, "{:.1f}");
    s.fact("dictionary/keys-as-values", r, {5, 0}, "{:.1f}");
    s.claim("keys-as-values",
            "a dictionary that hands over its keys answers every question with the question", r.most < 10);
  }
}

// --- who looks at whom
// ------------------------------------------------------------------------------------------------

void symmetry(Session& s) {
  constexpr Index time = 12, dim = 32, d_k = 16;
  s.heading("Scores of random vectors against themselves, random projections: |S - Sᵀ| / |S|");
  for (const std::string& variant : s.variants()) {
    if (variant == "keys-as-values") continue;
    const auto runs = s.over_seeds([&](std::uint64_t seed) {
      const auto k = measuring_kernels();
      const Tensor x = random_tensor(*k, {time, dim}, seed, 1), w_q = random_tensor(*k, {d_k, dim}, seed, 2);
      const Tensor w_k = variant == "tied" ? w_q : random_tensor(*k, {d_k, dim}, seed, 3);
      auto scores = matmul(linear(x, w_q), linear(x, w_k), false, true).value.to_host();
      auto turned = scores;
      for (Index i = 0; i < time; ++i)
        for (Index j = 0; j < time; ++j)
          turned[static_cast<std::size_t>(i * time + j)] -= scores[static_cast<std::size_t>(j * time + i)];
      return norm(turned) / norm(scores);
    });
    const Spread a = spread(runs);
    s.text(fmt::format("{:<10} {}", Session::label(variant), to_text(a)));
    s.fact("asymmetry/" + Session::label(variant), a, {0.15, 0});
    if (variant == "tied")
      s.claim("symmetric", "queries tied to keys make symmetric scores: i thinks of j what j thinks of i",
              a.most < 1e-12);
  }
}

void looking_back(Session& s) {
  constexpr int steps = 500;
  constexpr Index usual = 16;
  const std::vector<Index> key_widths{2, 4, 8, 16}, place_counts{12, 24, 48, 96};
  s.heading(fmt::format("In training: which token stands before me? {} tokens, {} in a row, {} steps of Adam",
                        tokens, length, steps));
  Table table{"previous",
              {{"variant", "d_k", "places", "right (%)", "weight on the previous", "norms falling (%)"}}};
  HeatFigure maps{"Who looks at whom, one trained layer, mean over sequences",
                  "key: place looked at",
                  "query: place that looks",
                  {}};
  CurveFigure norms{"How long the query of each place has become, first seed",
                    "place",
                    "norm of the place's query",
                    false,
                    true,
                    {}};
  std::map<std::string, std::map<Index, Spread>> by_width, by_places;
  for (const std::string& variant : s.variants()) {
    const std::string name = Session::label(variant);
    const auto measure = [&](Index d_k, Index places) {
      const auto runs =
          s.over_seeds([&](std::uint64_t seed) { return look_back(seed, variant, d_k, places, steps); });
      const Spread right = over(runs, &LookBackResult::right), falling = over(runs, &LookBackResult::falling);
      table.rows.push_back({name, std::to_string(d_k), std::to_string(places), to_text(right, "{:.1f}"),
                            to_text(over(runs, &LookBackResult::on_previous)), to_text(falling, "{:.0f}")});
      if (d_k == usual && places == length) {
        s.answer(variant, right);
        s.fact("falling/" + name, falling, {25, 0}, "{:.0f}");
        HeatMap map{name, {}, {}, runs.front().weights};
        Curve curve{name, {}, runs.front().norms, {}, {}};
        for (Index i = 0; i < length; ++i) {
          map.rows.push_back(std::to_string(i + 1));
          curve.x.push_back(static_cast<double>(i + 1));
        }
        map.columns = map.rows;
        maps.maps.push_back(std::move(map));
        norms.curves.push_back(std::move(curve));
      }
      return right;
    };
    for (Index d_k : key_widths) by_width[name][d_k] = measure(d_k, length);
    for (Index places : place_counts)
      by_places[name][places] = places == length ? by_width[name][usual] : measure(usual, places);
    s.fact("previous/" + name, by_width[name][usual], {12, 0}, "{:.1f}");
    s.fact("previous-narrow/" + name, by_width[name][2], {20, 0}, "{:.1f}");
    s.fact("previous-long/" + name, by_places[name][96], {12, 0}, "{:.1f}");
  }
  s.table(table);
  s.figure("who-looks-at-whom", maps);
  s.figure("norms", norms);
  const auto& healthy = by_width["healthy"];
  s.claim("learns",
          "with queries and keys of their own every place learns to look at the one before, even with two "
          "numbers for a key",
          healthy.at(2).least > 98 && healthy.at(16).least > 98 && by_places["healthy"].at(96).least > 98);
  if (by_width.contains("tied"))
    s.claim("tied",
            "with queries tied to keys it never learns the task whole, though far more of it than half",
            by_width["tied"].at(16).mean < 97 && by_places["tied"].at(96).mean < 95 &&
                by_width["tied"].at(16).mean > 60);
  if (by_width.contains("keys-as-values"))
    s.claim("room",
            "keys can double as values where they are wide enough for both, and not where they are narrow",
            by_width["keys-as-values"].at(16).least > 95 && by_width["keys-as-values"].at(2).most < 50);
}

// --- one matrix for two
// -----------------------------------------------------------------------------------------------

void merging(Session& s) {
  constexpr Index time = 10, dim = 64;
  s.heading(fmt::format("W_Qᵀ W_K as one matrix, model width {}", dim));
  Table table{"merged",
              {{"d_k", "parameters of W_Q and W_K", "of one full matrix", "rank of W_Qᵀ W_K",
                "scores differ by (relative)"}}};
  bool ranks = true, equal = true;
  for (Index d_k : {4, 16, 32, 64}) {
    const auto k = measuring_kernels();
    const std::uint64_t seed = s.seeds().front();
    const Tensor x = random_tensor(*k, {time, dim}, seed, 1);
    const Tensor w_q = random_tensor(*k, {d_k, dim}, seed, 2), w_k = random_tensor(*k, {d_k, dim}, seed, 3);
    const Tensor m = matmul(w_q, w_k, true).value;  // [dim, dim]
    const auto two = matmul(linear(x, w_q), linear(x, w_k), false, true).value.to_host();
    auto one = merged_scores(x, m).value.to_host();
    for (std::size_t i = 0; i < one.size(); ++i) one[i] -= two[i];
    const double off = norm(one) / norm(two);
    const Index rank = numeric_rank(m.to_host(), dim, dim);
    ranks = ranks && rank == d_k;
    equal = equal && off < 1e-12;
    table.rows.push_back({std::to_string(d_k), std::to_string(2 * d_k * dim), std::to_string(dim * dim),
                          std::to_string(rank), fmt::format("{:.0e}", off)});
    s.fact(fmt::format("rank/{}", d_k), static_cast<double>(rank), {0.5, 0}, "{:.0f}");
  }
  s.table(table);
  s.claim("merged", "one matrix W_Qᵀ W_K gives the same scores as the two", equal);
  s.claim("rank",
          "that matrix has rank d_k: a narrow head is a full matrix with most of its freedom taken away",
          ranks);
}

// --- the slope, and the engine
// ----------------------------------------------------------------------------------------

void engine(Session& s) {
  s.heading("The lesson's code, the covariance, and the engine's fused attention");
  constexpr Index pairs = 9, width = 6;
  const double temperature = std::sqrt(static_cast<double>(width));
  const auto k = make_kernels(s.device(), s.threads());
  const std::uint64_t seed = s.seeds().front();
  const Tensor q = random_tensor(*k, {1, 1, width}, seed, 1),
               keys = random_tensor(*k, {1, pairs, width}, seed, 2);
  const Tensor values = random_tensor(*k, {1, pairs, width}, seed, 3),
               upstream = random_tensor(*k, {1, 1, width}, seed, 4);
  using Leaves = const std::vector<Variable>&;
  const auto lesson = lab::with_gradients(
      {q, keys, values}, upstream, [&](Leaves in) { return soft_lookup(in[0], in[1], in[2], temperature); });
  const auto fused = lab::with_gradients({q, keys, values}, upstream,
                                         [](Leaves in) { return attention(in[0], in[1], in[2], 1); });
  lab::same(s, {"output", "gradient of the query", "gradient of the keys", "gradient of the values"}, lesson,
            fused, 1e-10);

  const Tensor flat_keys = keys.reshaped({pairs, width}), flat_values = values.reshaped({pairs, width});
  const Variable w = match(q.reshaped({1, width}), flat_keys, temperature);
  const Variable slope =
      scale(covariance(w, flat_keys, flat_values), static_cast<Real>(1 / temperature));  // [d_k, d_v]
  const auto from_covariance = matmul(slope, upstream.reshaped({1, width}), false, true).value.to_host();
  s.same("covariance of keys and values times the upstream gradient (the query's gradient)",
         std::span<const Real>(from_covariance), std::span<const Real>(fused[1]), 1e-10);

  const auto start = q.to_host(), up = upstream.to_host();
  std::vector<double> moved(start.begin(), start.end()),
      analytic(from_covariance.begin(), from_covariance.end());
  const auto f = [&] {
    const std::vector<Real> at(moved.begin(), moved.end());
    const auto y =
        soft_lookup(Tensor::from(*k, {1, 1, width}, at), keys, values, temperature).value.to_host();
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(y[i]) * static_cast<double>(up[i]);
    return sum;
  };
  const GradientError error = check_gradient(f, moved, analytic, 1e-5);
  s.text(fmt::format("and the slope measured by moving the query a little: relative difference {:.1e}",
                     error.relative));
  s.claim("covariance",
          "the gradient of the answer by the query is the covariance of the values with the keys, over the "
          "temperature: finite differences agree",
          error.relative < 1e-6);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      2,
      "How does the key-value search process the sequence?",
      "places that name the token before them rightly after training, in % (guessing: 6)",
      "{:.1f}",
      {{"tied", "queries are the keys: one projection for both"},
       {"keys-as-values", "values are the keys: what is handed over is what was searched by"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    temperatures(s);
    capacity(s);
    symmetry(s);
    if (!s.fast()) looking_back(s);
    merging(s);
    engine(s);
  });
}
