// Chapter 9: what is lost when the tokens of an output do not know of each other, and what it costs that they
// do.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "09-why-autoregression/decoding.hpp"
#include "09-why-autoregression/synonyms.hpp"
#include "core/philox.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"
#include "text/bleu.hpp"
#include "translate/search.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::chapter09;
using lab::Ids;
using lab::ToyPair;

namespace {

Sees sees_of(const std::string& variant) {
  if (variant == "independent") return Sees::nothing;
  if (variant == "no-causal-mask") return Sees::everything;
  return Sees::past;
}

/// Per pair ln p(target) under a decoder that sees the past or nothing; with `whole` the end token counts.
std::vector<double> log_probabilities(Transformer& model, std::span<const ToyPair> pairs, Sees sees,
                                      bool whole = true) {
  Pass pass;
  const DeviceBatch batch = lab::batch_of(model.kernels(), pairs);
  const Tensor logits = logits_of(model, pass, batch, sees).value;
  const auto values = logits.to_host();
  const Index time = logits.dim(1), words = logits.dim(2);
  std::vector<double> all;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Ids target = pairs[i].target;
    if (whole) target.push_back(eos_id);
    double sum = 0;
    for (std::size_t t = 0; t < target.size(); ++t) {
      const auto row = (static_cast<Index>(i) * time + static_cast<Index>(t)) * words;
      sum += log_softmax(values.data() + row, words)[static_cast<std::size_t>(target[t])];
    }
    all.push_back(sum);
  }
  return all;
}

template <class Runs, class What>
Spread over(const Runs& runs, const What& what) {
  std::vector<double> values;
  for (const auto& r : runs) values.push_back(what(r));
  return spread(values);
}

double mean_of(const std::vector<double>& values) { return spread(values).mean; }

// --- AB or BA
// ---------------------------------------------------------------------------------------------------------

struct TwoOrders {
  std::vector<double> p;  ///< of AB, BA, AA, BB
  double nats = 0;        ///< of an output in training, at the end
};

TwoOrders two_orders(std::uint64_t seed, Sees sees) {
  constexpr std::int32_t a = 4, b = 5;
  const auto k = measuring_kernels();
  ModelConfig c;
  c.source_vocabulary = c.target_vocabulary = 6;
  c.model_dim = 16;
  c.heads = 2;
  c.feed_forward_dim = 32;
  c.encoder_layers = c.decoder_layers = 1;
  c.max_length = 8;
  c.dropout = 0;
  Transformer model(*k, c, seed);
  lab::TrainingOptions o;
  o.steps = 200;
  o.schedule = {ScheduleKind::cosine, 3e-3, 20, 200};
  // As many AB as BA in every batch, so that no batch favours one.
  std::vector<ToyPair> pairs;
  for (int i = 0; i < 16; ++i) pairs.push_back({{a}, i % 2 ? Ids{a, b} : Ids{b, a}});
  const DeviceBatch batch = lab::batch_of(*k, pairs);
  const auto curve =
      lab::train(model.parameters(), o, [&](Pass& pass, int) { return loss_of(model, pass, batch, sees); });
  const std::vector<ToyPair> outputs{{{a}, {a, b}}, {{a}, {b, a}}, {{a}, {a, a}}, {{a}, {b, b}}};
  TwoOrders r;
  // A decoder that saw everything in training sees only the past when it writes.
  for (double log_p :
       log_probabilities(model, outputs, sees == Sees::nothing ? Sees::nothing : Sees::past, false))
    r.p.push_back(100 * std::exp(log_p));
  r.nats = 3 * curve.loss.back();
  return r;
}

