/// @file
/// Training of a small model on made-up sentence pairs, for the tests of training.
#pragma once
#include <vector>

#include "core/philox.hpp"
#include "nn/transformer.hpp"
#include "optim/optimizer.hpp"

namespace tenfold {

inline ModelConfig training_config() {
  ModelConfig c;
  c.source_vocabulary = c.target_vocabulary = 20;
  c.model_dim = 32;
  c.heads = 4;
  c.feed_forward_dim = 64;
  c.max_length = 16;
  return c;
}

/// `pairs` sentences of 2 to `longest` random words, their translations as random.
inline DeviceBatch random_batch(Kernels& k, Index pairs, Index longest, std::uint64_t seed) {
  PhiloxSequence random(seed);
  const Index width = longest + 1;
  using Ids = std::vector<std::int32_t>;
  Ids source(pairs * width, pad_id), input = source, output = source, lengths(pairs);
  Index tokens = 0;
  const auto length = [&] { return 2 + static_cast<Index>(random.below(static_cast<std::uint32_t>(longest - 1))); };
  const auto word = [&] { return static_cast<std::int32_t>(4 + random.below(16)); };
  for (Index p = 0; p < pairs; ++p) {
    const Index n = length(), m = length(), row = p * width;
    for (Index t = 0; t < n; ++t) source[row + t] = word();
    source[row + n] = eos_id;
    lengths[p] = static_cast<std::int32_t>(n + 1);
    input[row] = bos_id;
    for (Index t = 0; t < m; ++t) output[row + t] = input[row + t + 1] = word();
    output[row + m] = eos_id;
    tokens += m + 1;
  }
  const Shape shape{pairs, width};
  return {IdTensor::from(k, shape, source), IdTensor::from(k, {pairs}, lengths), IdTensor::from(k, shape, input),
          IdTensor::from(k, shape, output), tokens};
}

/// A model in training. Each step's loss is that before the update.
class SmallTraining {
 public:
  SmallTraining(Kernels& k, double dropout, double smoothing)
      : model_(k, training_config(), 1), adam_(model_.parameters(), {}), dropout_(dropout), smoothing_(smoothing) {}

  double step(const DeviceBatch& batch, double rate) {
    Tape tape;
    Pass pass(tape, dropout_, 7, ++step_);
    const double loss = [&] {
      const Variable y = model_.loss(pass, batch, smoothing_);
      tape.backward(y);
      return static_cast<double>(y.value.item());
    }();
    tape.clear();
    adam_.step(rate, clip_factor(gradient_norm(adam_.parameters()), 1));
    adam_.zero_grad();
    return loss;
  }
  double loss(const DeviceBatch& batch) {
    Pass pass;
    return model_.loss(pass, batch, 0).value.item();
  }
  std::vector<Real> weights() {
    std::vector<Real> all;
    for (Parameter* p : model_.parameters()) {
      const auto values = p->value.to_host();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

 private:
  Transformer model_;
  Adam adam_;
  double dropout_, smoothing_;
  std::uint64_t step_ = 0;
};

}  // namespace tenfold
