// Chapter 4: what residual connections, layer norm and Adam each do for a deep encoder: its gradients before
// training, a small classifier in training, and Adam's step by itself.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "04-vanishing-gradients/classifier.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::chapter04;

namespace {

Helps helps_of(const std::string& variant) {
  Helps h;
  h.residual = variant != "no-residual";
  h.norm = variant != "no-norm";
  h.adam = variant != "sgd";
  return h;
}

template <class Results, class Member>
Spread spread_of(const Results& results, const Member& member) {
  std::vector<double> values;
  for (const auto& r : results) values.push_back(member(r));
  return spread(values);
}

std::string loss_text(const Spread& s) {
  return std::isfinite(s.mean) && s.mean < 1e4 ? to_text(s, "{:.2f}") : "blew up";
}

// --- gradients before training
// ----------------------------------------------------------------------------------------

/// The norm of the gradient of every block's parameters, for one batch of 64 sentences.
std::vector<double> gradient_by_layer(const Helps& helps, int depth, std::uint64_t seed) {
  const auto k = measuring_kernels();
  Classifier model(*k, helps, depth, seed);
  Tape tape;
  Pass pass(tape);
  tape.backward(model.loss(pass, seed, 0, 64));
  std::vector<double> norms;
  for (int i = 0; i < depth; ++i)
    norms.push_back(gradient_norm(model.block(static_cast<std::size_t>(i)).parameters()));
  return norms;
}

/// How much of the last layer's output differs between the tokens of a sentence: Σ|x - mean of its sentence|²
/// / Σ|x|².
double difference_of_tokens(const Helps& helps, int depth, std::uint64_t seed) {
  const auto k = measuring_kernels();
  Classifier model(*k, helps, depth, seed);
  Pass pass;
  const auto ids = Classifier::draw(*k, seed, 0, 64).first;
  const Variable x = model.encode(pass, ids);
  const auto tokens = x.value.to_host(), means = mean(x, 1).value.to_host();
  double apart = 0, all = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const double m = means[i / (sentence_length * width) * width + i % width], v = tokens[i];
    apart += (v - m) * (v - m);
    all += v * v;
  }
  return apart / all;
}

void gradients(Session& s) {
  s.heading("Before training: norm of the gradient of layer 1, over that of the last layer");
  Table table{"gradients",
              {{"frame", "2 layers", "6", "12", "24", "layer 1 of 24 itself", "tokens differ by"}}};
  CurveFigure figure{"Gradient by layer in 24 layers, before training",
                     "layer",
                     "norm of the gradient of its weights",
                     false,
                     true,
                     {}};
  const std::vector<std::pair<std::string, Helps>> frames{{"healthy", {}},
                                                          {"no-residual", helps_of("no-residual")},
                                                          {"no-norm", helps_of("no-norm")},
                                                          {"neither", {false, false, true, true}},
                                                          {"post-norm", {true, true, true, false}}};
  std::map<std::string, Spread> at_24, first_of_24, tokens_apart;
  for (const auto& [name, helps] : frames) {
    std::vector<std::string> row{name};
    for (int depth : {2, 6, 12, 24}) {
      const auto runs =
          s.over_seeds([&](std::uint64_t seed) { return gradient_by_layer(helps, depth, seed); });
      const Spread ratio = spread_of(runs, [](auto& r) { return r.front() / r.back(); });
      row.push_back(to_text(ratio, "{:.2g}"));
      if (depth < 24) continue;
      at_24[name] = ratio;
      const Spread first = spread_of(runs, [](auto& r) { return r.front(); });
      const Spread apart = spread_of(
          s.over_seeds([&](std::uint64_t seed) { return difference_of_tokens(helps, depth, seed); }),
          [](double v) { return v; });
      row.insert(row.end(), {to_text(first, "{:.2g}"), to_text(apart, "{:.2g}")});
      tokens_apart[name] = apart;
      s.fact("apart/" + name, apart, {0.02, name == "no-norm" ? 0.9 : 0.5}, "{:.2g}");
      first_of_24[name] = first;
      // What explodes through 24 layers magnifies rounding as well: the claim below compares it.
      const Tolerance tolerance = name == "no-norm" ? Tolerance::machine() : Tolerance{0, 0.5};
      s.fact("ratio/" + name, ratio, tolerance, "{:.2g}");
      s.fact("first/" + name, first, tolerance, "{:.2g}");
      Curve curve{name, {}, {}, {}, {}};
      for (std::size_t i = 0; i < 24; ++i) {
        curve.x.push_back(static_cast<double>(i + 1));
        curve.y.push_back(spread_of(runs, [&](auto& r) { return r[i]; }).mean);
      }
      figure.curves.push_back(std::move(curve));
    }
    table.rows.push_back(std::move(row));
  }
  s.table(table);
  s.figure("gradients", figure);
  for (const std::string& variant : s.variants())
    s.answer(variant, at_24[variant.empty() || variant == "sgd" ? "healthy" : variant]);
  const Spread healthy = at_24["healthy"];
  s.claim("flat",
          "with residuals and layer norm the first of 24 layers gets about as much gradient as the last",
          healthy.least > 0.3 && healthy.most < 30);
  s.claim("explodes", "residuals without a norm: the gradient explodes on its way back",
          at_24["no-norm"].mean > 300 && first_of_24["no-norm"].mean > 1e5);
  s.claim("vanishes", "with neither it vanishes", at_24["neither"].most < 1e-4);
  s.claim(
      "alike",
      "without residuals all tokens of a sentence come out alike; with residuals and pre-norm they do not",
      tokens_apart["no-residual"].most < 0.01 && tokens_apart["healthy"].least > 0.05);
  s.claim("norm-alone", "a norm without residuals keeps the gradient from vanishing like that",
          at_24["no-residual"].least > 1e-3);
}

