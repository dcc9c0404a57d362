/// @file
/// A trained translator, head by head: what it loses without each, what each looks at, how much the heads of a layer differ.
#pragma once
#include <cmath>
#include <memory>

#include "10-multi-head/roles.hpp"
#include "course/engine.hpp"

namespace translator {

using namespace tenfold;
using namespace tenfold::lab;
using roles::Place;

/// One attention of the translator.
struct Site {
  Place place;
  std::string label;  ///< "encoder 1"
  MultiHeadAttention* attention;
  std::string name() const {
    const std::string& weight = attention->in_proj_weight.name;
    return weight.substr(0, weight.rfind('.'));
  }
};

inline std::vector<Site> sites(Transformer& m) {
  std::vector<Site> all;
  for (std::size_t i = 0; i < m.encoder.size(); ++i)
    all.push_back({Place::encoder, "encoder " + std::to_string(i + 1), &m.encoder[i]->self_attn});
  for (std::size_t i = 0; i < m.decoder.size(); ++i)
    all.push_back({Place::decoder, "decoder " + std::to_string(i + 1), &m.decoder[i]->self_attn});
  for (std::size_t i = 0; i < m.decoder.size(); ++i)
    all.push_back({Place::cross, "cross " + std::to_string(i + 1), &m.decoder[i]->multihead_attn});
  return all;
}

/// Sentences, in percent, whose every word is the likeliest after the right words before it: then, and only then, greedy
/// decoding gives the whole sentence right.
inline double exact(Transformer& m, std::span<const ToyPair> pairs) {
  const DeviceBatch batch = batch_of(m.kernels(), pairs);
  Pass pass;
  const Variable logits = m.logits(pass, decoded(m, pass, batch));
  const auto z = logits.value.to_host();
  const auto want = batch.target_output.to_host();
  const Index words = logits.shape()[2], time = logits.shape()[1];
  int right = 0;
  for (Index b = 0; b < logits.shape()[0]; ++b) {
    bool all = true;
    for (Index t = b * time; t < (b + 1) * time && want[static_cast<std::size_t>(t)] != pad_id; ++t) {
      const auto row = z.begin() + t * words;
      all = all && std::max_element(row, row + words) - row == want[static_cast<std::size_t>(t)];
    }
    right += all;
  }
  return 100.0 * right / static_cast<double>(pairs.size());
}

/// Takes the columns of W_O that read a head's result to zero: the layer's output then misses exactly that head's term.
inline void prune(MultiHeadAttention& a, Index head) {
  Tensor& w = a.out_proj.weight.value;
  std::vector<Real> values = w.to_host();
  const Index dim = w.dim(1), d_k = dim / a.heads();
  for (Index r = 0; r < w.dim(0); ++r)
    for (Index c = head * d_k; c < (head + 1) * d_k; ++c) values[static_cast<std::size_t>(r * dim + c)] = 0;
  w = Tensor::from(w.device(), w.shape(), values);
}

/// Reads the heads' results in the opposite order, as if they had been concatenated so.
inline void reverse_heads(MultiHeadAttention& a) {
  Tensor& w = a.out_proj.weight.value;
  const std::vector<Real> old = w.to_host();
  std::vector<Real> values(old.size());
  const Index dim = w.dim(1), d_k = dim / a.heads();
  for (Index r = 0; r < w.dim(0); ++r)
    for (Index c = 0; c < dim; ++c)
      values[static_cast<std::size_t>(r * dim + c)] =
          old[static_cast<std::size_t>(r * dim + (a.heads() - 1 - c / d_k) * d_k + c % d_k)];
  w = Tensor::from(w.device(), w.shape(), values);
}

/// What was found of one head.
struct Head {
  std::size_t site = 0;
  Index index = 0;
  double damage = 0;             ///< points of exact match lost without it
  std::vector<double> attention; ///< share of its attention for each role of its place
  std::string role;              ///< the one with more than half of it, or "spread"
};

struct Findings {
  double exact = 0, greedy = 0;   ///< exact match under teacher forcing, and of greedy decoding
  double reversed = 0, one_head = 0;  ///< exact match with a fault put in: heads in the wrong order, heads not split
  std::vector<std::string> sites;
  std::vector<double> whole;      ///< points of exact match lost without any head of a site
  std::vector<Head> heads;
  double divergence_before = 0, divergence_after = 0;  ///< of the heads of a layer, see divergence()
  std::vector<double> least_first, most_first;         ///< exact match after pruning 0, 1, 2, … heads in that order
  std::vector<std::string> read, written;              ///< one sentence and its translation, with their ends
  std::vector<std::vector<std::vector<double>>> picture;  ///< attention between them, [head][written][read]
};

/// The weights of every attention over all sentences, by the attention's name.
inline std::map<std::string, Tensor> attentions(Transformer& m, const DeviceBatch& batch) {
  std::map<std::string, Tensor> all;
  Pass pass;
  pass.on_attention = [&](const std::string& name, const Tensor& weights) { all[name] = weights; };
  decoded(m, pass, batch);
  return all;
}

/// Mean Jensen-Shannon divergence between two heads of the same layer, in nats: 0 when they look at the same, ln 2 when
/// they look at nothing in common. Over all pairs of heads, queries and layers.
inline double divergence(Transformer& m, std::span<const ToyPair> pairs) {
  const DeviceBatch batch = batch_of(m.kernels(), pairs);
  double sum = 0;
  long count = 0;
  const auto weights = attentions(m, batch);
  for (const Site& site : sites(m)) {
    const Tensor& w = weights.at(site.name());
    const auto p = w.to_host();
    const Index heads = w.dim(1), queries = w.dim(2), keys = w.dim(3);
    for (Index b = 0; b < w.dim(0); ++b) {
      const ToyPair& pair = pairs[static_cast<std::size_t>(b)];
      const auto used = static_cast<Index>((site.place == Place::encoder ? pair.source : pair.target).size()) + 1;
      for (Index one = 0; one < heads; ++one)
        for (Index other = 0; other < one; ++other)
          for (Index q = 0; q < used; ++q) {
            const Real* a = p.data() + ((b * heads + one) * queries + q) * keys;
            const Real* c = p.data() + ((b * heads + other) * queries + q) * keys;
            for (Index k = 0; k < keys; ++k) {
              const double mean = (double(a[k]) + double(c[k])) / 2;
              if (a[k] > 0) sum += 0.5 * a[k] * std::log(a[k] / mean);
              if (c[k] > 0) sum += 0.5 * c[k] * std::log(c[k] / mean);
            }
            ++count;
          }
    }
  }
  return sum / static_cast<double>(count);
}

/// Fills in attention and role of every head.
inline void find_roles(Transformer& m, const ToyCorpus& corpus, std::span<const ToyPair> pairs, std::vector<Head>& heads) {
  const auto all_sites = sites(m);
  const auto weights = attentions(m, batch_of(m.kernels(), pairs));
  for (Head& head : heads) {
    const Tensor& w = weights.at(all_sites[head.site].name());
    const auto p = w.to_host();
    const Index queries = w.dim(2), keys = w.dim(3);
    std::vector<std::string> names;
    double asked = 0;
    for (std::size_t b = 0; b < pairs.size(); ++b) {
      const auto found = roles::roles_of(all_sites[head.site].place, corpus.source, pairs[b]);
      head.attention.resize(found.size());
      names.resize(found.size());
      asked += static_cast<double>(found[0].key.size());
      for (std::size_t r = 0; r < found.size(); ++r) {
        names[r] = found[r].name;
        for (std::size_t q = 0; q < found[r].key.size(); ++q)
          if (found[r].key[q] >= 0)
            head.attention[r] += p[static_cast<std::size_t>(((static_cast<Index>(b) * w.dim(1) + head.index) * queries + static_cast<Index>(q)) * keys + found[r].key[q])];
      }
    }
    for (double& a : head.attention) a /= asked;
    const auto most = std::max_element(head.attention.begin(), head.attention.end());
    head.role = *most > 0.5 ? names[static_cast<std::size_t>(most - head.attention.begin())] : "spread";
  }
}

/// Where every head of the decoder's first attention to the encoder looks while one sentence is written.
inline void look(Transformer& m, const ToyCorpus& corpus, Findings& f) {
  const ToyPair pair{corpus.source.ids("the small black cat does not see two green goats"),
                     corpus.target.ids("le petit chat noir ne voit pas deux chèvres vertes")};
  const auto words = [](const Vocabulary& v, const Ids& ids) {
    std::vector<std::string> all;
    for (std::int32_t id : ids) all.push_back(v.word(id));
    all.push_back("end");
    return all;
  };
  f.read = words(corpus.source, pair.source);
  f.written = words(corpus.target, pair.target);
  const Tensor weights = attentions(m, batch_of(m.kernels(), {&pair, 1})).at("decoder.layers.0.multihead_attn");
  const std::vector<Real> values = weights.to_host();
  std::size_t at = 0;
  f.picture.assign(static_cast<std::size_t>(weights.dim(1)), {});
  for (auto& map : f.picture)
    for (std::size_t row = 0; row < f.written.size(); ++row, at += f.read.size())
      map.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(at), values.begin() + static_cast<std::ptrdiff_t>(at + f.read.size()));
}