void orders(Session& s) {
  s.heading("AB and BA are equally right; how probable is each output of a trained model, in %?");
  Table table{"orders",
              {{"decoder", "AB", "BA", "AA", "BB", "anything else", "training loss (nats per output)"}}};
  std::map<std::string, double> invalid, nats;
  for (const std::string& variant : s.variants()) {
    const std::string name = Session::label(variant);
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return two_orders(seed, sees_of(variant)); });
    std::vector<std::string> cells{name};
    for (std::size_t i = 0; i < 4; ++i)
      cells.push_back(to_text(over(runs, [&](const TwoOrders& r) { return r.p[i]; }), "{:.1f}"));
    cells.push_back(to_text(
        over(runs, [](const TwoOrders& r) { return 100 - r.p[0] - r.p[1] - r.p[2] - r.p[3]; }), "{:.1f}"));
    const Spread loss = over(runs, [](const TwoOrders& r) { return r.nats; });
    const Spread wrong = over(runs, [](const TwoOrders& r) { return 100 - r.p[0] - r.p[1]; });
    cells.push_back(to_text(loss));
    table.rows.push_back(cells);
    s.fact("orders/nats/" + name, loss, {0.1, 0});
    if (variant != "no-causal-mask") {
      s.fact("orders/invalid/" + name, wrong, {3, 0}, "{:.1f}");
      const char* outputs[] = {"AB", "BA", "AA", "BB"};
      for (std::size_t i = 0; i < 4; ++i)
        s.fact(fmt::format("orders/{}/{}", outputs[i], name),
               over(runs, [&](const TwoOrders& r) { return r.p[i]; }), {3, 0}, "{:.1f}");
    }
    invalid[name] = wrong.mean;
    nats[name] = loss.mean;
  }
  s.table(table);
  s.claim("orders-healthy", "a decoder that sees the past learns both outputs and no other",
          invalid["healthy"] < 5);
  if (invalid.contains("independent"))
    s.claim("orders-independent", "independent positions give AA and BB half of the time",
            std::abs(invalid["independent"] - 50) < 5 && nats["independent"] > nats["healthy"] + 0.5);
  if (nats.contains("no-causal-mask"))
    s.claim("orders-mask",
            "without the mask the training loss falls below ln 2, which no honest model can reach",
            nats["no-causal-mask"] < 0.5);
}

// --- a translator with synonyms
// ---------------------------------------------------------------------------------------

constexpr int most_choices = 2;  // and more

/// At most nine words.
std::string shortened(const lab::Vocabulary& words, const Ids& output) {
  constexpr std::size_t most = 9;
  if (output.size() <= most) return words.text(output);
  return words.text(std::span(output).first(most)) + " …";
}

struct Choices {
  double loss = 0;
  std::vector<double> likeliest, sampled;  ///< right, in %, by the number of free choices
  double with_choice = 0;                  ///< likeliest, of the sentences with a free choice
  std::vector<std::pair<std::string, std::string>> examples;
};

Choices translate_with_choices(std::uint64_t seed, Sees sees) {
  const auto k = measuring_kernels();
  std::unique_ptr<Synonyms> synonyms;
  const lab::ToyCorpus corpus = with_synonyms(lab::toy_corpus(seed), seed, synonyms);
  lab::ToyOptions o;
  o.loss = [&](Transformer& m, Pass& pass, const DeviceBatch& b) { return loss_of(m, pass, b, sees); };
  const auto model = lab::untrained_translator(*k, corpus, o, seed);
  const auto curve = lab::train_translator(*model, corpus, o, seed);
  Choices r;
  r.loss = mean_of({curve.loss.end() - 20, curve.loss.end()});
  for (const bool draw : {false, true}) {
    PhiloxSequence random(seed, 33);
    const auto outputs = outputs_of(*model, corpus.held_out, sees, draw ? &random : nullptr);
    std::vector<lab::Matches> by_choices(most_choices + 1);
    lab::Matches with_choice;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const ToyPair& p = corpus.held_out[i];
      const int choices = synonyms->choices(p.target);
      const bool right = synonyms->right(p.target).contains(outputs[i]);
      for (lab::Matches* m : {&by_choices[static_cast<std::size_t>(std::min(choices, most_choices))],
                              choices ? &with_choice : nullptr})
        if (m) {
          ++m->count;
          m->right += right;
        }
      if (!draw && choices > 0 && p.source.size() <= 8 && p.source.size() >= 5 && r.examples.size() < 3)
        r.examples.emplace_back(corpus.source.text(p.source), shortened(corpus.target, outputs[i]));
    }
    for (const lab::Matches& m : by_choices) (draw ? r.sampled : r.likeliest).push_back(m.percent());
    if (!draw) r.with_choice = with_choice.percent();
  }
  return r;
}