// --- Adam's step
// ------------------------------------------------------------------------------------------------------

/// Root mean square of the last of 50 steps with rate 1, for noisy gradients of this size.
double step_size(bool adam, double size, std::uint64_t seed) {
  const auto k = measuring_kernels();
  constexpr Index count = 500;
  Parameter p{"p", filled(*k, {count}, 0), {}};
  std::unique_ptr<Optimizer> optimizer;
  if (adam)
    optimizer = std::make_unique<tenfold::Adam>(std::vector<Parameter*>{&p}, AdamOptions{});
  else
    optimizer = std::make_unique<Sgd>(std::vector<Parameter*>{&p});
  double squares = 0;
  for (std::uint64_t step = 1; step <= 50; ++step) {
    p.grad = lab::random_tensor(*k, {count}, seed, 800 + step, size);
    p.value = filled(*k, {count}, 0);
    optimizer->step(1);
    if (step < 50) continue;
    for (Real v : p.value.to_host()) squares += double(v) * v;
  }
  return std::sqrt(squares / count);
}

void adam_step(Session& s) {
  s.heading("One step, by the size of the gradients: rate 1, the 50th step on noisy gradients");
  std::vector<double> sizes;
  for (int e = -15; e <= 3; ++e) sizes.push_back(std::pow(10.0, e));
  Table table{"step",
              {{"optimizer", "gradients × 0.001: the step is multiplied by", "step at gradients of 1e-6",
                "of 1e-9", "of 1e-12"}}};
  CurveFigure figure{"Size of a step by size of the gradients",
                     "size of the gradients (rms)",
                     "size of the step (rms), rate 1",
                     true,
                     true,
                     {}};
  for (const bool adam : {true, false}) {
    const std::string name = adam ? "Adam" : "SGD";
    const auto at = [&](double size) {
      return spread_of(s.over_seeds([&](std::uint64_t seed) { return step_size(adam, size, seed); }),
                       [](double v) { return v; });
    };
    Curve curve{name, sizes, {}, {}, {}};
    for (double size : sizes) curve.y.push_back(at(size).mean);
    figure.curves.push_back(std::move(curve));
    const Spread one = at(1), milli = at(1e-3), micro = at(1e-6), nano = at(1e-9), pico = at(1e-12);
    const double ratio = milli.mean / one.mean;
    table.rows.push_back({name, fmt::format("{:.4f}", ratio), to_text(micro, "{:.2g}"),
                          to_text(nano, "{:.2g}"), to_text(pico, "{:.2g}")});
    s.fact("scaled/" + name, ratio, {0.001, 0}, "{:.4f}");
    s.fact("step-nano/" + name, nano, {0, 0.1}, "{:.2g}");
    s.fact("step-pico/" + name, pico, {0, 0.1}, "{:.2g}");
    if (adam) {
      s.claim("adam-scale", "multiplying the loss by 1/1000 leaves Adam's step as it is",
              std::abs(ratio - 1) < 1e-3);
      s.claim("adam-stalls", "gradients far below its ε stop Adam, too", pico.mean < 0.01 * one.mean);
    } else {
      s.claim("sgd-scale", "and makes that of SGD a thousand times smaller", std::abs(ratio - 1e-3) < 1e-5);
    }
  }
  s.table(table);
  s.figure("step", figure);
}

