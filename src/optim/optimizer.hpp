/// @file
/// Optimizers: SGD, Adam, AdamW. They see a list of parameters, read their gradients and write their values.
///
/// A parameter without a gradient is left as it is. step() divides nothing and clips nothing by itself: pass the
/// factor that clipping or averaging asks for.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "autograd/tape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Base of the optimizers. The parameters must outlive it.
class Optimizer {
 public:
  /// For these parameters, in this order.
  explicit Optimizer(std::vector<Parameter*> parameters) : parameters_(std::move(parameters)) {}
  virtual ~Optimizer() = default;
  /// One update with every gradient multiplied by `gradient_scale` first.
  virtual void step(double learning_rate, double gradient_scale = 1) = 0;
  /// Forgets the gradients.
  void zero_grad();
  /// What it was made with.
  std::span<Parameter* const> parameters() const { return parameters_; }

 protected:
  /// Throws ShapeError unless every gradient has its value's shape.
  void check_gradients() const;
  std::vector<Parameter*> parameters_;  ///< not owned
};

/// value -= learning_rate · g
class Sgd final : public Optimizer {
 public:
  /// For these parameters, in this order.
  using Optimizer::Optimizer;
  void step(double learning_rate, double gradient_scale = 1) override;
};

/// Defaults are those of Vaswani et al. 2017, section 5.3.
struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-9;  ///< β₁, β₂ and ε of the formula at Adam
  double weight_decay = 0;  ///< decoupled (AdamW, Loshchilov and Hutter 2019); 0 is Adam (Kingma and Ba 2015)
};

/// m = β₁m + (1-β₁)g, v = β₂v + (1-β₂)g², value -= lr · (m/(1-β₁ᵗ)) / (sqrt(v/(1-β₂ᵗ)) + ε) + lr · decay · value.
/// Only matrices decay, biases and norms do not.
class Adam final : public Optimizer {
 public:
  /// Both moments begin at zero.
  Adam(std::vector<Parameter*> parameters, const AdamOptions& options);
  void step(double learning_rate, double gradient_scale = 1) override;
  /// Queues one update of all parameters, with the gradients clipped to a norm of `clip` (0: not at all), and returns
  /// without waiting for the device: what it came to is read from the result with to_host() — the loss, which is the sum
  /// of `losses` (tensors of size one), and the square of the gradients' norm. When one of the two is not finite nothing
  /// was updated. The gradients are left.
  TensorOf<double> clipped_step(double learning_rate, double clip, std::span<const Tensor> losses);

  /// The state beside the values, for checkpoints: first and second moments, in the parameters' order.
  std::vector<Tensor>& first_moments() { return first_; }
  /// Running means of the squared gradients, likewise.
  std::vector<Tensor>& second_moments() { return second_; }
  /// Updates done: t of the bias correction.
  std::int64_t steps() const { return steps_; }
  /// For a resumed run.
  void set_steps(std::int64_t steps) { steps_ = steps; }

 private:
  AdamStep numbers(double learning_rate) const;

  AdamOptions options_;
  std::vector<Tensor> first_, second_;
  std::int64_t steps_ = 0;
};

/// Euclidean norm of all gradients together; not finite when one of them is not.
double gradient_norm(std::span<Parameter* const> parameters);

}  // namespace tenfold::inline TENFOLD_REAL