void choices(Session& s) {
  s.heading(
      "A translator whose French has synonyms of the other gender (le chien, la bête): right outputs, in %");
  Table table{"choices",
              {{"decoder", "training loss (nats)", "likeliest: no choice", "one choice", "two or more",
                "drawn: no choice", "one choice", "two or more"}}};
  Table examples{"examples", {{"decoder", "English", "its likeliest French"}}};
  CurveFigure figure{"Right translations, by the number of words that can be said in two ways",
                     "free choices in the sentence",
                     "right (% of held-out sentences)",
                     false,
                     false,
                     {}};
  std::map<std::string, std::vector<double>> right;
  std::map<std::string, double> loss;
  for (const std::string& variant : s.variants()) {
    const std::string name = Session::label(variant);
    const auto runs =
        s.over_seeds([&](std::uint64_t seed) { return translate_with_choices(seed, sees_of(variant)); });
    const Spread l = over(runs, [](const Choices& r) { return r.loss; });
    std::vector<std::string> cells{name, to_text(l, "{:.3f}")};
    Curve curve{name, {}, {}, {}, {}};
    for (std::size_t c = 0; c <= most_choices; ++c) {
      const Spread y = over(runs, [&](const Choices& r) { return r.likeliest[c]; });
      cells.push_back(to_text(y, "{:.0f}"));
      curve.x.push_back(static_cast<double>(c));
      curve.y.push_back(y.mean);
      curve.low.push_back(y.least);
      curve.high.push_back(y.most);
      s.fact(fmt::format("choices-{}/{}", c, name), y, {15, 0}, "{:.0f}");
      right[name].push_back(y.mean);
    }
    for (std::size_t c = 0; c <= most_choices; ++c) {
      const Spread y = over(runs, [&](const Choices& r) { return r.sampled[c]; });
      cells.push_back(to_text(y, "{:.0f}"));
      s.fact(fmt::format("drawn-{}/{}", c, name), y, {15, 0}, "{:.0f}");
    }
    table.rows.push_back(cells);
    for (const auto& [english, french] : runs.front().examples)
      examples.rows.push_back({name, english, french});
    figure.curves.push_back(std::move(curve));
    s.fact("loss/" + name, l, {0.05, 0}, "{:.3f}");
    loss[name] = l.mean;
    s.answer(variant, over(runs, [](const Choices& r) { return r.with_choice; }));
  }
  figure.curves.push_back({"each choice halves it", {0, 1, 2}, {100, 50, 25}, {}, {}});
  s.table(table);
  s.table(examples);
  s.figure("right-by-choices", figure);
  s.claim("choices-healthy", "a decoder that sees the past translates free choices as well as the rest",
          right["healthy"][0] > 90 && right["healthy"][1] > 90);
  if (right.contains("independent"))
    s.claim(
        "choices-independent",
        "independent positions translate well where there is one right answer, and badly where there are two",
        right["independent"][0] > 85 && right["independent"][1] < 75 && right["independent"][2] < 50);
  if (right.contains("no-causal-mask"))
    s.claim("mask", "a forgotten mask gives the lowest training loss and no right output",
            loss["no-causal-mask"] < loss["healthy"] && loss["no-causal-mask"] < 0.03 &&
                right["no-causal-mask"][0] < 5);
}

// --- teacher forcing and free running
// ---------------------------------------------------------------------------------

constexpr int half_trained = 150;  // steps
const std::vector<std::size_t> up_to{4, 6, 8, 10};
const std::vector<Index> beams{1, 2, 4, 8, 16};

struct Found {
  double log_p = 0, exact = 0, bleu = 0, length = 0;
};

struct HalfTrained {
  std::vector<double> token, product, exact;      ///< by length, in %
  std::map<double, std::vector<Found>> by_alpha;  ///< per beam
  Found drawn;
  double errors = 0, proven = 0;  ///< greedy missed a likelier output: one that beam 16 found, the reference
};

Found judged(Transformer& model, const lab::ToyCorpus& corpus, const std::vector<Ids>& outputs) {
  Found f;
  std::vector<std::string> texts, references;
  std::vector<ToyPair> pairs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ToyPair& p = corpus.held_out[i];
    pairs.push_back({p.source, outputs[i]});
    texts.push_back(corpus.target.text(outputs[i]));
    references.push_back(corpus.target.text(p.target));
    f.length += static_cast<double>(outputs[i].size()) / static_cast<double>(outputs.size());
  }
  // An output cut at the model's longest has no room for its end.
  std::erase_if(pairs, [&](const ToyPair& p) {
    return static_cast<Index>(p.target.size()) >= model.config().max_length;
  });
  f.log_p = mean_of(log_probabilities(model, pairs, Sees::past));
  f.exact = lab::exact_match(corpus.held_out, outputs);
  f.bleu = corpus_bleu(texts, references).score;
  return f;
}