// --- the classifier
// ---------------------------------------------------------------------------------------------------

void task(Session& s) {
  s.heading("The task: is the review good? What counts comes after \"but\"");
  PhiloxSequence random(s.seeds().front(), 3);
  for (int i = 0; i < 3; ++i) {
    const Sentence one = sentence(random);
    s.text(fmt::format("{:<60} {}", text_of(one), one.good ? "good" : "bad"));
  }
  if (s.fast()) return;
  const Spread bag = spread_of(s.over_seeds([](std::uint64_t seed) { return bag_of_words(seed); }),
                               [](double v) { return v; });
  s.text(fmt::format("a network that sees only which words occur: {} % right", to_text(bag, "{:.1f}")));
  s.fact("bag-of-words", bag, {5, 0}, "{:.1f}");
  s.claim("bag-fails", "a bag of words cannot do the task", bag.most < 75);
}

double rate_of(const Helps& h) { return h.adam ? 1e-3 : sgd_rate; }

Spread right_of(const std::vector<Outcome>& runs) {
  return spread_of(runs, [](auto& r) { return r.right; });
}

void grid(Session& s, std::map<std::pair<std::string, int>, Spread>& known) {
  s.heading(fmt::format("The grid: {} steps, Adam at 0.001 or SGD at {}, mean ± deviation over seeds",
                        training_steps, sgd_rate));
  Table table{"grid",
              {{"residual", "layer norm", "optimizer", "2 layers: loss", "right (%)", "12 layers: loss",
                "right (%)"}}};
  std::map<std::string, Spread> at_12, at_2;
  for (const bool adam : {true, false})
    for (const bool residual : {true, false})
      for (const bool norm : {true, false}) {
        const Helps h{residual, norm, adam, true};
        const std::string name =
            fmt::format("{}{}{}", residual ? "R" : "-", norm ? "N" : "-", adam ? "A" : "-");
        std::vector<std::string> row{residual ? "yes" : "no", norm ? "yes" : "no", adam ? "Adam" : "SGD"};
        for (int depth : {2, 12}) {
          const auto runs = s.over_seeds([&](std::uint64_t seed) {
            return train_classifier({h, depth, rate_of(h)}, seed);
          });
          const Spread right = right_of(runs);
          row.insert(row.end(),
                     {loss_text(spread_of(runs, [](auto& r) { return r.loss; })), to_text(right, "{:.0f}")});
          (depth == 2 ? at_2 : at_12)[name] = right;
          s.fact(fmt::format("grid/{}/{}", name, depth), right, {12, 0}, "{:.0f}");
          for (const std::string variant : {"", "no-residual", "no-norm", "sgd"}) {
            const Helps v = helps_of(variant);
            if (v.residual == residual && v.norm == norm && v.adam == adam) known[{variant, depth}] = right;
          }
        }
        table.rows.push_back(std::move(row));
      }
  s.table(table);
  s.claim("shallow", "two layers learn the task with Adam whether or not residuals and norms are there",
          at_2["RNA"].mean > 85 && at_2["R-A"].mean > 85 && at_2["-NA"].mean > 85 && at_2["--A"].mean > 85);
  double others = 0;
  for (const auto& [name, right] : at_12)
    if (name != "RNA") others = std::max(others, right.mean);
  s.claim("all-three", "twelve layers learn it in so few steps only with all three",
          at_12["RNA"].mean > 85 && others < 75);
}

