// Chapter 8: what makes outputs of any length possible: the causal mask, the cache, the end token and the
// positions, each alone first and then in small trained models.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <map>

#include "08-autoregression/trained.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"
#include "ops/attention.hpp"
#include "translate/incremental_decoder.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::chapter08;
using lab::random_tensor, lab::relative_difference;
namespace tasks = tenfold::chapter08_tasks;

namespace {

// --- the mask
// ---------------------------------------------------------------------------------------------------------

constexpr Index rows = 8, d_k = 16, draws = 50, heads = 4;

Later later_of(const std::string& variant) {
  return variant == "mask-zero" ? Later::times_zero : Later::excluded;
}

struct Leak {
  std::vector<double> mass;                ///< of the weights of row t on keys after t, mean
  std::vector<std::vector<double>> first;  ///< the weights of one head, [query][key]
  double moved =
      0;  ///< how far the outputs of all rows but the last move when the last value changes, relative
};

Leak measure_leak(Later later, std::uint64_t seed) {
  const auto k = measuring_kernels();
  const Shape shape{draws, heads, rows, d_k};
  const Variable weights =
      causal_weights(random_tensor(*k, shape, seed, 1), random_tensor(*k, shape, seed, 2), later);
  const auto w = weights.value.to_host();
  Leak leak{std::vector<double>(rows, 0), std::vector<std::vector<double>>(rows, std::vector<double>(rows)),
            0};
  for (Index n = 0; n < draws * heads; ++n)
    for (Index query = 0; query < rows; ++query)
      for (Index key = 0; key < rows; ++key) {
        const double p = w[static_cast<std::size_t>((n * rows + query) * rows + key)];
        if (key > query) leak.mass[static_cast<std::size_t>(query)] += p / (draws * heads);
        if (n == 0) leak.first[static_cast<std::size_t>(query)][static_cast<std::size_t>(key)] = p;
      }
  // The last token says something else: its value is replaced.
  const auto value = random_tensor(*k, shape, seed, 3).to_host(),
             other = random_tensor(*k, shape, seed, 4).to_host();
  auto changed = value;
  for (Index n = 0; n < draws * heads; ++n)
    for (Index c = 0; c < d_k; ++c) {
      const auto at = static_cast<std::size_t>((n * rows + rows - 1) * d_k + c);
      changed[at] = other[at];
    }
  const auto before = matmul(weights, Tensor::from(*k, shape, value)).value.to_host();
  const auto after = matmul(weights, Tensor::from(*k, shape, changed)).value.to_host();
  double moved = 0, size = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (i / d_k % rows == rows - 1) continue;
    moved += std::pow(static_cast<double>(after[i] - before[i]), 2);
    size += std::pow(static_cast<double>(before[i]), 2);
  }
  leak.moved = std::sqrt(moved / size);
  return leak;
}

void mask(Session& s) {
  s.heading("Eight random queries and keys: how much weight goes to keys that come later?");
  Table table{"leak", {{"mask", "row 1", "row 2", "row 3", "row 5", "row 7", "row 8"}}};
  HeatFigure figure{"Attention weights of one head, row by row", "key", "query", {}};
  for (const std::string& variant : s.variants()) {
    if (!variant.empty() && variant != "mask-zero") continue;
    const std::string name = Session::label(variant);
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return measure_leak(later_of(variant), seed); });
    std::vector<std::string> line{name};
    const auto mass = [&](std::size_t row) {
      std::vector<double> values;
      for (const Leak& r : runs) values.push_back(r.mass[row]);
      return spread(values);
    };
    for (std::size_t row : {0, 1, 2, 4, 6, 7}) line.push_back(to_text(mass(row)));
    table.rows.push_back(line);
    for (std::size_t row : {0, 1, 2}) s.fact(fmt::format("leak/{}/{}", name, row + 1), mass(row), {0.03, 0});
    std::vector<double> moved;
    for (const Leak& r : runs) moved.push_back(r.moved);
    s.fact("moved/" + name, spread(moved), {0.03, 0});
    HeatMap map{
        variant.empty() ? "healthy: excluded" : "mask-zero: scores times 0", {}, {}, runs.front().first};
    for (int i = 1; i <= rows; ++i) {
      map.rows.push_back(std::to_string(i));
      map.columns.push_back(std::to_string(i));
    }
    figure.maps.push_back(map);
    if (variant.empty())
      s.claim("causal",
              "excluded keys get no weight at all, and a changed last token moves no earlier output",
              mass(0).most == 0 && spread(moved).most == 0);
    else
      s.claim("leaks", "a masked score multiplied by 0 leaves most of the first rows' weight on later keys",
              mass(0).least > 0.7 && mass(1).least > 0.5 && spread(moved).least > 0.1);
  }
  s.table(table);
  s.figure("mask", figure);
}