/// How many of the held-out sentences are looked at.
constexpr std::size_t sentences = 200;
constexpr Index usual_heads = 4;

struct Trained {
  std::unique_ptr<Kernels> kernels;
  ToyCorpus corpus;
  std::unique_ptr<Transformer> model;
  std::span<const ToyPair> pairs() const { return {corpus.held_out.data(), sentences}; }
};

inline std::unique_ptr<Transformer> with_heads(Kernels& k, const ToyCorpus& corpus, Index heads, std::uint64_t seed) {
  ToyOptions o;
  o.config.heads = heads;
  return untrained_translator(k, corpus, o, seed);
}

/// The translator before training; train_translator(*model, corpus, {}, seed) trains it.
inline Trained begin(Index heads, std::uint64_t seed) {
  Trained t{measuring_kernels(), toy_corpus(seed), nullptr};
  t.model = with_heads(*t.kernels, t.corpus, heads, seed);
  return t;
}

/// Exact match of a translator with so many heads.
inline double exact_with_heads(Index heads, std::uint64_t seed) {
  const Trained t = begin(heads, seed);
  train_translator(*t.model, t.corpus, {}, seed);
  return exact(*t.model, t.pairs());
}

/// Does something to W_O of the sites, looks, and puts everything back.
template <class Change>
double exact_after(Transformer& m, std::span<const ToyPair> pairs, const Change& change) {
  const auto all = sites(m);
  std::vector<Tensor> kept;
  for (const Site& s : all) kept.push_back(s.attention->out_proj.weight.value);
  change(all);
  const double found = exact(m, pairs);
  for (std::size_t s = 0; s < all.size(); ++s) all[s].attention->out_proj.weight.value = kept[s];
  return found;
}

