// Chapter 7: where encoder and decoder meet, by cutting every way between them but one. First what needs no
// training (paths.hpp), then translators trained healthy and broken in one place each (translators.hpp).
#include <array>
#include <cmath>

#include "07-encoder-decoder/paths.hpp"
#include "core/philox.hpp"
#include "course/engine.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::lab;
using namespace chapter07;

namespace {

constexpr const char* example = "the small black wolf does not carry a red queen";
constexpr const char* example_target = "le petit loup noir ne porte pas une reine rouge";
constexpr const char *whom = "the goat sees the cat", *turned = "the cat sees the goat";

std::string shown(const std::string& variant) { return Session::label(variant); }

/// What training one translator gave.
struct Run {
  std::vector<double> losses;
  Standing standing;
  std::vector<std::string> translations;                     ///< of `whom`, `turned` and `example`
  Picture picture;                                           ///< of `example`, first decoder layer
  std::vector<Followed> follows;                             ///< for every decoder layer
  std::vector<std::pair<std::string, Standing>> afterwards;  ///< changed when it was trained; healthy only
};

/// The trained translator with its connection changed, without training again.
std::vector<std::pair<std::string, Standing>> changed(Transformer& model, const ToyCorpus& corpus) {
  std::vector<std::pair<std::string, Standing>> all{
      {"memory replaced by its mean", standing(model, corpus, mean_memory)}};
  std::vector<Tensor> kept;
  for (auto& layer : model.decoder)
    for (Parameter* p : layer->multihead_attn.out_proj.parameters()) kept.push_back(p->value);
  const auto restore = [&] {
    auto next = kept.begin();
    for (auto& layer : model.decoder)
      for (Parameter* p : layer->multihead_attn.out_proj.parameters()) p->value = *next++;
  };
  cut_cross_attention(model, 0);
  all.emplace_back("first layer's cross-attention cut", standing(model, corpus));
  restore();
  cut_cross_attention(model, 1);
  all.emplace_back("last layer's cross-attention cut", standing(model, corpus));
  cut_cross_attention(model);
  all.emplace_back("both cut", standing(model, corpus));
  restore();
  return all;
}

Run translator(const ToyOptions& o, std::uint64_t seed, bool healthy = false) {
  const auto k = measuring_kernels();
  const ToyCorpus corpus = toy_corpus(seed);
  const auto model = untrained_translator(*k, corpus, o, seed);
  Run r;
  r.losses = train_translator(*model, corpus, o, seed).loss;
  r.standing = standing(*model, corpus, o.memory);
  const std::vector<Ids> asked{corpus.source.ids(whom), corpus.source.ids(turned),
                               corpus.source.ids(example)};
  for (const Ids& ids : o.memory ? greedy(*model, asked, o.memory) : greedy(*model, asked))
    r.translations.push_back(corpus.target.text(ids));
  if (o.memory) return r;  // what it attends to is all alike
  r.picture = picture(*model, corpus, {corpus.source.ids(example), corpus.target.ids(example_target)}, 0);
  for (const Tensor& weights : cross_weights(*model, corpus.held_out))
    r.follows.push_back(followed(weights, corpus.held_out));
  if (healthy) r.afterwards = changed(*model, corpus);
  return r;
}

/// f(run) over the seeds.
template <class F>
Spread over(const std::vector<Run>& runs, const F& f) {
  std::vector<double> values;
  for (const Run& r : runs) values.push_back(f(r));
  return spread(values);
}
Spread at_length(const std::vector<Run>& runs, int length) {
  return over(runs, [&](const Run& r) { return r.standing.by_length.at(length).percent(); });
}
Spread exact_of(const std::vector<Run>& runs) {
  return over(runs, [](const Run& r) { return r.standing.exact; });
}
Spread loss_of(const std::vector<Run>& runs) {
  return over(runs, [](const Run& r) { return r.standing.loss; });
}

/// Means over the seeds and over every ten steps.
Curve loss_curve(const std::string& label, const std::vector<std::vector<double>>& losses) {
  Curve c{label, {}, {}, {}, {}};
  for (std::size_t from = 0; from + 10 <= losses.front().size(); from += 10) {
    double sum = 0;
    for (const auto& l : losses)
      for (std::size_t i = from; i < from + 10; ++i) sum += l[i];
    c.x.push_back(static_cast<double>(from) + 5);
    c.y.push_back(sum / (10 * static_cast<double>(losses.size())));
  }
  return c;
}

/// Trained on the target side alone: what every step's loss was, then the loss on held-out sentences.
std::vector<double> language_model(std::uint64_t seed) {
  const auto k = measuring_kernels();
  const ToyCorpus corpus = toy_corpus(seed);
  ToyOptions o = options_of("");
  o.config.target_vocabulary = corpus.target.size();
  LanguageModel model(*k, o.config, seed);
  TrainingOptions t;
  t.steps = o.steps;
  t.schedule = {ScheduleKind::cosine, o.learning_rate, o.steps / 10, o.steps};
  std::vector<double> losses =
      train(model.parameters(), t, [&](Pass& pass, int step) {
        PhiloxSequence random(seed, 100 + static_cast<std::uint64_t>(step));
        std::vector<ToyPair> chosen;
        for (Index i = 0; i < o.batch; ++i)
          chosen.push_back(corpus.train[random.below(static_cast<std::uint32_t>(corpus.train.size()))]);
        return model.loss(pass, batch_of(*k, chosen));
      }).loss;
  Pass pass;
  losses.push_back(static_cast<double>(model.loss(pass, batch_of(*k, corpus.held_out)).value.item()));
  return losses;
}

/// Beside the breakages, what tells what exactly it was that broke.
void more(Session& s, const std::string& variant) {
  struct Extra {
    std::string name, what;
    ToyOptions options;
  };
  std::vector<Extra> extras;
  if (variant == "no-positions") {
    extras.push_back(
        {"no-source-positions", "no positions in the encoder only", options_of("no-source-positions")});
    extras.push_back(
        {"no-target-positions", "no positions in the decoder only", options_of("no-target-positions")});
  }
  if (variant == "learned-positions") {
    Extra loud{"loud-positions", "learned positions, as loud at the start as sinusoids", options_of(variant)};
    loud.options.prepare = [](Transformer& model) {
      model.visit([&](Parameter& p) {
        if (p.name.find("_pos.weight") != p.name.npos)
          p.value = scale(Variable(p.value), static_cast<Real>(std::sqrt(0.5) / 0.02)).value;
      });
    };
    extras.push_back(std::move(loud));
  }
  if (variant == "mean-memory") {
    extras.push_back({"mean-memory-longer", "memory replaced by its mean, trained four times as long",
                      options_of(variant)});
    extras.back().options.steps *= 4;
  }
  for (const Extra& extra : extras) {
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return translator(extra.options, seed); });
    const Spread exact = exact_of(runs), ten = at_length(runs, 10);
    s.text(fmt::format("{:<55} exact match {} %, of 10 words {} %", extra.what, to_text(exact, "{:.1f}"),
                       to_text(ten, "{:.0f}")));
    const bool whole = extra.name != "mean-memory-longer";
    s.fact("exact/" + extra.name, exact, {whole ? 6.0 : 10.0, 0}, "{:.1f}");
    s.fact("exact-10/" + extra.name, ten, {20, 0}, "{:.0f}");
    if (extra.name == "no-source-positions")
      s.claim("order-is-the-encoder's",
              "it is the encoder that needs positions: without them there alone the order is lost as well",
              exact.most < 60);
    if (extra.name == "no-target-positions")
      s.claim("causal-order",
              "a decoder without positions still translates: its causal mask tells it how much was said",
              exact.least > 90);
    if (extra.name == "loud-positions")
      s.claim("loudness", "learned positions that start as loud as sinusoids do as well as sinusoids",
              exact.least > 95);
    if (extra.name == "mean-memory-longer")
      s.claim("bottleneck", "given four times the training, a single vector carries most of these sentences",
              exact.mean > 80);
  }
}