// --- pads
// -------------------------------------------------------------------------------------------------------------

/// The encoder's output for five letters, with `pads` pads after them, of which `masked` says whether they
/// are hidden.
std::vector<Real> encoded(Transformer& model, std::uint64_t seed, Index pads, bool masked) {
  PhiloxSequence random(seed, 5);
  std::vector<std::int32_t> ids = tasks::echo(random, 5).source;
  ids.insert(ids.end(), static_cast<std::size_t>(pads), pad_id);
  Pass pass;
  const auto length = static_cast<std::int32_t>(masked ? 5 : 5 + pads);
  Kernels& k = model.kernels();
  const Tensor out =
      model.encode(pass, IdTensor::from(k, {1, 5 + pads}, ids), IdTensor::full(k, {1}, length)).value;
  return out.reshaped({5 + pads, out.dim(2)}).rows(0, 5).to_host();
}

void pads(Session& s) {
  s.heading("Five letters through an encoder of random weights, alone and with five pads after them");
  std::vector<double> masked, unmasked;
  for (std::uint64_t seed : s.seeds()) {
    const auto k = measuring_kernels();
    Transformer model(*k, small_model(4 + tasks::letters), seed);
    const auto alone = encoded(model, seed, 0, true);
    masked.push_back(relative_difference(encoded(model, seed, 5, true), alone));
    unmasked.push_back(relative_difference(encoded(model, seed, 5, false), alone));
  }
  s.text(fmt::format("the letters' outputs move, masked by {:.0e}, unmasked by {} (relative)",
                     spread(masked).most, to_text(spread(unmasked))));
  s.fact("pads/masked", spread(masked).most, Tolerance::machine(), "{:.0e}");
  s.fact("pads/unmasked", spread(unmasked), {0.1, 0});
  s.claim("pads", "pads change nothing when they are masked, and every output when they are not",
          spread(masked).most < 1e-5 && spread(unmasked).least > 0.05);
}

// --- the cache
// --------------------------------------------------------------------------------------------------------

/// The logits after each of 24 tokens, by four ways through the same random model.
struct Ways {
  std::vector<Real> recomputed, engine, lesson, forgotten;
};

Ways logits_of(std::uint64_t seed) {
  constexpr Index length = 24;
  const auto k = measuring_kernels();
  ModelConfig config = small_model(4 + tasks::letters);
  config.decoder_layers = 2;
  Transformer model(*k, config, seed);
  PhiloxSequence random(seed, 6);
  std::vector<std::int32_t> source = tasks::echo(random, 7).source,
                            target = tasks::echo(random, length).source;
  target.front() = bos_id;
  const IdTensor ids = IdTensor::from(*k, {1, 7}, source), lengths = IdTensor::full(*k, {1}, 7);
  Pass pass;
  const Variable memory = model.encode(pass, ids, lengths);
  Ways w;
  w.recomputed =
      model.logits(pass, model.decode(pass, memory, lengths, IdTensor::from(*k, {1, length}, target)))
          .value.to_host();
  IncrementalDecoder engine(model, ids, lengths, length);
  CachedDecoder lesson(model, ids, lengths), forgotten(model, ids, lengths);
  for (Index t = 0; t < length; ++t) {
    const std::int32_t token = target[static_cast<std::size_t>(t)];
    const auto append = [](std::vector<Real>& all, const std::vector<Real>& more) {
      all.insert(all.end(), more.begin(), more.end());
    };
    append(w.engine, engine.step(std::vector{token}).to_host());
    append(w.lesson, lesson.step(token, t));
    append(w.forgotten, forgotten.step(token, 0));
  }
  return w;
}

