/// @file
/// A small Transformer with inputs, for the tests of the model.
#pragma once
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/random_values.hpp"
#include "nn/transformer.hpp"

namespace tenfold {

using Ids = std::vector<std::int32_t>;

inline ModelConfig small_config() {
  ModelConfig c;
  c.source_vocabulary = c.target_vocabulary = 13;
  c.model_dim = 8;
  c.heads = 2;
  c.feed_forward_dim = 12;
  c.max_length = 10;
  return c;
}

/// A model whose biases and norms are not the zeros and ones they begin with: else some faults would not show.
struct SmallModel {
  std::unique_ptr<Kernels> k;
  Transformer model;

  explicit SmallModel(const ModelConfig& config = small_config(), const std::string& device = "reference")
      : k(make_kernels(device)), model(*k, config, 1) {
    std::uint64_t stream = 0;
    for (Parameter* p : model.parameters()) {
      std::vector<Real> values = p->value.to_host();
      const auto noise = random_values(2, ++stream, p->value.size());
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += static_cast<Real>(0.3 * noise[i]);
      p->value = Tensor::from(*k, p->value.shape(), values);
    }
  }

  IdTensor ids(const Shape& shape, const Ids& values) { return IdTensor::from(*k, shape, values); }

  /// Logits of a batch, [batch, target time, vocabulary], on the host.
  std::vector<Real> logits(const IdTensor& source, const IdTensor& lengths, const IdTensor& target) {
    Pass pass;
    const Variable memory = model.encode(pass, source, lengths);
    return model.logits(pass, model.decode(pass, memory, lengths, target)).value.to_host();
  }
  /// The same of one sentence pair.
  std::vector<Real> logits(const Ids& source, const Ids& target) {
    const auto n = static_cast<Index>(source.size()), m = static_cast<Index>(target.size());
    return logits(ids({1, n}, source), ids({1}, {static_cast<std::int32_t>(n)}), ids({1, m}, target));
  }

  std::map<std::string, std::vector<double>> values() {
    std::map<std::string, std::vector<double>> all;
    for (Parameter* p : model.parameters()) {
      const auto v = p->value.to_host();
      all[p->name] = {v.begin(), v.end()};
    }
    return all;
  }
};

/// Largest |a - b|; infinite when lengths differ or a NaN is met.
inline double largest_difference(const std::vector<Real>& a, const std::vector<Real>& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
  }
  return worst;
}

}  // namespace tenfold
