// Chapter 10: what heads cost, what they can do that one cannot, what they come to mean in a translator, and the whole
// Transformer from the chapters' own pieces.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <map>

#include "10-multi-head/against_engine.hpp"
#include "10-multi-head/places.hpp"
#include "10-multi-head/translator.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::lab;
using places::Fault;

namespace {

const std::vector<Index> head_counts{1, 2, 4, 8};

Fault fault_of(const std::string& variant) {
  if (variant == "not-split") return Fault::not_split;
  if (variant == "wrong-order") return Fault::wrong_order;
  if (variant == "no-transpose") return Fault::no_transpose;
  return Fault::none;
}

template <class T, class F>
Spread spread_of(const std::vector<T>& runs, const F& value) {
  std::vector<double> values;
  for (const T& r : runs) values.push_back(value(r));
  return spread(values);
}

// --- what heads cost --------------------------------------------------------------------------------------------------

constexpr Index cost_dim = 256, cost_time = 128, cost_batch = 4;

/// Milliseconds of one pass forward and backward through the engine's layer, the best of several, one round after the other.
std::vector<double> layer_times(Session& s) {
  const auto k = make_kernels(s.device(), 1);
  const Tensor x = random_tensor(*k, {cost_batch, cost_time, cost_dim}, 1, 1);
  std::vector<std::unique_ptr<MultiHeadAttention>> layers;
  ModelConfig config;
  config.model_dim = cost_dim;
  for (Index heads : head_counts) {
    config.heads = heads;
    layers.push_back(std::make_unique<MultiHeadAttention>(Builder{*k, 1, config}, "layer"));
  }
  std::vector<double> best(layers.size(), std::numeric_limits<double>::infinity());
  Tape tape;
  for (int round = 0; round < 12; ++round)
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto start = std::chrono::steady_clock::now();
      tape.clear();
      Pass pass(tape);
      const Variable y = layers[i]->self(pass, tape.leaf(x), {});
      tape.backward(y, x);
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
      best[i] = std::min(best[i], took.count());
    }
  return best;
}

void cost(Session& s) {
  s.heading(fmt::format("What heads cost: one layer of width {}, {} sequences of {} tokens", cost_dim, cost_batch, cost_time));
  const std::vector<double> times = s.fast() ? std::vector<double>{} : layer_times(s);
  Table table{"cost", {{"heads", "width of a head", "parameters", "attention weights of a sequence", "forward and backward (ms)"}}};
  std::vector<Index> counts;
  for (std::size_t i = 0; i < head_counts.size(); ++i) {
    const Index heads = head_counts[i];
    const auto k = make_kernels("reference");
    ModelConfig config;
    config.model_dim = cost_dim;
    config.heads = heads;
    MultiHeadAttention layer(Builder{*k, 1, config}, "layer");
    Index count = 0;
    layer.visit([&](Parameter& p) { count += p.value.size(); });
    counts.push_back(count);
    s.fact(fmt::format("parameters/{}", heads), static_cast<double>(count), {}, "{:.0f}");
    if (s.fast()) continue;
    s.fact(fmt::format("time/{}", heads), times[i], Tolerance::machine(), "{:.1f}");
    table.rows.push_back({std::to_string(heads), std::to_string(cost_dim / heads), std::to_string(count),
                          std::to_string(heads * cost_time * cost_time), fmt::format("{:.1f}", times[i])});
  }
  s.claim("equal-size", "1, 2, 4 and 8 heads have exactly as many parameters",
          std::count(counts.begin(), counts.end(), counts[0]) == static_cast<std::ptrdiff_t>(counts.size()));
  if (!s.fast()) {
    s.table(table);
    s.claim("equal-time", "8 heads take less than three times as long as one", times.back() < 3 * times.front());
  }
}

// --- two places at once -----------------------------------------------------------------------------------------------