void cache(Session& s) {
  s.heading("24 tokens through a decoder of random weights: all at once, and one at a time with a cache");
  std::vector<double> engine, lesson, forgotten;
  std::vector<Ways> ways;
  for (std::uint64_t seed : s.seeds()) {
    ways.push_back(logits_of(seed));
    engine.push_back(relative_difference(ways.back().engine, ways.back().recomputed));
    lesson.push_back(relative_difference(ways.back().lesson, ways.back().recomputed));
    forgotten.push_back(relative_difference(ways.back().forgotten, ways.back().recomputed));
  }
  s.text(fmt::format("logits differ: engine's cache {:.0e}, lesson's cache {:.0e}", spread(engine).most,
                     spread(lesson).most));
  s.fact("cache/engine", spread(engine).most, Tolerance::machine(), "{:.0e}");
  s.fact("cache/lesson", spread(lesson).most, Tolerance::machine(), "{:.0e}");
  s.claim("cache", "logits with a cache equal those computed anew from the whole prefix",
          spread(engine).most < 1e-4 && spread(lesson).most < 1e-4);
  for (const std::string& variant : s.variants()) {
    if (variant != "forgotten-positions") continue;
    s.text(fmt::format("with forgotten positions: {}", to_text(spread(forgotten))));
    s.fact("cache/forgotten-positions", spread(forgotten), {0.3, 0});
    s.claim("forgotten", "a cache whose tokens all claim position 0 gives other logits",
            spread(forgotten).least > 0.05);
  }
  s.same("output with a cache", std::span<const Real>(ways.front().lesson),
         std::span<const Real>(ways.front().engine), 1e-4);
}

// --- what the cache saves
// ---------------------------------------------------------------------------------------------

/// Processor time of this thread, in ms: not disturbed by what else the machine does.
double thread_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Cost {
  std::vector<double> cached, anew;  ///< ms, one for each length
};

Cost measure_cost(std::uint64_t seed, const std::vector<Index>& lengths) {
  const auto k = measuring_kernels();
  ModelConfig config;
  config.source_vocabulary = config.target_vocabulary = 100;
  config.max_length = 520;
  config.dropout = 0;
  Transformer model(*k, config, seed);
  const IdTensor source = IdTensor::full(*k, {1, 10}, 5), source_lengths = IdTensor::full(*k, {1}, 10);
  Pass pass;
  const Variable memory = model.encode(pass, source, source_lengths);
  IncrementalDecoder decoder(model, source, source_lengths, config.max_length);
  std::vector<double> step_times;
  for (Index t = 0; t < config.max_length; ++t) {
    const double begin = thread_milliseconds();
    decoder.step(std::vector<std::int32_t>{7});
    step_times.push_back(thread_milliseconds() - begin);
  }
  Cost cost;
  for (Index length : lengths) {
    std::vector<double> times;
    for (int repeat = 0; repeat < 5; ++repeat) {
      const IdTensor prefix = IdTensor::full(*k, {1, length}, 7);
      const double begin = thread_milliseconds();
      const Tensor hidden =
          model.decode(pass, memory, source_lengths, prefix).value.reshaped({length, config.model_dim});
      model.logits(pass, hidden.rows(length - 1, 1));
      times.push_back(thread_milliseconds() - begin);
    }
    const auto around = step_times.begin() + length - 9;
    cost.cached.push_back(median({around, around + 16}));
    cost.anew.push_back(median(times));
  }
  return cost;
}

void cost(Session& s) {
  s.heading(
      "Processor time of one token, by how many there are before it (2 layers, width 128, one sentence)");
  const std::vector<Index> lengths{16, 32, 64, 128, 256, 512};
  const auto runs = s.over_seeds([&](std::uint64_t seed) { return measure_cost(seed, lengths); });
  Curve cached{"with a cache", {}, {}, {}, {}}, anew{"computed anew", {}, {}, {}, {}};
  Table table{"cost", {{"token number", "with a cache (ms)", "computed anew (ms)", "times as long"}}};
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    std::vector<double> a, b;
    for (const Cost& r : runs) {
      a.push_back(r.cached[i]);
      b.push_back(r.anew[i]);
    }
    for (auto [curve, y] : {std::pair{&cached, spread(a)}, {&anew, spread(b)}}) {
      curve->x.push_back(static_cast<double>(lengths[i]));
      curve->y.push_back(y.mean);
      curve->low.push_back(y.least);
      curve->high.push_back(y.most);
    }
    table.rows.push_back({std::to_string(lengths[i]), to_text(spread(a), "{:.3f}"),
                          to_text(spread(b), "{:.2f}"),
                          fmt::format("{:.0f}", anew.y.back() / cached.y.back())});
  }
  s.table(table);
  const double saved = anew.y.back() / cached.y.back();
  s.fact("cost/ratio", saved, Tolerance::machine(), "{:.0f}");
  s.fact("cost/exponent", fitted_exponent(std::span(anew.x).subspan(2), std::span(anew.y).subspan(2)),
         Tolerance::machine(), "{:.1f}");
  s.claim("cost", "far into a sentence a token with a cache costs a small fraction of one computed anew",
          saved > 5);
  s.figure("token-time", CurveFigure{"Time of one token, by its number",
                                     "number of the token",
                                     "processor time (ms)",
                                     true,
                                     true,
                                     {anew, cached}});
}

