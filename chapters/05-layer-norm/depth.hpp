/// @file
/// Chapter 5, two experiments on a stack of layers x ← relu(W norm(x)): what depth does to the scale of
/// activations and gradients, and which learning rates train it.
#pragma once
#include <algorithm>
#include <string>

#include "05-layer-norm/tools.hpp"
#include "core/philox.hpp"
#include "course/engine.hpp"
#include "course/training.hpp"
#include "ops/activation.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/linear.hpp"
#include "ops/reshape.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter05 {

/// How a signal fares in one random stack.
struct Depth {
  std::vector<double> activation;  ///< rms of x after layer 0 (the input), 1, …
  std::vector<double> gradient;    ///< rms of dL/dx at the same places, 1 at the last
};

/// `gain` multiplies the deviation sqrt(2 / dim) that keeps the scale through a ReLU (He et al. 2015).
inline Depth through_depth(const Norm& norm, double gain, int layers, std::uint64_t seed) {
  constexpr Index dim = 64, time = 32;
  const auto k = measuring_kernels();
  Tape tape;
  std::vector<Variable> x{tape.leaf(random_tensor(*k, {1, time, dim}, seed, 500))};
  for (int layer = 1; layer <= layers; ++layer) {
    const double deviation = gain * std::sqrt(2.0 / dim);
    const Tensor weight =
        random_tensor(*k, {dim, dim}, seed, 500 + static_cast<std::uint64_t>(layer), deviation);
    x.push_back(relu(linear(norm(x.back()), weight)));
    tape.keep_grad(x.back());
  }
  tape.backward(x.back(), random_tensor(*k, {1, time, dim}, seed, 499));
  Depth d;
  for (const Variable& v : x) {
    d.activation.push_back(rms(v.value.to_host()));
    d.gradient.push_back(rms(tape.grad(v).to_host()));
  }
  const double top = d.gradient.back();
  for (double& g : d.gradient) g /= top;
  return d;
}

// --- training
// -----------------------------------------------------------------------------------------------------

constexpr Index features = 16, width = 32, classes = 8, sentences = 16, tokens = 8;
constexpr int blocks = 8, training_steps = 200;

/// A plain stack that labels every token by itself; the labels come from a random network that is the same
/// for a seed.
class Stack {
 public:
  Stack(Kernels& k, std::uint64_t seed, double gain) : kernels_(k), seed_(seed), layers_(blocks) {
    init::normal(in_, k, "in", {width, features}, std::sqrt(1.0 / features), seed);
    for (int i = 0; i < blocks; ++i)
      init::normal(layers_[static_cast<std::size_t>(i)], k, "layer" + std::to_string(i), {width, width},
                   gain * std::sqrt(2.0 / width), seed);
    init::normal(out_, k, "out", {classes, width}, std::sqrt(1.0 / width), seed);
    init::normal(teacher_in_, k, "teacher in", {width, features}, std::sqrt(1.0 / features), seed);
    init::normal(teacher_out_, k, "teacher out", {classes, width}, 1, seed);
  }
  std::vector<Parameter*> parameters() {
    std::vector<Parameter*> all{&in_, &out_};
    for (Parameter& p : layers_) all.push_back(&p);
    return all;
  }
  /// Logits [batch, time, classes].
  Variable operator()(Pass& pass, const Norm& norm, const Variable& x) {
    Variable h = linear(x, pass(in_));
    for (Parameter& p : layers_) h = relu(linear(norm(h), pass(p)));
    return linear(norm(h), pass(out_));
  }
  Tensor inputs(std::uint64_t batch) {
    return random_tensor(kernels_, {sentences, tokens, features}, seed_, 10'000 + batch);
  }
  std::vector<std::int32_t> labels(const Tensor& x) {
    return largest(linear(relu(linear(x, teacher_in_.value)), teacher_out_.value).value);
  }
  static std::vector<std::int32_t> largest(const Tensor& logits) {
    const auto values = logits.to_host();
    std::vector<std::int32_t> best;
    for (auto row = values.begin(); row != values.end(); row += classes)
      best.push_back(static_cast<std::int32_t>(std::max_element(row, row + classes) - row));
    return best;
  }

 private:
  Kernels& kernels_;
  std::uint64_t seed_;
  Parameter in_, out_, teacher_in_, teacher_out_;
  std::vector<Parameter> layers_;
};

struct Trained {
  double together = 0, alone = 0;  ///< per cent of fresh tokens labelled right: in sentences, and one at a
                                   ///< time; 0 if it blew up
};

inline Trained train_stack(const Norm& norm, double gain, double rate, std::uint64_t seed) {
  const auto k = measuring_kernels();
  Stack model(*k, seed, gain);
  lab::TrainingOptions o;
  o.steps = training_steps;
  o.schedule = {ScheduleKind::constant, rate, 0, 0};
  o.clip = 0;
  o.adam = false;
  const auto curve = lab::train(model.parameters(), o, [&](Pass& pass, int step) {
    const Tensor x = model.inputs(static_cast<std::uint64_t>(step));
    const auto labels = model.labels(x);
    return cross_entropy(model(pass, norm, x), {IdTensor::from(*k, {Index(labels.size())}, labels)});
  });
  Trained t;
  if (!curve.finite) return t;
  const auto right = [&](const Tensor& x) {
    Pass pass;
    const auto said = Stack::largest(model(pass, norm, x).value), meant = model.labels(x);
    int count = 0;
    for (std::size_t i = 0; i < said.size(); ++i) count += said[i] == meant[i];
    return 100.0 * count / static_cast<double>(said.size());
  };
  for (std::uint64_t n = 0; n < 10; ++n) {
    const Tensor x = model.inputs(1'000'000 + n);
    t.together += right(x) / 10;
    t.alone += right(x.reshaped({sentences * tokens, 1, features})) / 10;
  }
  return t;
}

}  // namespace chapter05
}  // namespace tenfold::inline TENFOLD_REAL