HalfTrained half_trained_translator(std::uint64_t seed) {
  const auto k = measuring_kernels();
  const lab::ToyCorpus corpus = lab::toy_corpus(seed);
  lab::ToyOptions o;
  o.steps = half_trained;
  const auto model = lab::untrained_translator(*k, corpus, o, seed);
  lab::train_translator(*model, corpus, o, seed);
  HalfTrained r;

  // Under teacher forcing, token by token.
  const auto& pairs = corpus.held_out;
  Pass pass;
  const DeviceBatch batch = lab::batch_of(*k, pairs);
  const Tensor logits = logits_of(*model, pass, batch, Sees::past).value;
  const auto values = logits.to_host();
  const auto want = batch.target_output.to_host();
  const auto group = [](const ToyPair& p) {
    return static_cast<std::size_t>(std::lower_bound(up_to.begin(), up_to.end(), p.source.size()) -
                                    up_to.begin());
  };
  std::vector<lab::Matches> tokens(up_to.size()), sentences(up_to.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (want[i] == pad_id) continue;
    lab::Matches& m = tokens[group(pairs[i / static_cast<std::size_t>(logits.dim(1))])];
    ++m.count;
    m.right +=
        chosen(values.data() + static_cast<Index>(i) * logits.dim(2), logits.dim(2), nullptr) == want[i];
  }
  const auto greedy = lab::greedy(*model, lab::sources_of(pairs));
  std::vector<double> product(up_to.size(), 0);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    lab::Matches& m = sentences[group(pairs[i])];
    ++m.count;
    m.right += greedy[i] == pairs[i].target;
    product[group(pairs[i])] +=
        std::pow(tokens[group(pairs[i])].percent() / 100, static_cast<double>(pairs[i].target.size() + 1));
  }
  for (std::size_t g = 0; g < up_to.size(); ++g) {
    r.token.push_back(tokens[g].percent());
    r.exact.push_back(sentences[g].percent());
    r.product.push_back(100 * product[g] / sentences[g].count);
  }

  // Ways to search.
  std::vector<double> log_p_greedy, log_p_widest;
  for (const double alpha : {0.0, 1.0})
    for (const Index beam : beams) {
      std::vector<Ids> outputs;
      SearchOptions so;
      so.beam = beam;
      so.length_penalty = alpha;
      for (const auto& found : search(*model, lab::sources_of(pairs), so)) {
        outputs.push_back(found.front().tokens);
        if (alpha == 0 && beam == beams.front()) log_p_greedy.push_back(found.front().log_probability);
        if (alpha == 0 && beam == beams.back()) log_p_widest.push_back(found.front().log_probability);
      }
      r.by_alpha[alpha].push_back(judged(*model, corpus, outputs));
    }
  const auto log_p_reference = log_probabilities(*model, pairs, Sees::past);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    r.errors += 100.0 * (log_p_widest[i] > log_p_greedy[i] + 1e-3) / static_cast<double>(pairs.size());
    r.proven += 100.0 * (log_p_reference[i] > log_p_greedy[i] + 1e-3) / static_cast<double>(pairs.size());
  }
  PhiloxSequence random(seed, 44);
  r.drawn = judged(*model, corpus, token_by_token(*model, pairs, &random));
  return r;
}