// --- length
// -----------------------------------------------------------------------------------------------------------

constexpr Index trained_up_to = 10, left_out = 7, longest = 20, lines = 50;

TokenPair line(PhiloxSequence& random) {
  Index length = left_out;
  while (length == left_out) length = 1 + random.below(trained_up_to);
  return tasks::echo(random, length);
}

std::vector<TokenPair> test_lines(std::uint64_t seed, Index length) {
  PhiloxSequence random(seed, 1'000'000 + static_cast<std::uint64_t>(length));
  std::vector<TokenPair> pairs;
  for (int i = 0; i < lines; ++i) pairs.push_back(tasks::echo(random, length));
  return pairs;
}

/// What a model made of lines of 1, 2, … letters, and what the healthy one makes of lines with unmasked pads
/// behind.
struct ByLength {
  std::vector<Outcome> outcomes;
  double with_pads = 0;  ///< of lines of ten letters, exact in %
  double loss = 0;       ///< in training, mean of the last 20 steps
  /// Up to which length at least half of the lines came back exactly.
  double reach() const {
    int reached = 0;
    while (reached < static_cast<int>(outcomes.size()) &&
           outcomes[static_cast<std::size_t>(reached)].exact >= 50)
      ++reached;
    return reached;
  }
};

ByLength by_length(std::uint64_t seed, const Recipe& recipe, bool forgotten, bool padded) {
  const Trained t = train_model(seed, recipe, line);
  ByLength result;
  for (Index length = 1; length <= longest; ++length) {
    const auto pairs = test_lines(seed, length);
    result.outcomes.push_back(judge(
        pairs, forgotten ? lesson_outputs(*t.model, pairs, {true, 0}) : greedy_outputs(*t.model, pairs)));
  }
  result.loss = t.last_loss;
  const auto ten = test_lines(seed, 10);
  if (padded) result.with_pads = judge(ten, lesson_outputs(*t.model, ten, {false, 10})).exact;
  return result;
}