void by_depth(Session& s, std::map<std::pair<std::string, int>, Spread>& known) {
  s.heading("The same by depth");
  Table table{"depth", {{"variant", "2 layers: right (%)", "6", "12", "24"}}};
  CurveFigure figure{"Sentences classified right after 200 steps", "layers", "right (%)", false, false, {}};
  for (const std::string& variant : s.variants()) {
    const Helps h = helps_of(variant);
    std::vector<std::string> row{Session::label(variant)};
    Curve curve{Session::label(variant), {}, {}, {}, {}};
    for (int depth : {2, 6, 12, 24}) {
      if (!known.contains({variant, depth}))
        known[{variant, depth}] = right_of(s.over_seeds([&](std::uint64_t seed) {
          return train_classifier({h, depth, rate_of(h)}, seed);
        }));
      const Spread right = known[{variant, depth}];
      row.push_back(to_text(right, "{:.0f}"));
      curve.x.push_back(depth);
      curve.y.push_back(right.mean);
      curve.low.push_back(right.least);
      curve.high.push_back(right.most);
      s.fact(fmt::format("right/{}/{}", Session::label(variant), depth), right, {12, 0}, "{:.0f}");
    }
    table.rows.push_back(std::move(row));
    figure.curves.push_back(std::move(curve));
  }
  s.table(table);
  s.figure("depth", figure);
  s.claim("deep", "with all three even 24 layers learn", (known[{"", 24}].mean > 80));
}

/// Is it only the rate? Plain SGD on the healthy frame at others.
void sgd_rates(Session& s) {
  s.heading("SGD at other rates: 12 layers with residuals and norms");
  Table table{"sgd-rates", {{"rate", "right (%)"}}};
  double best = 0;
  for (double rate : {0.01, 0.03, 0.3, 1.0}) {
    const Recipe r{{true, true, false, true}, 12, rate};
    const Spread right =
        right_of(s.over_seeds([&](std::uint64_t seed) { return train_classifier(r, seed); }));
    table.rows.push_back({fmt::format("{}", rate), to_text(right, "{:.0f}")});
    s.fact(fmt::format("sgd-rate/{}", rate), right, {12, 0}, "{:.0f}");
    best = std::max(best, right.mean);
  }
  s.table(table);
  s.claim("sgd-any-rate", "no other rate from 0.01 to 1 makes up for Adam in so few steps", best < 80);
}

void warm_up(Session& s) {
  s.heading("Where the norm stands, and warm-up: 12 layers at 0.001, 6 layers at 0.003");
  Table table{"warm-up", {{"frame", "warm-up (steps)", "12 layers: right (%)", "6 layers: right (%)"}}};
  std::map<std::string, Spread> at;
  for (const bool pre : {true, false})
    for (int warmup : {0, 50}) {
      std::vector<std::string> row{pre ? "pre-norm" : "post-norm", std::to_string(warmup)};
      for (int depth : {12, 6}) {
        const Recipe r{{true, true, true, pre}, depth, depth == 12 ? 1e-3 : 3e-3, warmup};
        const Spread right =
            right_of(s.over_seeds([&](std::uint64_t seed) { return train_classifier(r, seed); }));
        row.push_back(to_text(right, "{:.0f}"));
        const std::string name = fmt::format("{}/{}/{}", pre ? "pre" : "post", warmup, depth);
        s.fact("warm-up/" + name, right, {15, 0}, "{:.0f}");
        at[name] = right;
      }
      table.rows.push_back(std::move(row));
    }
  s.table(table);
  s.claim("pre-free", "pre-norm learns without warm-up", at["pre/0/12"].mean > 80 && at["pre/0/6"].mean > 80);
  s.claim("post-needs",
          "at the higher rate post-norm does not learn without warm-up, and gets further with it",
          at["post/0/6"].mean < 70 && at["post/50/6"].mean > at["post/0/6"].mean + 10);
}

void scaled_loss(Session& s) {
  s.heading("Training with the loss multiplied: 2 layers");
  Table table{"scaled-loss", {{"optimizer", "loss × 1: right (%)", "× 1e-3", "× 1e-9"}}};
  std::map<std::string, double> right;
  for (const bool adam : {true, false}) {
    const std::string name = adam ? "Adam" : "SGD";
    std::vector<std::string> row{name};
    for (double factor : {1.0, 1e-3, 1e-9}) {
      const Recipe r{{true, true, adam, true}, 2, adam ? 2e-3 : 0.3, 20, factor};
      const Spread got =
          right_of(s.over_seeds([&](std::uint64_t seed) { return train_classifier(r, seed); }));
      row.push_back(to_text(got, "{:.0f}"));
      s.fact(fmt::format("scaled-loss/{}/{:g}", name, factor), got, {12, 0}, "{:.0f}");
      right[fmt::format("{}/{:g}", name, factor)] = got.mean;
    }
    table.rows.push_back(std::move(row));
  }
  s.table(table);
  s.claim("trains-scaled", "Adam trains as well on a thousandth of the loss, SGD does not",
          right["Adam/0.001"] > 85 && right["SGD/0.001"] < 70);
  s.claim("trains-stalled", "on a billionth Adam does not train either", right["Adam/1e-09"] < 75);
}