void searches(Session& s) {
  s.heading(fmt::format(
      "A translator after only {} steps: every token right under teacher forcing, and whole outputs",
      half_trained));
  const auto runs = s.over_seeds(half_trained_translator);
  Table lengths{"free-running",
                {{"source words", "tokens right, teacher-forced (%)", "that to the power of the length (%)",
                  "whole outputs right (%)"}}};
  CurveFigure by_length{"Teacher-forced tokens and free-running outputs",
                        "source words (up to)",
                        "right (%)",
                        false,
                        false,
                        {}};
  Curve token{"tokens, teacher-forced", {}, {}, {}, {}}, exact{"whole outputs, free-running", {}, {}, {}, {}},
      product{"tokens to the power of the length", {}, {}, {}, {}};
  for (std::size_t g = 0; g < up_to.size(); ++g) {
    const Spread t = over(runs, [&](const HalfTrained& r) { return r.token[g]; });
    const Spread e = over(runs, [&](const HalfTrained& r) { return r.exact[g]; });
    const Spread p = over(runs, [&](const HalfTrained& r) { return r.product[g]; });
    lengths.rows.push_back({fmt::format("{} to {}", up_to[g] - 1, up_to[g]), to_text(t, "{:.1f}"),
                            to_text(p, "{:.0f}"), to_text(e, "{:.0f}")});
    for (auto [curve, y] : {std::pair{&token, &t}, {&exact, &e}, {&product, &p}}) {
      curve->x.push_back(static_cast<double>(up_to[g]));
      curve->y.push_back(y->mean);
      curve->low.push_back(y->least);
      curve->high.push_back(y->most);
    }
    s.fact(fmt::format("token/{}", up_to[g]), t, {8, 0}, "{:.1f}");
    s.fact(fmt::format("exact/{}", up_to[g]), e, {30, 0}, "{:.0f}");
  }
  by_length.curves = {token, exact, product};
  s.table(lengths);
  s.figure("by-length", by_length);
  s.claim("compound", "whole outputs are right far less often than tokens, and the less the longer they are",
          exact.y.back() < token.y.back() - 30 && exact.y.front() > exact.y.back() + 20);

  s.heading("The same model, searched in other ways");
  Table table{"search", {{"search", "mean ln p of the output", "exact (%)", "BLEU", "mean length"}}};
  const auto row = [&](const std::string& name, const auto& found) {
    table.rows.push_back({name, to_text(over(runs, [&](const HalfTrained& r) { return found(r).log_p; })),
                          to_text(over(runs, [&](const HalfTrained& r) { return found(r).exact; }), "{:.1f}"),
                          to_text(over(runs, [&](const HalfTrained& r) { return found(r).bleu; }), "{:.1f}"),
                          to_text(over(runs, [&](const HalfTrained& r) { return found(r).length; }))});
  };
  row("drawn at random", [](const HalfTrained& r) { return r.drawn; });
  CurveFigure figure{"Beam width and quality", "beam (beginnings kept)", "BLEU", false, false, {}};
  for (const double alpha : {0.0, 1.0}) {
    Curve curve{alpha == 0 ? "by log-probability" : "by log-probability / length", {}, {}, {}, {}};
    for (std::size_t b = 0; b < beams.size(); ++b) {
      const auto found = [&](const HalfTrained& r) { return r.by_alpha.at(alpha)[b]; };
      if (b > 0 || alpha == 0)
        row(b == 0 ? "greedy"
                   : fmt::format("beam {}, {}", beams[b], alpha == 0 ? "by ln p" : "by ln p / length"),
            found);
      const Spread y = over(runs, [&](const HalfTrained& r) { return found(r).bleu; });
      curve.x.push_back(static_cast<double>(beams[b]));
      curve.y.push_back(y.mean);
      curve.low.push_back(y.least);
      curve.high.push_back(y.most);
      const std::string key = fmt::format("{}/{}", alpha == 0 ? "plain" : "normalised", beams[b]);
      s.fact("bleu/" + key, y, {12, 0}, "{:.1f}");
      if (b > 0 && b + 1 < beams.size()) continue;
      s.fact("log-p/" + key, over(runs, [&](const HalfTrained& r) { return found(r).log_p; }), {1, 0});
      s.fact("length/" + key, over(runs, [&](const HalfTrained& r) { return found(r).length; }), {1, 0});
    }
    figure.curves.push_back(std::move(curve));
  }
  s.fact("bleu/drawn", over(runs, [](const HalfTrained& r) { return r.drawn.bleu; }), {12, 0}, "{:.1f}");
  s.table(table);
  s.figure("beam", figure);
  const Spread errors = over(runs, [](const HalfTrained& r) { return r.errors; });
  const Spread proven = over(runs, [](const HalfTrained& r) { return r.proven; });
  s.text(fmt::format(
      "greedy missed a likelier output: {} % of sentences by beam 16, {} % by the reference itself",
      to_text(errors, "{:.1f}"), to_text(proven, "{:.1f}")));
  s.fact("search-errors", errors, {20, 0}, "{:.1f}");
  s.fact("search-errors/reference", proven, {10, 0}, "{:.1f}");
  const auto mean = [&](double alpha, std::size_t beam, double Found::*what) {
    return over(runs, [&](const HalfTrained& r) { return r.by_alpha.at(alpha)[beam].*what; }).mean;
  };
  const std::size_t widest = beams.size() - 1;
  s.claim("likelier", "a wide beam finds likelier outputs than greedy",
          mean(0, widest, &Found::log_p) > mean(0, 0, &Found::log_p) + 0.05);
  s.claim("shorter", "ranked by log-probability alone, a wide beam's outputs are shorter",
          mean(0, widest, &Found::length) < mean(0, 0, &Found::length) - 0.1);
  s.claim("normalised", "divided by its length, the same wide beam gives better outputs",
          mean(1, widest, &Found::bleu) > mean(0, widest, &Found::bleu) + 1);
  s.claim("drawn", "drawing tokens at random gives the worst outputs of all",
          over(runs, [](const HalfTrained& r) { return r.drawn.bleu; }).mean < mean(0, widest, &Found::bleu));
}

