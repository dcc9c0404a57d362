/// @file
/// What chapter 7 measures without training anything: sinusoids, the ways through which a source can reach
/// the loss, word order and padding in an untrained translator, and the lesson's code against the engine's.
/// Takes a moment.
#pragma once
#include <fmt/format.h>

#include "07-encoder-decoder/bag.hpp"
#include "07-encoder-decoder/lesson.hpp"
#include "07-encoder-decoder/translators.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "course/tensors.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter07 {

using course::Session;
using course::Spread;
using course::spread;
using course::Table;
using lab::largest_difference;

// --- the sinusoids
// ----------------------------------------------------------------------------------------------------

inline void sinusoids(Session& s) {
  constexpr Index length = 64, dim = 64;
  s.heading("Sinusoidal positions: 64 positions of width 64");
  const auto k = make_kernels("reference");
  const std::vector<Real> p = positional_encoding(*k, length, dim).to_host();
  const auto product = [&](Index a, Index b) {
    double sum = 0;
    for (Index i = 0; i < dim; ++i)
      sum += static_cast<double>(p[static_cast<std::size_t>(a * dim + i)]) *
             static_cast<double>(p[static_cast<std::size_t>(b * dim + i)]);
    return sum / (dim / 2);  // of a position with itself: 1
  };
  Table table{"sinusoids",
              {{"distance", "product of two positions", "largest minus smallest over all pairs"}}};
  double widest = 0;
  for (Index distance : {0, 1, 2, 5, 10, 30}) {
    double low = INFINITY, high = -INFINITY;
    for (Index t = 0; t + distance < length; ++t) {
      low = std::min(low, product(t, t + distance));
      high = std::max(high, product(t, t + distance));
    }
    widest = std::max(widest, high - low);
    table.rows.push_back({std::to_string(distance), fmt::format("{:.3f}", low),
                          high - low < 1e-6 ? "below 1e-6" : fmt::format("{:.1e}", high - low)});
    if (distance > 0) s.fact(fmt::format("sinusoids/product-{}", distance), low, {0.002, 0}, "{:.2f}");
  }
  s.table(table);
  s.claim("distance", "the product of two sinusoidal positions depends on their distance alone",
          widest < 1e-5);
}

// --- what a reader could do without the source, or without its order
// -------------------------------------------------------

inline void limits(Session& s) {
  s.heading(
      "What a perfect reader could do, if it knew the grammar and nothing of the source, or its words but "
      "not their order");
  struct Limits {
    double floor = 0, bag = 0;
    std::map<int, double> by_length;
  };
  const auto runs = s.over_seeds([](std::uint64_t seed) {
    const lab::ToyCorpus corpus = lab::toy_corpus(seed);
    const BagReader reader(corpus.source);
    Limits l;
    double nats = 0, tokens = 0;
    std::map<int, std::vector<lab::ToyPair>> groups;
    for (const lab::ToyPair& p : corpus.held_out) {
      nats += p.nats;
      tokens += static_cast<double>(p.target.size()) + 1;
      groups[static_cast<int>(p.source.size())].push_back(p);
    }
    l.floor = nats / tokens;
    l.bag = reader.best_exact_match(corpus.held_out);
    for (const auto& [length, pairs] : groups) l.by_length[length] = reader.best_exact_match(pairs);
    return l;
  });
  std::vector<double> floors, bags;
  std::map<int, std::vector<double>> by_length;
  for (const Limits& l : runs) {
    floors.push_back(l.floor);
    bags.push_back(l.bag);
    for (const auto& [length, best] : l.by_length) by_length[length].push_back(best);
  }
  const Spread floor = spread(floors), bag = spread(bags);
  s.text(fmt::format("nothing of the source: loss at least   {} nats per target token",
                     to_text(floor, "{:.3f}")));
  s.text(fmt::format("words without order:   exact match     {} % at most, {} % of 10-word sentences",
                     to_text(bag, "{:.1f}"), to_text(spread(by_length.at(10)), "{:.1f}")));
  s.fact("limit/unconditional", floor, {0.01, 0}, "{:.3f}");
  s.fact("limit/bag", bag, {0.5, 0}, "{:.1f}");
  for (const auto& [length, best] : by_length)
    s.fact(fmt::format("limit/bag-{}", length), spread(best), {0.5, 0}, "{:.0f}");
}

// --- which ways lead from the source to the loss
// ---------------------------------------------------------------------------