// --- the engine
// -------------------------------------------------------------------------------------------------------

void engine(Session& s) {
  s.heading("The lesson's code and the engine's: a whole encoder layer, and ten steps of Adam");
  const auto k = make_kernels(s.device(), s.threads());
  const auto random = [&](std::uint64_t stream, const Shape& shape) {
    return lab::random_tensor(*k, shape, s.seeds().front(), stream);
  };
  const Tensor x = random(1, {2, 7, width}), upstream = random(2, {2, 7, width});
  for (const bool pre : {true, false}) {
    ModelConfig config;
    config.model_dim = width;
    config.heads = heads;
    config.feed_forward_dim = 2 * width;
    config.pre_norm = pre;
    EncoderLayer layer({*k, 5, config}, "layer");
    const auto run = [&](const auto& f) {
      for (Parameter* p : layer.parameters()) p->grad = Tensor();
      Tape tape;
      Pass pass(tape);
      const Variable leaf = tape.leaf(x), y = f(pass, leaf);
      tape.backward(y, upstream);
      std::vector<std::vector<Real>> all{y.value.to_host(), tape.grad(leaf).to_host(), {}};
      for (Parameter* p : layer.parameters())
        for (Real v : p->grad.to_host()) all.back().push_back(v);
      return all;
    };
    const auto fused = run([&](Pass& pass, const Variable& in) { return layer(pass, in, {}); });
    const auto lesson = run([&](Pass& pass, const Variable& in) {
      const auto norm1 = [&](const Variable& h) { return layer.norm1(pass, h); };
      const auto norm2 = [&](const Variable& h) { return layer.norm2(pass, h); };
      const auto attend = [&](const Variable& h) { return layer.self_attn.self(pass, h, {}); };
      const auto feed = [&](const Variable& h) { return layer.feed_forward(pass, h); };
      return pre ? pre_norm(pre_norm(in, norm1, attend), norm2, feed)
                 : post_norm(post_norm(in, norm1, attend), norm2, feed);
    });
    const std::string whose = pre ? "pre-norm layer's " : "post-norm layer's ";
    lab::same(s, {whose + "output", whose + "gradient of the input", whose + "gradients of all parameters"},
              lesson, fused, 1e-5);
  }
  Parameter p{"p", random(3, {100}), {}};
  std::vector<Real> values = p.value.to_host();
  p.value = Tensor::from(*k, {100}, values);
  tenfold::Adam fast({&p}, AdamOptions{});
  chapter04::Adam slow;
  for (std::uint64_t step = 0; step < 10; ++step) {
    p.grad = random(10 + step, {100});
    slow.step(values, p.grad.to_host(), 0.1);
    fast.step(0.1);
  }
  const auto engine_values = p.value.to_host();
  s.same("Adam", std::span<const Real>(values), std::span<const Real>(engine_values), 1e-5);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      4,
      "What else keeps gradients alive?",
      "gradient norm of layer 1 over that of layer 24, before training (1: as much at the first as at the "
      "last)",
      "{:.2g}",
      {{"no-residual", "every sublayer's result replaces its input instead of being added to it"},
       {"no-norm", "no layer norm anywhere"},
       {"sgd", "plain SGD instead of Adam"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    std::map<std::pair<std::string, int>, Spread> known;
    gradients(s);
    adam_step(s);
    task(s);
    if (!s.fast()) {
      grid(s, known);
      by_depth(s, known);
      const auto variants = s.variants();
      if (std::find(variants.begin(), variants.end(), "sgd") != variants.end()) sgd_rates(s);
      warm_up(s);
      scaled_loss(s);
    }
    engine(s);
  });
}