inline Findings study(std::uint64_t seed) {
  const Trained t = begin(usual_heads, seed);
  Transformer& m = *t.model;
  const auto pairs = t.pairs();
  Findings f;
  f.divergence_before = divergence(m, pairs);
  train_translator(m, t.corpus, {}, seed);
  f.divergence_after = divergence(m, pairs);
  f.exact = exact(m, pairs);
  f.greedy = exact_match(pairs, greedy(m, sources_of(pairs)));

  // One head at a time, then all of a site.
  const std::size_t count = sites(m).size();
  for (std::size_t site = 0; site < count; ++site) {
    for (Index h = 0; h < usual_heads; ++h) {
      const double without = exact_after(m, pairs, [&](const auto& all) { prune(*all[site].attention, h); });
      f.heads.push_back({site, h, f.exact - without, {}, {}});
    }
    f.whole.push_back(f.exact - exact_after(m, pairs, [&](const auto& all) {
      for (Index h = 0; h < usual_heads; ++h) prune(*all[site].attention, h);
    }));
    f.sites.push_back(sites(m)[site].label);
  }
  find_roles(m, t.corpus, pairs, f.heads);
  look(m, t.corpus, f);

  // More and more of them.
  std::vector<Head> order = f.heads;
  std::stable_sort(order.begin(), order.end(), [](const Head& a, const Head& b) { return a.damage < b.damage; });
  for (auto* curve : {&f.least_first, &f.most_first}) {
    for (std::size_t n = 0; n <= order.size(); ++n)
      curve->push_back(exact_after(m, pairs, [&](const auto& all) {
        for (std::size_t i = 0; i < n; ++i) prune(*all[order[i].site].attention, order[i].index);
      }));
    std::reverse(order.begin(), order.end());
  }

  // The same weights under another idea of what a head is.
  f.reversed = exact_after(m, pairs, [](const auto& all) {
    for (const Site& s : all) reverse_heads(*s.attention);
  });
  const auto undivided = with_heads(*t.kernels, t.corpus, 1, seed);
  const auto from = m.parameters(), to = undivided->parameters();
  for (std::size_t i = 0; i < from.size(); ++i) to[i]->value = from[i]->value;  // no shape differs
  f.one_head = exact(*undivided, pairs);
  return f;
}

}  // namespace translator