void lengths(Session& s) {
  s.heading("Repeat a line of letters, trained on lines of 1 to 10 letters, never 7");
  Recipe plain;
  plain.vocabulary = 4 + tasks::letters;
  plain.steps = 1000;
  std::vector<std::pair<std::string, Recipe>> models;
  for (const std::string& variant : s.variants()) {
    Recipe r = plain;
    r.end_token = variant != "no-end-token";
    r.later = later_of(variant);
    models.emplace_back(Session::label(variant), r);
  }
  Recipe learned = plain, starts = plain;
  learned.learned_positions = true;
  starts.latest_start = 12;
  starts.steps = 2000;
  models.emplace_back("learned positions", learned);
  models.emplace_back("random starts", starts);

  Table table{"lengths",
              {{"model", "training loss at the end", "exact at 7 letters (%)", "at 10", "at 12", "at 15",
                "output length at 15", "half exact up to"}}};
  CurveFigure figure{
      "How long is the output?", "letters in the line", "letters in the output (mean)", false, false, {}};
  Curve right{"right", {}, {}, {}, {}};
  for (Index l = 1; l <= longest; ++l) {
    right.x.push_back(static_cast<double>(l));
    right.y.push_back(static_cast<double>(l));
  }
  std::map<std::string, double> reaches, exact_of_seven;
  bool pads_spoil = false, runs_on = false;
  for (const auto& [name, recipe] : models) {
    const auto runs = s.over_seeds([&, &r = recipe, &n = name](std::uint64_t seed) {
      return by_length(seed, r, n == "forgotten-positions", n == "healthy");
    });
    const auto over = [&](const auto& what) {
      std::vector<double> values;
      for (const ByLength& r : runs) values.push_back(what(r));
      return spread(values);
    };
    const auto exact = [&](std::size_t length) {
      return over([&](const ByLength& r) { return r.outcomes[length - 1].exact; });
    };
    const auto size = [&](std::size_t length) {
      return over([&](const ByLength& r) { return r.outcomes[length - 1].length; });
    };
    const Spread reach = over([](const ByLength& r) { return r.reach(); });
    const Spread loss = over([](const ByLength& r) { return r.loss; });
    table.rows.push_back({name, to_text(loss, "{:.3f}"), to_text(exact(7), "{:.0f}"),
                          to_text(exact(10), "{:.0f}"), to_text(exact(12), "{:.0f}"),
                          to_text(exact(15), "{:.0f}"), to_text(size(15), "{:.1f}"),
                          to_text(reach, "{:.1f}")});
    const std::string key = name == "learned positions" ? "learned"
                            : name == "random starts"   ? "starts"
                                                        : name;
    s.fact("exact-7/" + key, exact(7), {12, 0}, "{:.0f}");
    s.fact("exact-10/" + key, exact(10), {15, 0}, "{:.0f}");
    s.fact("exact-12/" + key, exact(12), {20, 0}, "{:.0f}");
    s.fact("length-15/" + key, size(15), {20, 0}, "{:.1f}");
    s.fact("reach/" + key, reach, {4, 0}, "{:.1f}");
    s.fact("loss/" + key, loss, {0.3, 0}, "{:.3f}");
    reaches[key] = reach.mean;
    exact_of_seven[key] = exact(7).mean;
    const auto variants = s.variants();
    for (const std::string& v : variants)
      if (Session::label(v) == name) s.answer(v, reach);
    if (name == "healthy") {
      const Spread padded = over([](const ByLength& r) { return r.with_pads; });
      s.fact("pads/exact", padded, {30, 0}, "{:.0f}");
      pads_spoil = padded.mean < exact(10).mean - 10;
    }
    if (name == "no-end-token") {
      const Spread begins = over([](const ByLength& r) { return r.outcomes[9].prefix; });
      s.fact("prefix-10/no-end-token", begins, {15, 0}, "{:.0f}");
      s.fact("length-10/no-end-token", size(10), {2, 0}, "{:.0f}");
      runs_on = begins.mean > 80 && exact(10).mean < 5 && size(10).least > 35;
    }
    Curve curve{name, {}, {}, {}, {}};
    for (std::size_t l = 1; l <= longest; ++l) {
      const Spread y = size(l);
      curve.x.push_back(static_cast<double>(l));
      curve.y.push_back(y.mean);
      curve.low.push_back(y.least);
      curve.high.push_back(y.most);
    }
    figure.curves.push_back(std::move(curve));
  }
  figure.curves.push_back(right);
  s.table(table);
  s.figure("output-length", figure);
  s.claim("inside", "a length that was never trained on, between lengths that were, comes out right",
          exact_of_seven["healthy"] > 85);
  s.claim("stops", "beyond the trained positions the output's length stops following the input's",
          reaches["healthy"] < trained_up_to + 3);
  s.claim("positions",
          "the same lines at random starting positions carry the model well beyond the trained lengths",
          reaches["starts"] > reaches["healthy"] + 1.5);
  s.claim("pads-trained", "ten unmasked pads behind a line spoil outputs that were right", pads_spoil);
  if (reaches.contains("no-end-token"))
    s.claim("no-end", "without an end token outputs begin right and all run on to the limit", runs_on);
  if (reaches.contains("mask-zero"))
    s.claim("mask-zero-trained", "a decoder trained with a leaking mask cannot write alone",
            reaches["mask-zero"] < 5);
  if (reaches.contains("forgotten-positions"))
    s.claim("forgotten-trained",
            "a healthy model whose cache forgets positions repeats nothing longer than a letter or two",
            reaches["forgotten-positions"] < 4);
}

// --- a telegram
// -------------------------------------------------------------------------------------------------------

struct Telegrams {
  Outcome known, longer;  ///< messages of one and two clauses, and of three
  double words_in = 0, words_out = 0;
  std::vector<std::pair<std::string, std::string>> examples;
};