/// Two heads asked for two places, healthy and with every fault; the fault there from the start, and put in after training.
void two_places(Session& s) {
  s.heading(fmt::format("Two places at once: 2 of {} symbols asked for, 2 heads of 32, {} steps", places::pairs, places::steps));
  const places::Setup setup;
  std::vector<Fault> faults;
  for (const std::string& variant : s.variants()) faults.push_back(fault_of(variant));
  const auto healthy = s.over_seeds([&](std::uint64_t seed) { return places::run(setup, seed, Fault::none, faults); });
  Table table{"two-places", {{"heads", "fault from the start: both right (%)", "put in after training: both right (%)"}}};
  std::map<std::string, Spread> start, after;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const std::string variant = s.variants()[i], name = Session::label(variant);
    after[variant] = spread_of(healthy, [&](const auto& right) { return right[i]; });
    start[variant] = i == 0 ? after[variant] : spread(s.over_seeds([&](std::uint64_t seed) { return places::run(setup, seed, faults[i]); }));
    s.fact("start/" + name, start[variant], {12, 0}, "{:.1f}");
    if (!variant.empty()) s.fact("after/" + name, after[variant], {12, 0}, "{:.1f}");
    s.answer(variant, start[variant]);
    table.rows.push_back({name, to_text(start[variant], "{:.1f}"), variant.empty() ? "" : to_text(after[variant], "{:.1f}")});
  }
  s.table(table);
  s.claim("two-see-two", "two heads answer about two places at once", start[""].least > 90);
  const auto broken = [&](const std::string& v) { return start.contains(v); };
  if (broken("not-split")) s.claim("one-softmax", "with one softmax for all the same layer cannot", start["not-split"].most < 40);
  if (broken("wrong-order")) {
    s.claim("order-learned", "heads in the wrong order from the start are learned without loss", start["wrong-order"].least > 90);
    s.claim("order-trained", "heads in the wrong order after training ruin every answer", after["wrong-order"].most < 20);
  }
  if (broken("no-transpose"))
    s.claim("no-transpose", "a merge without the transposition mixes up the tokens, from the start or after", start["no-transpose"].most < 40 && after["no-transpose"].most < 40);
}

/// Every number of heads against every number of places, at one size.
void grid(Session& s) {
  s.heading("Heads against places: all answers of a question right, in percent");
  const std::vector<Index> asked{1, 2, 4};
  Table table{"grid", {{"heads", "places", "1 head", "2 heads", "4 heads", "8 heads"}}};
  HeatFigure figure{"Answers right, by places asked for and number of heads, at equal size", "heads", "places asked for", {}};
  for (const std::string& variant : s.variants()) {
    HeatMap map{Session::label(variant), {}, {"1", "2", "4", "8"}, {}};
    std::map<std::pair<Index, Index>, Spread> found;
    for (Index slots : asked) {
      std::vector<std::string> row{Session::label(variant), std::to_string(slots)};
      std::vector<double> shares;
      for (Index heads : head_counts) {
        const Spread right = spread(s.over_seeds([&](std::uint64_t seed) { return places::run({slots, heads}, seed, fault_of(variant)); }));
        found[{slots, heads}] = right;
        row.push_back(to_text(right, "{:.0f}"));
        shares.push_back(right.mean / 100);
        if (variant.empty()) s.fact(fmt::format("grid/{}-{}", slots, heads), right, {12, 0}, "{:.1f}");
      }
      map.rows.push_back(std::to_string(slots));
      map.values.push_back(shares);
      table.rows.push_back(row);
    }
    figure.maps.push_back(std::move(map));
    if (!variant.empty()) continue;
    bool enough = true, too_few = true;
    for (const auto& [cell, right] : found) (cell.second >= cell.first ? enough : too_few) &= cell.second >= cell.first ? right.mean > 85 : right.mean < 40;
    s.claim("as-many", "with as many heads as places, or more, the layer answers", enough);
    s.claim("fewer", "with fewer heads than places it does not", too_few);
  }
  s.table(table);
  s.figure("places", figure);
}