void translators(Session& s) {
  s.heading(
      "Trained: 400 steps on 12000 sentences of 3 to 10 words; 300 held-out sentences, and 150 of 11 to 16 "
      "words");
  std::map<std::string, std::vector<Run>> runs;
  Table table{"variants",
              {{"translator", "loss (nats/token)", "exact match (%)", "4 words", "7 words", "10 words",
                "11 to 16 words"}}};
  Table said{"examples", {{"source", "translator", "translation"}}};
  CurveFigure lengths{"Sentences translated exactly, by length",
                      "source words",
                      "exact match (%, mean and range of the seeds)",
                      false,
                      false,
                      {}};
  CurveFigure losses{"The translator without cross-attention is a language model",
                     "training step",
                     "loss (nats per target token)",
                     false,
                     false,
                     {}};
  HeatFigure looks{"What the first decoder layer looks at in the source while it predicts each target word",
                   "source word",
                   "target word",
                   {}};
  for (const std::string& v : s.variants()) {
    const std::string name = shown(v);
    auto& r = runs[v] =
        s.over_seeds([&](std::uint64_t seed) { return translator(options_of(v), seed, v.empty()); });
    const Spread loss = loss_of(r), exact = exact_of(r);
    const Spread longer = over(r, [](const Run& run) { return run.standing.longer; });
    table.rows.push_back({name, to_text(loss, "{:.3f}"), to_text(exact, "{:.1f}"),
                          to_text(at_length(r, 4), "{:.0f}"), to_text(at_length(r, 7), "{:.0f}"),
                          to_text(at_length(r, 10), "{:.0f}"), to_text(longer, "{:.1f}")});
    s.fact("loss/" + name, loss, {v == "mean-memory" || v == "no-positions" ? 0.15 : 0.04, 0}, "{:.3f}");
    s.fact("exact/" + name, exact, {v.empty() ? 2.0 : v == "no-cross" ? 1.0 : 12.0, 0}, "{:.1f}");
    s.fact("exact-4/" + name, at_length(r, 4), {10, 0}, "{:.0f}");
    s.fact("exact-10/" + name, at_length(r, 10), {v.empty() ? 8.0 : 20.0, 0}, "{:.0f}");
    s.fact("longer/" + name, longer, {6, 0}, "{:.1f}");
    s.answer(v, exact);
    Curve curve{name, {}, {}, {}, {}};
    for (int length = 3; length <= 10; ++length) {
      const Spread at = at_length(r, length);
      curve.x.push_back(length);
      curve.y.push_back(at.mean);
      curve.low.push_back(at.least);
      curve.high.push_back(at.most);
    }
    lengths.curves.push_back(std::move(curve));
    if (v.empty() || v == "no-cross") {
      std::vector<std::vector<double>> all;
      for (const Run& run : r) all.push_back(run.losses);
      losses.curves.push_back(loss_curve(name, all));
    }
    if (v.empty() || v == "no-positions")
      looks.maps.push_back(
          {name, r.front().picture.rows, r.front().picture.columns, r.front().picture.weights});
  }

  // the same without a source
  const auto models = s.over_seeds(language_model);
  std::vector<double> held_out;
  for (const auto& m : models) held_out.push_back(m.back());
  const Spread unconditional = spread(held_out);
  table.rows.push_back(
      {"decoder-only language model", to_text(unconditional, "{:.3f}"), "-", "-", "-", "-", "-"});
  s.fact("loss/language-model", unconditional, {0.03, 0}, "{:.3f}");
  losses.curves.push_back(loss_curve("decoder-only", models));
  s.table(table);

  const auto& healthy = runs.at("");
  Curve ideal{"best without order", {}, {}, {}, {}};
  std::map<int, std::vector<double>> limits_at;
  std::vector<double> limits_of_all;
  for (std::uint64_t seed : s.seeds()) {
    const ToyCorpus corpus = toy_corpus(seed);
    std::map<int, std::vector<ToyPair>> groups;
    limits_of_all.push_back(BagReader(corpus.source).best_exact_match(corpus.held_out));
    for (const ToyPair& p : corpus.held_out) groups[static_cast<int>(p.source.size())].push_back(p);
    for (const auto& [length, pairs] : groups)
      limits_at[length].push_back(BagReader(corpus.source).best_exact_match(pairs));
  }
  for (const auto& [length, values] : limits_at) {
    ideal.x.push_back(length);
    ideal.y.push_back(spread(values).mean);
  }
  lengths.curves.push_back(std::move(ideal));
  s.figure("exact-by-length", lengths);
  s.figure("loss", losses);
  for (std::size_t i = 0; i < 3; ++i)
    for (const std::string& v : s.variants())
      said.rows.push_back(
          {std::array{whom, turned, example}[i], shown(v), runs.at(v).front().translations[i]});
  s.table(said);

  s.heading("The healthy translator, changed after training");
  Table after{"afterwards", {{"change", "loss (nats/token)", "exact match (%)"}}};
  after.rows.push_back({"none", to_text(loss_of(healthy), "{:.3f}"), to_text(exact_of(healthy), "{:.1f}")});
  const char* names[] = {"mean", "first", "last", "both"};
  std::vector<Spread> exact_after, loss_after;
  for (std::size_t i = 0; i < 4; ++i) {
    loss_after.push_back(over(healthy, [&](const Run& r) { return r.afterwards[i].second.loss; }));
    exact_after.push_back(over(healthy, [&](const Run& r) { return r.afterwards[i].second.exact; }));
    after.rows.push_back(
        {healthy.front().afterwards[i].first, to_text(loss_after[i]), to_text(exact_after[i], "{:.1f}")});
    s.fact(std::string("after/exact/") + names[i], exact_after[i], {i == 1 || i == 2 ? 40.0 : 3.0, 0},
           "{:.1f}");
    s.fact(std::string("after/loss/") + names[i], loss_after[i], {0.7, 0}, "{:.2f}");
  }
  s.table(after);

  s.heading("Where cross-attention looks");
  s.figure("cross-attention", looks);
  Table follows{"follows", {{"translator", "decoder layer", "all words (%)", "noun and colour (%)"}}};
  std::vector<Spread> reordered;
  for (const auto& v : s.variants())
    for (std::size_t layer = 0;
         layer < runs.at(v).front().follows.size() && (v.empty() || v == "no-positions"); ++layer) {
      const Spread all = over(runs.at(v), [&](const Run& r) { return r.follows[layer].all; });
      const Spread moved = over(runs.at(v), [&](const Run& r) { return r.follows[layer].reordered; });
      follows.rows.push_back(
          {shown(v), std::to_string(layer + 1), to_text(all, "{:.0f}"), to_text(moved, "{:.1f}")});
      s.fact(fmt::format("follows-all/{}-{}", shown(v), layer + 1), all, {15, 0}, "{:.0f}");
      s.fact(fmt::format("follows/{}-{}", shown(v), layer + 1), moved, {v.empty() ? 4.0 : 25.0, 0}, "{:.1f}");
      if (v.empty()) reordered.push_back(moved);
    }
  s.text("share of target words whose heaviest weight is on the source word they render:");
  s.table(follows);

  s.claim("translates", "with everything in place held-out sentences are translated word for word",
          exact_of(healthy).least > 95);
  s.claim("picture", "in every decoder layer the picture follows the exchange of noun and colour",
          reordered[0].least > 90 && reordered[1].least > 90);
  s.claim("needs-memory",
          "a trained translator whose memory is replaced by its mean, or whose cross-attention is cut, "
          "translates almost nothing",
          exact_after[0].most < 10 && exact_after[3].most < 10);
  s.claim("both-layers", "neither decoder layer's cross-attention replaces the other's",
          exact_after[1].mean < 70 && exact_after[2].mean < 80);
  s.claim("worse-than-blind",
          "cut only after training, the translator is worse than a model that never saw a source",
          loss_after[3].least > unconditional.most + 0.3);
  if (runs.contains("mean-memory")) {
    const auto& r = runs.at("mean-memory");
    s.claim("mean-falls",
            "trained on the mean of its memory it translates short sentences and loses long ones",
            at_length(r, 4).least > 80 && at_length(r, 10).most < 40);
  }
  if (runs.contains("no-cross"))
    s.claim("blind",
            "trained without cross-attention the translator is a language model: the loss is that of a "
            "decoder-only one, and no translation is right",
            std::abs(loss_of(runs.at("no-cross")).mean - unconditional.mean) < 0.05 &&
                exact_of(runs.at("no-cross")).most < 2);
  if (runs.contains("no-positions")) {
    const auto& r = runs.at("no-positions");
    s.claim("no-order",
            "without positions the translator does no better than a perfect reader who knows the words but "
            "not their order",
            exact_of(r).mean < spread(limits_of_all).mean + 3);
    s.claim("same-answer",
            "without positions “the goat sees the cat” and “the cat sees the goat” get the same translation",
            std::all_of(r.begin(), r.end(),
                        [](const Run& run) { return run.translations[0] == run.translations[1]; }));
  }
  if (runs.contains("learned-positions"))
    s.claim("learned", "learned positions do nearly as well; what they get wrong is the longest sentences",
            exact_of(runs.at("learned-positions")).least > 80 &&
                at_length(runs.at("learned-positions"), 4).least > 95);
  const auto asked = s.variants();
  if (asked.size() > 1) {
    s.heading("What exactly was it?");
    for (const std::string& v : asked) more(s, v);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      7,
      "How do encoder and decoder meet?",
      "held-out sentences translated word for word, in percent",
      "{:.1f}",
      {{"mean-memory",
        "every row of the encoder's output is replaced by the mean of the rows, in training too"},
       {"no-cross", "what cross-attention adds is zero, in training too"},
       {"no-positions", "nothing is added to the embeddings, on either side"},
       {"learned-positions", "positions are a trained table instead of sinusoids"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    sinusoids(s);
    limits(s);
    paths(s);
    order_and_padding(s);
    if (!s.fast()) translators(s);
    engine(s);
  });
}