// --- the engine
// -------------------------------------------------------------------------------------------------------

void engine(Session& s) {
  s.heading("The chain rule, a prefix at a time, and the engine's teacher forcing in one pass");
  const std::uint64_t seed = s.seeds().front();
  const auto k = measuring_kernels();
  lab::ToyCorpusOptions few;
  few.train = 2000;
  few.held_out = 8;
  few.longer = 1;
  const lab::ToyCorpus corpus = lab::toy_corpus(seed, few);
  lab::ToyOptions o;
  o.steps = half_trained;
  const auto model = lab::untrained_translator(*k, corpus, o, seed);
  const ToyPair& pair = corpus.held_out.front();
  const auto run = [&](const auto& loss) {
    for (Parameter* p : model->parameters()) p->grad = Tensor{};
    Tape tape;
    Pass pass(tape);
    const Variable nats = loss(pass);
    tape.backward(nats);
    return std::vector{nats.value.to_host(), model->target_embed.grad.to_host(),
                       model->decoder.front()->self_attn.in_proj_weight.grad.to_host()};
  };
  const auto lesson = run([&](Pass& pass) {
    Tokens y = pair.target;
    y.push_back(eos_id);
    return chain_rule(
        [&](const Tokens& prefix, std::int32_t next) {
          // The model is asked for the whole prefix, and only its last answer counts.
          const DeviceBatch batch = lab::batch_of(*k, std::vector{ToyPair{pair.source, prefix}});
          std::vector<std::int32_t> target(prefix.size() + 1, pad_id);
          target.back() = next;
          return cross_entropy(
              logits_of(*model, pass, batch, Sees::past),
              {IdTensor::from(*k, {static_cast<Index>(target.size())}, target), pad_id, 0, 1});
        },
        y);
  });
  const auto fused =
      run([&](Pass& pass) { return model->loss(pass, lab::batch_of(*k, std::vector{pair}), 0, 1); });
  lab::same(s,
            {"nats of a sentence", "gradient of the embedding", "gradient of the decoder's self-attention"},
            lesson, fused, 1e-4);

  s.heading("The lesson's beam search and the engine's");
  lab::train_translator(*model, corpus, o, seed);
  SearchOptions so;
  so.beam = so.nbest = 4;
  std::vector<double> ours, theirs;
  const auto found = search(*model, lab::sources_of(corpus.held_out), so);
  for (std::size_t i = 0; i < corpus.held_out.size(); ++i) {
    const Ids& source = corpus.held_out[i].source;
    const auto next = [&](const Tokens& prefix) {
      Pass pass;
      const Tensor logits =
          logits_of(*model, pass, lab::batch_of(*k, std::vector{ToyPair{source, prefix}}), Sees::past).value;
      const auto values = logits.to_host();
      auto log_p =
          log_softmax(values.data() + static_cast<Index>(prefix.size()) * logits.dim(2), logits.dim(2));
      log_p[pad_id] = log_p[bos_id] = -INFINITY;  // never wanted
      return log_p;
    };
    const auto mine = beam_search(next, 4, 1, eos_id, 30);
    for (std::size_t n = 0; n < std::min<std::size_t>(4, mine.size()); ++n) ours.push_back(mine[n].score);
    for (const auto& h : found[i])
      if (h.ended) theirs.push_back(h.score);
  }
  s.same("beam score", std::span<const double>(ours), std::span<const double>(theirs), 1e-4);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{9,
                        "Why one token after the other, and not all at once?",
                        "held-out sentences with a free choice of words that are translated rightly, in %",
                        "{:.0f}",
                        {{"independent", "every token of the output is decided without knowing the others"},
                         {"no-causal-mask", "in training every position sees the tokens that come later"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    orders(s);
    if (!s.fast()) {
      choices(s);
      searches(s);
    }
    engine(s);
  });
}