inline void paths(Session& s) {
  s.heading(
      "Before training: the loss's gradient at the source embeddings, by which cross-attention is left");
  const std::pair<const char*, std::vector<std::size_t>> ways[] = {{"both decoder layers", {}},
                                                                   {"first decoder layer only", {1}},
                                                                   {"last decoder layer only", {0}},
                                                                   {"none", {0, 1}}};
  Table table{
      "paths",
      {{"cross-attention left in", "gradient norm at the source embeddings", "… at the target embeddings"}}};
  const char* names[] = {"both", "first", "last", "none"};
  double smallest = INFINITY, none = 0, kept = INFINITY;
  for (std::size_t w = 0; w < std::size(ways); ++w) {
    struct Norms {
      double source = 0, target = 0;
    };
    const auto runs = s.over_seeds([&](std::uint64_t seed) {
      const auto k = measuring_kernels();
      const lab::ToyCorpus corpus = lab::toy_corpus(seed, {200, 50, 0});
      const auto model = lab::untrained_translator(*k, corpus, options_of(""), seed);
      for (std::size_t layer : ways[w].second) cut_cross_attention(*model, layer);
      Tape tape;
      Pass pass(tape);
      tape.backward(lab::translator_loss(*model, pass, lab::batch_of(*k, corpus.held_out)));
      const auto norm = [](Parameter& p) {
        Parameter* const one[] = {&p};
        return p.grad.defined() ? gradient_norm(one) : 0;
      };
      return Norms{norm(model->source_embedding()), norm(model->target_embed)};
    });
    std::vector<double> source, target;
    for (const Norms& n : runs) {
      source.push_back(n.source);
      target.push_back(n.target);
    }
    const Spread at_source = spread(source), at_target = spread(target);
    table.rows.push_back({ways[w].first, to_text(at_source, "{:.3f}"), to_text(at_target, "{:.3f}")});
    s.fact(std::string("path/") + names[w], at_source, {1e-4, 0.05}, "{:.3f}");
    s.fact(std::string("path-target/") + names[w], at_target, {0, 0.05}, "{:.3f}");
    if (w < 3) smallest = std::min(smallest, at_source.least);
    if (w == 3) {
      none = at_source.most;
      kept = at_target.least;
    }
  }
  s.table(table);
  s.claim("every-layer", "every decoder layer's cross-attention alone leads from the loss back to the source",
          smallest > 1e-3);
  s.claim("only-way",
          "with embeddings and positions in place but no cross-attention, the gradient at the source is "
          "exactly zero",
          none == 0 && kept > 0.01);
}

// --- order and padding
// -----------------------------------------------------------------------------------------------------

/// Logits under teacher forcing of "le", for a batch of sources that may be padded.
inline std::vector<Real> logits_of(Transformer& model, const lab::ToyCorpus& corpus,
                                   const std::vector<std::string>& sources, bool mask_padding = true) {
  std::vector<lab::ToyPair> pairs;
  for (const std::string& text : sources) pairs.push_back({corpus.source.ids(text), corpus.target.ids("le")});
  const DeviceBatch batch = lab::batch_of(model.kernels(), pairs);
  Pass pass;
  const Variable memory = model.encode(pass, batch.source, batch.source_lengths);
  const IdTensor all =
      IdTensor::full(model.kernels(), {batch.source.dim(0)}, static_cast<std::int32_t>(batch.source.dim(1)));
  const Variable hidden =
      model.decode(pass, memory, mask_padding ? batch.source_lengths : all, batch.target_input);
  return model.logits(pass, slice(hidden, 0, 0, 1)).value.to_host();  // of the first sentence
}

inline void order_and_padding(Session& s) {
  s.heading("Before training: do the logits notice the order of the source, and its padding?");
  const std::string said = "the goat sees the black cat", turned = "the black cat sees the goat";
  Table table{"order", {{"translator", "what is changed", "largest change of a logit"}}};
  struct Changes {
    double with = 0, without = 0, masked = 0, unmasked = 0;
  };
  const auto runs = s.over_seeds([&](std::uint64_t seed) {
    const auto k = measuring_kernels();
    const lab::ToyCorpus corpus = lab::toy_corpus(seed, {1, 1, 0});
    const auto model = lab::untrained_translator(*k, corpus, options_of(""), seed);
    const auto unordered = lab::untrained_translator(*k, corpus, options_of("no-source-positions"), seed);
    const std::string longer = "the small black cat does not see a red girl";
    const auto plain = logits_of(*model, corpus, {said});
    return Changes{
        largest_difference(plain, logits_of(*model, corpus, {turned})),
        largest_difference(logits_of(*unordered, corpus, {said}), logits_of(*unordered, corpus, {turned})),
        largest_difference(plain, logits_of(*model, corpus, {said, longer})),
        largest_difference(plain, logits_of(*model, corpus, {said, longer}, false))};
  });
  const auto row = [&](const char* who, const char* what, const char* name, double Changes::*member,
                       bool rounding) {
    std::vector<double> values;
    for (const Changes& c : runs) values.push_back(c.*member);
    const Spread spread_of = spread(values);
    const bool tiny = spread_of.most < 1e-4;
    table.rows.push_back({who, what, tiny ? "rounding" : to_text(spread_of, "{:.3f}")});
    if (!rounding) s.fact(std::string("order/") + name, spread_of, {1e-3, 0.1}, "{:.3f}");
    return spread_of;
  };
  const Spread with =
      row("sinusoidal positions", "subject and object trade places", "with", &Changes::with, false);
  const Spread without =
      row("no source positions", "subject and object trade places", "without", &Changes::without, true);
  const Spread masked = row("padding masked", "four places of padding", "masked", &Changes::masked, true);
  const Spread unmasked =
      row("padding not masked", "four places of padding", "unmasked", &Changes::unmasked, false);
  s.table(table);
  s.claim("order",
          "without source positions the decoder cannot tell who does it to whom: the logits are the same up "
          "to rounding",
          without.most < 1e-4 && with.least > 100 * without.most);
  s.claim("padding",
          "padding changes nothing when cross-attention masks it, and changes the logits when it does not",
          masked.most < 1e-4 && unmasked.least > 100 * masked.most);
}

