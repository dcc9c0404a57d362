// Chapter 6: the loss by hand, then what it asks of a small character model: the next character, or a hidden
// one; padding, smoothing, and one batch on several machines.
#include <fmt/format.h>

#include <map>

#include "06-loss/blanks.hpp"
#include "06-loss/by_hand.hpp"
#include "06-loss/lesson.hpp"
#include "06-loss/objectives.hpp"
#include "06-loss/outcome.hpp"
#include "06-loss/shards.hpp"
#include "06-loss/smoothing.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/linear_cross_entropy.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::chapter06;

namespace {

// --- what can be seen --------------------------------------------------------------------------------------

using Bits = std::map<std::string, double>;

Bits counted(Session& s, const Text& text) {
  s.heading(
      "What there is to see: bits per character when characters are merely counted beside their neighbours");
  Table table{"counted", {{"seen", "bits per character", "perplexity"}}};
  Bits all;
  struct Row {
    const char *name, *what;
    std::vector<int> seen;
  };
  for (const Row& row :
       {Row{"nothing", "nothing", {}}, Row{"one-before", "one before", {-1}},
        Row{"two-before", "two before", {-2, -1}}, Row{"each-side", "one on each side", {-1, 1}},
        Row{"four-before", "four before", {-4, -3, -2, -1}},
        Row{"two-each-side", "two on each side", {-2, -1, 1, 2}}}) {
    const double bits = all[row.name] = counted_bits(text, row.seen);
    table.rows.push_back({row.what, fmt::format("{:.2f}", bits), fmt::format("{:.2f}", std::exp2(bits))});
    s.fact(fmt::format("counted/{}", row.name), bits, {1e-3, 0}, "{:.2f}");
  }
  s.table(table);
  s.claim("both-sides", "of as many neighbours, those on both sides tell more than those before",
          all["each-side"] < all["two-before"] - 0.3 && all["two-each-side"] < all["four-before"] - 0.3);
  return all;
}

/// The largest change of an untrained model's logits before the last character when only that one is changed.
double seen_ahead(const Text& text, bool masked, std::uint64_t seed) {
  const auto k = measuring_kernels();
  CharacterModel model(*k, classes + 1, classes, seed);
  const auto logits = [&](std::int32_t last) {
    Sentence sentence = text.test.front();
    sentence.back() = last;
    const Batch batch(*k, std::vector{Task{sentence, sentence}}, masked);
    Pass pass;
    return model.logits(pass, batch.read, batch.masking).value.to_host();
  };
  const auto a = logits(1), b = logits(2);
  double most = 0;
  for (std::size_t i = 0; i + static_cast<std::size_t>(classes) < a.size(); ++i)
    most = std::max(most, std::abs(static_cast<double>(a[i] - b[i])));
  return most;
}

void sight(Session& s, const Text& text) {
  std::vector<double> back, both;
  for (std::uint64_t seed : s.seeds()) {
    back.push_back(seen_ahead(text, false, seed));
    both.push_back(seen_ahead(text, true, seed));
  }
  s.heading("What a model can see: change the last character, look at the logits before it");
  s.text(fmt::format("largest change: {} looking back, {} looking both ways", to_text(spread(back), "{:.1g}"),
                     to_text(spread(both), "{:.2f}")));
  s.fact("sight/back", spread(back), {1e-6, 0}, "{:.1g}");
  s.fact("sight/both", spread(both), {0.05, 0.2}, "{:.2f}");
  s.claim("sight", "the model for the next token sees nothing ahead; the model for masked tokens does",
          spread(back).most < 1e-6 && spread(both).least > 1e-3);
}

// --- training ----------------------------------------------------------------------------------------------

Recipe recipe_of(const std::string& variant) {
  return {.softmax_twice = variant == "double-softmax",
          .blanks_count = variant == "unmasked-padding",
          .mean_of_means = variant == "mean-of-means"};
}

Outcome outcome(Session& s, const Text& text, const Recipe& recipe) {
  return {s.over_seeds([&](std::uint64_t seed) { return trained(text, recipe, seed); })};
}

void objectives(Session& s, const Outcome& next, const Outcome& masked, const Outcome& smooth, Bits& counts) {
  s.heading(fmt::format("Two objectives on the same text: {} steps of {} sentences, the same model",
                        training_steps, batch_size));
  Table table{"objectives",
              {{"objective", "asked for (%)", "bits per character", "perplexity", "right (%)"}}};
  const auto row = [&](const std::string& what, const std::string& name, const std::string& asked,
                       const Outcome& o) {
    table.rows.push_back(
        {what, asked, to_text(o.bits()), to_text(o.perplexity()), to_text(o.right(), "{:.1f}")});
    s.fact("bits/" + name, o.bits(), {0.2, 0}, "{:.2f}");
    s.fact("perplexity/" + name, o.perplexity(), {0, 0.15}, "{:.2f}");
    s.fact("right/" + name, o.right(), {4, 0}, "{:.1f}");
    s.fact("log/" + name, o.logged(), {0.1, 0}, "{:.2f}");
  };
  row("next token", "healthy", "100", next);
  row("next token, label smoothing 0.1", "smooth", "100", smooth);
  row("masked token", "masked", "about 15", masked);
  s.table(table);
  CurveFigure figure{"Bits per character on sentences not seen in training",
                     "training step",
                     "bits per character asked for",
                     false,
                     false,
                     {}};
  figure.curves.push_back(next.progress("next token"));
  figure.curves.push_back(masked.progress("masked token"));
  for (const auto& [name, label] : {std::pair{"one-before", "counting, one before"},
                                    {"two-before", "counting, two before"},
                                    {"each-side", "counting, one each side"}})
    figure.curves.push_back({label, {0, double(training_steps)}, {counts[name], counts[name]}, {}, {}});
  s.figure("bits", figure);
  s.claim("next-learns", "predicting the next token, the model comes to see more than two characters back",
          next.bits().most < counts["two-before"]);
  s.claim("masked-slower",
          "after as many steps the masked objective, asked for fewer characters, knows less of those it is "
          "asked for",
          masked.bits().least > next.bits().most + 0.5);
  s.claim("masked-learns", "yet it sees more than how frequent each character is",
          masked.bits().most < counts["nothing"] - 0.2);
  s.claim("smooth-raises", "label smoothing raises the loss in the log",
          smooth.logged().least > next.logged().most);
}

void training(Session& s, const Text& text, Bits& counts) {
  const Outcome healthy = outcome(s, text, {});
  const Outcome masked = outcome(s, text, {.masked = true});
  objectives(s, healthy, masked, outcome(s, text, {.smoothing = 0.1}), counts);

  s.heading("What the log shows, and what is true of sentences not seen in training");
  Table table{"variants",
              {{"training", "loss in the log (nats)", "bits per character", "right (%)",
                "blank after 5 steps (%)", "at the end (%)"}}};
  CurveFigure logs{
      "What the training log shows, next token", "training step", "logged loss (nats)", false, false, {}};
  std::vector<Claim> claims;
  const auto row = [&](const std::string& what, const Outcome& o) {
    table.rows.push_back({what, to_text(o.logged()), to_text(o.bits()), to_text(o.right(), "{:.1f}"),
                          to_text(o.blanks(5), "{:.0f}"), to_text(o.blanks(training_steps), "{:.0f}")});
  };
  const auto record = [&](const std::string& name, const Outcome& o) {
    s.fact("log/" + name, o.logged(), {0.1, 0}, "{:.2f}");
    s.fact("bits/" + name, o.bits(), {0.2, 0.1}, "{:.2f}");
    s.fact("right/" + name, o.right(), {5, 0}, "{:.1f}");
    s.fact("blanks/" + name, o.blanks(5), {30, 0}, "{:.0f}");
  };
  for (const std::string& variant : s.variants()) {
    const Outcome o = variant.empty() ? healthy : outcome(s, text, recipe_of(variant));
    row("next token, " + Session::label(variant), o);
    logs.curves.push_back(o.log(Session::label(variant)));
    s.answer(variant, o.logged());
    if (variant.empty()) continue;
    record(variant, o);
    if (variant == "double-softmax")
      claims.push_back(
          {"double-softmax",
           "with a softmax too many, the loss stays above its floor and fewer characters are right",
           o.logged().least > 2.518 && o.right().most < healthy.right().least - 5});
    if (variant == "unmasked-padding") {
      claims.push_back(
          {"unmasked-log",
           "with padding counted the log shows a much lower loss, for a model that is about as good",
           o.logged().most < 0.85 * healthy.logged().least &&
               std::abs(o.bits().mean - healthy.bits().mean) < 0.3});
      claims.push_back({"blanks-pass",
                        "at first it would say a blank for most characters; by the end, for none",
                        o.blanks(5).mean > 40 && o.blanks(training_steps).most < 1});
    }
    if (variant == "mean-of-means")
      claims.push_back({"mean-of-means", "averaging the machines' means trains a model that is no better",
                        o.bits().mean > healthy.bits().mean - 0.05});
  }
  row("masked token, healthy", masked);
  for (const std::string& variant : s.variants()) {
    if (variant != "unmasked-padding") continue;
    const Outcome o = outcome(s, text, {.masked = true, .blanks_count = true});
    row("masked token, unmasked-padding", o);
    record("masked-unmasked-padding", o);
    claims.push_back(
        {"unmasked-masked",
         "where nine targets in ten are none, counting them makes a log near zero and a model that knows "
         "less",
         o.logged().most < 0.25 * masked.logged().least && o.bits().mean > masked.bits().mean + 0.1});
  }
  s.table(table);
  s.figure("log", logs);
  for (const Claim& c : claims) s.claim(c.name, c.text, c.holds);
}

// --- the engine --------------------------------------------------------------------------------------------

void engine(Session& s) {
  s.heading("The lesson's code and the engine's cross_entropy and linear_cross_entropy");
  const auto k = make_kernels(s.device(), s.threads());
  const auto random = [&](std::uint64_t stream, const Shape& shape) {
    return lab::random_tensor(*k, shape, s.seeds().front(), stream);
  };
  const std::int32_t ignore = 0;
  constexpr double smoothing = 0.1;
  const Tensor x = random(1, {2, 9, 16}), w = random(2, {11, 16}), b = random(3, {11}),
               upstream = random(4, {1});
  const IdTensor targets = IdTensor::from(
      *k, {2, 9}, std::vector<std::int32_t>{3, 10, 1, 1, 7, 0, 0, 0, 0, 5, 2, 9, 4, 4, 8, 6, 1, 0});
  const LossSpec spec{targets.reshaped({targets.size()}), ignore, static_cast<Real>(smoothing)};
  const auto run = [&](const std::vector<Tensor>& inputs, const auto& f) {
    return lab::with_gradients(inputs, upstream, f);
  };
  using Leaves = const std::vector<Variable>&;
  const Tensor logits = random(5, {2, 9, 11});
  lab::same(
      s, {"loss", "gradient of the logits"},
      run({logits}, [&](Leaves l) { return chapter06::cross_entropy(l[0], targets, ignore, smoothing); }),
      run({logits}, [&](Leaves l) { return tenfold::cross_entropy(l[0], spec); }), 1e-5);
  lab::same(s,
            {"loss after a linear layer", "gradient of the layer's input", "gradient of its weight",
             "gradient of its bias"},
            run({x, w, b},
                [&](Leaves l) {
                  return chapter06::cross_entropy(linear(l[0], l[1], l[2]), targets, ignore, smoothing);
                }),
            run({x, w, b}, [&](Leaves l) { return linear_cross_entropy(l[0], l[1], l[2], spec); }), 1e-5);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      6,
      "How is the loss computed?",
      "the loss that the training log shows at the end of next-token training, 32 symbols, in nats (guessing "
      "has 3.47)",
      "{:.2f}",
      {{"double-softmax", "the loss takes the softmax of what is a softmax already"},
       {"unmasked-padding", "padding is a target like any other, and averaged in"},
       {"mean-of-means", "four machines average their mean losses, however many characters each had"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    gradient(s);
    overflow(s);
    lead(s);
    const Text text = Text::make();
    Bits counts = counted(s, text);
    sight(s, text);
    blanks(s, text);
    shards(s, text);
    if (!s.fast()) {
      training(s, text, counts);
      smoothing(s);
    }
    engine(s);
  });
}