/// What else might help a single head.
void instead(Session& s) {
  s.heading("What else might help a single head");
  struct Try {
    std::string name, what;
    places::Setup setup;
  };
  const std::vector<Try> tries{{"wide-2", "one head of 128, 2 places", {2, 1, 128, 0}},
                               {"block-2", "one head of 64 and a feed-forward block of 256, 2 places", {2, 1, 64, 256}},
                               {"block-4", "one head of 64 and a feed-forward block of 256, 4 places", {4, 1, 64, 256}}};
  Table table{"instead", {{"layer", "all right (%)"}}};
  std::map<std::string, Spread> found;
  for (const Try& t : tries) {
    const Spread right = spread(s.over_seeds([&](std::uint64_t seed) { return places::run(t.setup, seed); }));
    found[t.name] = right;
    s.fact("instead/" + t.name, right, {15, 0}, "{:.1f}");
    table.rows.push_back({t.what, to_text(right, "{:.1f}")});
  }
  s.table(table);
  s.claim("width-no-help", "a single head twice as wide does not answer about two places", found["wide-2"].most < 40);
  s.claim("block-no-help", "a feed-forward block behind a single head does not save four places", found["block-4"].most < 40);
}

// --- heads of a translator --------------------------------------------------------------------------------------------

void translator_heads(Session& s) {
  using namespace translator;
  const auto runs = s.over_seeds(study);
  const auto over = [&](const auto& value) { return spread_of(runs, value); };
  s.heading(fmt::format("A trained translator, 2+2 layers of {} heads, {} held-out sentences", usual_heads, sentences));
  const Spread exact = over([](const Findings& f) { return f.exact; });
  s.fact("translator/exact", exact, {3, 0}, "{:.1f}");
  s.claim("greedy", "right under teacher forcing and right in greedy decoding are the same sentences",
          std::all_of(runs.begin(), runs.end(), [](const Findings& f) { return std::abs(f.exact - f.greedy) < 1; }));
  s.text(fmt::format("exact match {} %", to_text(exact, "{:.1f}")));

  Table table{"heads", {{"attention", "heads that mostly look at", "without one head (points)", "without the worst (points)", "without all four (points)"}}};
  std::map<std::string, Spread> worst, all;
  int redundant = 0, count = 0, aligned = 0, crossing = 0;
  for (std::size_t site = 0; site < runs[0].sites.size(); ++site) {
    const std::string label = runs[0].sites[site];
    std::map<std::string, int> seen;
    std::vector<double> damages;
    for (const Findings& f : runs)
      for (const Head& h : f.heads) {
        if (h.site != site) continue;
        ++seen[h.role];
        damages.push_back(h.damage);
        redundant += h.damage <= 1;
        ++count;
        if (label.starts_with("cross")) {
          ++crossing;
          aligned += h.role == "the word to translate";
        }
      }
    worst[label] = over([&](const Findings& f) {
      double most = 0;
      for (const Head& h : f.heads)
        if (h.site == site) most = std::max(most, h.damage);
      return most;
    });
    all[label] = over([&](const Findings& f) { return f.whole[site]; });
    std::vector<std::string> looked;
    for (const auto& [role, n] : seen) looked.push_back(fmt::format("{} ({})", role, n));
    std::string slug = label;
    std::replace(slug.begin(), slug.end(), ' ', '-');
    s.fact("worst/" + slug, worst[label], {25, 0}, "{:.1f}");
    s.fact("whole/" + slug, all[label], {25, 0}, "{:.1f}");
    table.rows.push_back({label, fmt::format("{}", fmt::join(looked, ", ")), to_text(spread(damages), "{:.1f}"),
                          to_text(worst[label], "{:.1f}"), to_text(all[label], "{:.1f}")});
  }
  s.table(table);
  s.fact("redundant", redundant, {8, 0}, "{:.0f}");
  s.fact("head-count", count, {}, "{:.0f}");
  s.fact("aligned", aligned, {6, 0}, "{:.0f}");
  s.fact("cross-heads", crossing, {}, "{:.0f}");
  s.claim("roles", "looking at the word to translate recurs in every seed, in most heads between decoder and encoder", 3 * aligned > 2 * crossing);
  s.claim("redundant", "most heads can be taken out, one at a time, with hardly a sentence lost", 2 * redundant > count);
  s.claim("needed-together", "all heads of the first cross-attention together cannot", all["cross 1"].least > 30);

  const auto curve = [&](const std::string& label, const auto& values) {
    Curve c{label, {}, {}, {}, {}};
    for (std::size_t n = 0; n < values(runs[0]).size(); ++n) {
      const Spread y = over([&](const Findings& f) { return values(f)[n]; });
      c.x.push_back(static_cast<double>(n));
      c.y.push_back(y.mean);
      c.low.push_back(y.least);
      c.high.push_back(y.most);
    }
    return c;
  };
  s.figure("pruning", CurveFigure{"Exact match while heads are taken out", "heads taken out (of 24)", "exact match (%)", false, false,
                                  {curve("least harmful first", [](const Findings& f) { return f.least_first; }),
                                   curve("most harmful first", [](const Findings& f) { return f.most_first; })}});
  const Spread eight = over([](const Findings& f) { return f.least_first[8]; }), three = over([](const Findings& f) { return f.most_first[3]; });
  s.fact("pruned/eight-least", eight, {8, 0}, "{:.1f}");
  s.fact("pruned/three-most", three, {20, 0}, "{:.1f}");
  s.claim("a-third", "a third of all heads can go if they are well chosen, three cannot if they are not", eight.mean > 80 && three.mean < 70);

  HeatFigure picture{"Where each head of the first cross-attention looks while it writes (first seed)", "source", "word to write", {}};
  for (std::size_t h = 0; h < runs[0].picture.size(); ++h)
    picture.maps.push_back({fmt::format("head {}", h + 1), runs[0].written, runs[0].read, runs[0].picture[h]});
  s.figure("looks", picture);

  const Spread before = over([](const Findings& f) { return f.divergence_before; }), after = over([](const Findings& f) { return f.divergence_after; });
  s.text(fmt::format("two heads of a layer differ by {} nats before training, {} after (at most {:.3f})", to_text(before, "{:.3f}"), to_text(after, "{:.3f}"), std::log(2.0)));
  s.fact("divergence/before", before, {0.02, 0}, "{:.3f}");
  s.fact("divergence/after", after, {0.06, 0}, "{:.3f}");
  s.claim("diverse", "training makes the heads of a layer look at different things", after.least > 2 * before.most);

  const Spread reversed = over([](const Findings& f) { return f.reversed; }), undivided = over([](const Findings& f) { return f.one_head; });
  s.fact("translator/wrong-order", reversed, {10, 0}, "{:.1f}");
  s.fact("translator/not-split", undivided, {25, 0}, "{:.1f}");
  s.text(fmt::format("the same weights, heads in the wrong order: {} %; read as one head: {} %", to_text(reversed, "{:.1f}"), to_text(undivided, "{:.1f}")));
  s.claim("silent", "a trained translator read with the wrong order or number of heads loses most sentences, and no shape complains",
          reversed.most < 50 && undivided.mean < 60);

  Table sizes{"translators", {{"heads", "exact match (%)"}}};
  Spread one;
  for (Index heads : {Index{1}, usual_heads, Index{8}}) {
    const Spread right = heads == usual_heads ? exact : spread(s.over_seeds([&](std::uint64_t seed) { return exact_with_heads(heads, seed); }));
    s.fact(fmt::format("trained-with/{}", heads), right, {4, 0}, "{:.1f}");
    sizes.rows.push_back({std::to_string(heads), to_text(right, "{:.1f}")});
    if (heads == 1) one = right;
  }
  s.table(sizes);
  s.claim("one-is-enough-here", "on this small language a translator with one head a layer does as well as with four", std::abs(one.mean - exact.mean) < 5);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      10,
      "Why several heads, and what do they mean?",
      "questions about two places answered right by two heads, trained as they are run, in percent (guessing both: 0.4)",
      "{:.1f}",
      {{"not-split", "heads are not split: one softmax over the whole width"},
       {"wrong-order", "the heads' results are concatenated in the opposite order"},
       {"no-transpose", "the heads' results are read as [batch, time, dim] without bringing the heads back beside the columns"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    cost(s);
    two_places(s);
    if (!s.fast()) {
      grid(s);
      instead(s);
      translator_heads(s);
    }
    layer_and_engine(s);
    assembled_and_engine(s);
  });
}