// --- the engine
// ------------------------------------------------------------------------------------------------------------

inline void engine(Session& s) {
  s.heading("The lesson's code and the engine's");
  const auto k = make_kernels(s.device(), s.threads());
  const std::uint64_t seed = s.seeds().front();
  const lab::ToyCorpus corpus = lab::toy_corpus(seed, {8, 8, 0});
  const auto model = lab::untrained_translator(*k, corpus, options_of(""), seed);
  const Index dim = model->config().model_dim, length = model->config().max_length;
  const auto random = [&](std::uint64_t stream, const Shape& shape) {
    return lab::random_tensor(*k, shape, seed, stream);
  };
  const auto compare = [&](const char* name, const std::vector<Real>& lesson, const std::vector<Real>& fast) {
    s.same(name, std::span<const Real>(lesson), std::span<const Real>(fast), 1e-5);
  };
  compare("positional encoding", positional_encoding(*k, length, dim).to_host(),
          sinusoidal_positions(*k, length, dim).to_host());

  const DeviceBatch batch = lab::batch_of(*k, corpus.held_out);
  const Tensor upstream = random(1, {batch.target_input.dim(0), batch.target_input.dim(1), dim});
  const auto embedded = [&](bool lesson) {
    Tape tape;
    Pass pass(tape);
    model->target_embed.grad = {};
    const Variable y =
        lesson ? embed(pass(model->target_embed), batch.target_input, positional_encoding(*k, length, dim))
               : model->embed_target(pass, batch.target_input);
    tape.backward(y, upstream);
    return std::pair{y.value.to_host(), model->target_embed.grad.to_host()};
  };
  const auto ours = embedded(true), fast = embedded(false);
  compare("embedding with positions", ours.first, fast.first);
  compare("gradient of the embeddings", ours.second, fast.second);

  // Cross-attention of the first decoder layer, on a memory with padding.
  MultiHeadAttention& attention = model->decoder.front()->multihead_attn;
  const Tensor x = random(2, upstream.shape()),
               memory = random(3, {batch.source.dim(0), batch.source.dim(1), dim});
  const auto attended = [&](bool lesson) {
    Tape tape;
    Pass pass(tape);
    for (Parameter* p : attention.parameters()) p->grad = {};
    const Variable from_decoder = tape.leaf(x), from_encoder = tape.leaf(memory);
    const auto projection = [&](Index i) {
      return Projection{slice(pass(attention.in_proj_weight), 0, i * dim, dim),
                        slice(pass(attention.in_proj_bias), 0, i * dim, dim)};
    };
    const Variable y =
        lesson ? cross_attention(from_decoder, from_encoder,
                                 {projection(0),
                                  projection(1),
                                  projection(2),
                                  {pass(attention.out_proj.weight), pass(attention.out_proj.bias)}},
                                 batch.source_lengths)
               : attention.cross(pass, from_decoder, attention.project_memory(pass, from_encoder),
                                 {false, 0, batch.source_lengths});
    tape.backward(y, upstream);
    std::vector<std::vector<Real>> all{y.value.to_host(), tape.grad(from_decoder).to_host(),
                                       tape.grad(from_encoder).to_host()};
    for (Parameter* p : attention.parameters()) all.push_back(p->grad.to_host());
    return all;
  };
  const auto mine = attended(true), engines = attended(false);
  lab::same(
      s,
      {"cross-attention", "gradient of the decoder's side", "gradient of the memory",
       "gradient of W_Q, W_K, W_V", "gradient of their biases", "gradient of W_O", "gradient of W_O's bias"},
      mine, engines, 1e-5);
}

}  // namespace chapter07
}  // namespace tenfold::inline TENFOLD_REAL
