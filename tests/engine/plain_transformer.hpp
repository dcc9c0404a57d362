/// @file
/// The encoder-decoder written a second time, for the tests: one sentence, one row, one head at a time, on plain
/// vectors of double, from the formulas of Vaswani et al. 2017 and nothing of the engine but the parameters' values.
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace plain {

using Row = std::vector<double>;
using Rows = std::vector<Row>;
using Ids = std::vector<int>;

struct Config {
  int dim = 0, heads = 1, encoder_layers = 0, decoder_layers = 0;
  bool pre_norm = true, gelu = false, learned_positions = false;
};

class Transformer {
 public:
  /// `values`: every parameter by its full name, row by row.
  Transformer(const Config& config, std::map<std::string, Row> values) : c_(config), values_(std::move(values)) {}

  /// A row of logits for every token of `target`.
  Rows logits(const Ids& source, const Ids& target) const {
    const std::string own = values_.contains("src_embed.weight") ? "src_embed.weight" : "tgt_embed.weight";
    Rows memory = embed(own, "src_pos.weight", source);
    for (int i = 0; i < c_.encoder_layers; ++i) memory = encoder_layer("encoder.layers." + std::to_string(i), memory);
    memory = norm("encoder.norm", memory);
    Rows x = embed("tgt_embed.weight", "tgt_pos.weight", target);
    for (int i = 0; i < c_.decoder_layers; ++i) x = decoder_layer("decoder.layers." + std::to_string(i), x, memory);
    x = norm("decoder.norm", x);
    const Row& out = at(values_.contains("generator.weight") ? "generator.weight" : "tgt_embed.weight");
    return affine(x, out.data(), at("generator.bias").data(), static_cast<int>(at("generator.bias").size()));
  }

 private:
  using Sublayer = std::function<Rows(const Rows&)>;

  const Row& at(const std::string& name) const { return values_.at(name); }

  static Rows affine(const Rows& x, const double* weight, const double* bias, int out) {
    Rows y;
    for (const Row& row : x) {
      y.emplace_back(out);
      for (int o = 0; o < out; ++o) {
        y.back()[o] = bias[o];
        for (std::size_t i = 0; i < row.size(); ++i) y.back()[o] += weight[o * row.size() + i] * row[i];
      }
    }
    return y;
  }
  Rows linear(const std::string& name, const Rows& x) const {
    const Row& bias = at(name + ".bias");
    return affine(x, at(name + ".weight").data(), bias.data(), static_cast<int>(bias.size()));
  }

  Rows norm(const std::string& name, Rows x) const {
    const Row &gamma = at(name + ".weight"), &beta = at(name + ".bias");
    for (Row& row : x) {
      double mean = 0, variance = 0;
      for (double v : row) mean += v / c_.dim;
      for (double v : row) variance += (v - mean) * (v - mean) / c_.dim;
      for (int i = 0; i < c_.dim; ++i) row[i] = (row[i] - mean) / std::sqrt(variance + 1e-5) * gamma[i] + beta[i];
    }
    return x;
  }

  Rows embed(const std::string& table, const std::string& positions, const Ids& ids) const {
    Rows x;
    for (std::size_t t = 0; t < ids.size(); ++t) {
      x.emplace_back(c_.dim);
      for (int i = 0; i < c_.dim; ++i) {
        const double angle = static_cast<double>(t) / std::pow(10000.0, double(i - i % 2) / c_.dim);
        const double position = c_.learned_positions ? at(positions)[t * c_.dim + i]
                                : i % 2 == 0         ? std::sin(angle)
                                                     : std::cos(angle);
        x[t][i] = at(table)[ids[t] * c_.dim + i] * std::sqrt(double(c_.dim)) + position;
      }
    }
    return x;
  }

  Rows attention(const std::string& name, const Rows& x, const Rows& memory, bool causal) const {
    const int d = c_.dim, width = d / c_.heads;
    const double *w = at(name + ".in_proj_weight").data(), *b = at(name + ".in_proj_bias").data();
    const Rows q = affine(x, w, b, d), k = affine(memory, w + d * d, b + d, d),
               v = affine(memory, w + 2 * d * d, b + 2 * d, d);
    Rows o(x.size(), Row(d, 0.0));
    for (std::size_t t = 0; t < x.size(); ++t)
      for (int first = 0; first < d; first += width) {
        const std::size_t seen = causal ? t + 1 : memory.size();
        Row weight(seen);
        double total = 0;
        for (std::size_t j = 0; j < seen; ++j) {
          double score = 0;
          for (int i = first; i < first + width; ++i) score += q[t][i] * k[j][i];
          total += weight[j] = std::exp(score / std::sqrt(double(width)));
        }
        for (std::size_t j = 0; j < seen; ++j)
          for (int i = first; i < first + width; ++i) o[t][i] += weight[j] / total * v[j][i];
      }
    return linear(name + ".out_proj", o);
  }

  Rows feed_forward(const std::string& name, const Rows& x) const {
    Rows h = linear(name + ".linear1", x);
    for (Row& row : h)
      for (double& v : row) v = c_.gelu ? v * 0.5 * std::erfc(-v / std::sqrt(2.0)) : std::max(v, 0.0);
    return linear(name + ".linear2", h);
  }

  Rows sublayer(const std::string& norm_name, const Rows& x, const Sublayer& f) const {
    Rows y = f(c_.pre_norm ? norm(norm_name, x) : x);
    for (std::size_t t = 0; t < y.size(); ++t)
      for (int i = 0; i < c_.dim; ++i) y[t][i] += x[t][i];
    return c_.pre_norm ? y : norm(norm_name, y);
  }

  Rows encoder_layer(const std::string& name, const Rows& x) const {
    const Rows h = sublayer(name + ".norm1", x, [&](const Rows& r) { return attention(name + ".self_attn", r, r, false); });
    return sublayer(name + ".norm2", h, [&](const Rows& r) { return feed_forward(name, r); });
  }

  Rows decoder_layer(const std::string& name, const Rows& x, const Rows& memory) const {
    Rows h = sublayer(name + ".norm1", x, [&](const Rows& r) { return attention(name + ".self_attn", r, r, true); });
    h = sublayer(name + ".norm2", h, [&](const Rows& r) { return attention(name + ".multihead_attn", r, memory, false); });
    return sublayer(name + ".norm3", h, [&](const Rows& r) { return feed_forward(name, r); });
  }

  Config c_;
  std::map<std::string, Row> values_;
};

}  // namespace plain