Telegrams send_telegrams(std::uint64_t seed) {
  Recipe recipe;
  recipe.vocabulary = tasks::telegram_vocabulary;
  recipe.steps = 600;
  const Trained t = train_model(
      seed, recipe,
      [](PhiloxSequence& random) { return tasks::telegram(random, 1 + static_cast<int>(random.below(2))); },
      true);
  PhiloxSequence random(seed, 2'000'000);
  const auto unseen = [&](int least, int most) {
    std::vector<TokenPair> pairs;
    while (pairs.size() < 200) {
      const TokenPair p = tasks::telegram(
          random, least + static_cast<int>(random.below(static_cast<std::uint32_t>(most - least + 1))));
      if (!t.seen.contains(p.source) && p.source.size() < 40) pairs.push_back(p);
    }
    return pairs;
  };
  const auto pairs = unseen(1, 2), longer = unseen(3, 3);
  const auto outputs = greedy_outputs(*t.model, pairs);
  Telegrams r{judge(pairs, outputs), judge(longer, greedy_outputs(*t.model, longer)), 0, 0, {}};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    r.words_in += static_cast<double>(pairs[i].source.size()) / static_cast<double>(pairs.size());
    r.words_out += static_cast<double>(outputs[i].size()) / static_cast<double>(pairs.size());
    if (i < 4)
      r.examples.emplace_back(tasks::telegram_text(pairs[i].source), tasks::telegram_text(outputs[i]));
  }
  return r;
}

void telegrams(Session& s) {
  s.heading("A summariser: shorten messages to telegrams (600 steps; messages never seen in training)");
  const auto runs = s.over_seeds(send_telegrams);
  const auto over = [&](const auto& what) {
    std::vector<double> values;
    for (const Telegrams& r : runs) values.push_back(what(r));
    return spread(values);
  };
  Table examples{"telegrams", {{"message", "telegram"}}};
  for (const auto& [message, telegram] : runs.front().examples) examples.rows.push_back({message, telegram});
  s.table(examples);
  const Spread exact = over([](const Telegrams& r) { return r.known.exact; });
  const Spread longer = over([](const Telegrams& r) { return r.longer.exact; });
  s.fact("telegram/exact", exact, {10, 0}, "{:.1f}");
  s.fact("telegram/longer", longer, {10, 0}, "{:.1f}");
  s.fact("telegram/words-in", over([](const Telegrams& r) { return r.words_in; }), {1, 0}, "{:.1f}");
  s.fact("telegram/words-out", over([](const Telegrams& r) { return r.words_out; }), {1, 0}, "{:.1f}");
  s.text(fmt::format("exactly right: {} %; with a clause more than in training: {} %",
                     to_text(exact, "{:.1f}"), to_text(longer, "{:.1f}")));
  s.claim("telegram", "the model selects what to keep and stops by itself, on messages it never saw",
          exact.mean > 85);
}

// --- the engine
// -------------------------------------------------------------------------------------------------------

void engine(Session& s) {
  s.heading("The lesson's code and the engine's fused attention with a causal mask");
  const auto k = make_kernels(s.device(), s.threads());
  const Index time = 9, dim = 16;
  const std::uint64_t seed = s.seeds().front();
  const Tensor q = random_tensor(*k, {2, time, dim}, seed, 11),
               key = random_tensor(*k, {2, time, dim}, seed, 12),
               v = random_tensor(*k, {2, time, dim}, seed, 13),
               upstream = random_tensor(*k, {2, time, dim}, seed, 14);
  using Leaves = const std::vector<Variable>&;
  const auto lesson = lab::with_gradients({q, key, v}, upstream, [](Leaves in) {
    return merge_heads(matmul(causal_weights(split_heads(in[0], 2), split_heads(in[1], 2), Later::excluded),
                              split_heads(in[2], 2)));
  });
  const auto fused = lab::with_gradients({q, key, v}, upstream, [](Leaves in) {
    return attention(in[0], in[1], in[2], 2, {true, 0, {}});
  });
  lab::same(s, {"output", "gradient of the queries", "gradient of the keys", "gradient of the values"},
            lesson, fused, 1e-5);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      8,
      "How do outputs of any length come about?",
      "up to how many letters at least half of the repeated lines come back exactly, after training on lines "
      "of 1 to 10",
      "{:.1f}",
      {{"mask-zero", "scores of later tokens are multiplied by 0 before the softmax, not excluded from it"},
       {"no-end-token", "the loss does not ask for the end token, so that nothing says when to stop"},
       {"forgotten-positions", "with the cache every token is fed as if it stood at position 0"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    mask(s);
    pads(s);
    cache(s);
    if (!s.fast()) {
      cost(s);
      lengths(s);
      telegrams(s);
    }
    engine(s);
  });
}
