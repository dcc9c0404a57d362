/// @file
/// Module: something with named parameters. Forward is operator() of each module, built from operations.
///
/// Names are those of torch.nn.Transformer's state dict wherever the layer exists there, so that a checkpoint opens
/// there unchanged.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "autograd/tape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Called for every parameter; its name is complete by then.
using ParameterVisitor = std::function<void(Parameter&)>;

/// Base of all layers: it can list its parameters.
class Module {
 public:
  virtual ~Module() = default;
  /// Calls `visitor` for every parameter, always in the same order.
  virtual void visit(const ParameterVisitor& visitor) = 0;
  /// All parameters, in a fixed order.
  std::vector<Parameter*> parameters() {
    std::vector<Parameter*> all;
    visit([&](Parameter& p) { all.push_back(&p); });
    return all;
  }
};

/// One forward pass: on which tape, if any, and with which dropout.
class Pass {
 public:
  /// Inference: nothing is recorded, nothing dropped.
  Pass() = default;
  /// Training step number `step`: dropout of `rate`, its masks a function of (seed, step, order of sites, position).
  Pass(Tape& tape, double rate, std::uint64_t seed, std::uint64_t step)
      : tape_(&tape), rate_(rate), seed_(seed), step_(step) {}
  /// Recorded, but without dropout: gradient checks.
  explicit Pass(Tape& tape) : tape_(&tape) {}

  /// The parameter as a Variable of this pass: recorded on the tape, if there is one.
  Variable operator()(Parameter& p) { return tape_ ? tape_->parameter(p) : Variable(p.value); }
  /// Called with the name of every attention ("decoder.layers.0.multihead_attn") and its weights before dropout,
  /// [batch, heads, queries, keys]. Computed only when asked for, by the composed definition.
  std::function<void(const std::string& name, const Tensor& weights)> on_attention;

  /// While it lives, a profile of the tape counts operations to this layer.
  class Layer {
   public:
    /// On no profile: nothing happens.
    Layer(Profile* profile, std::string_view name)
        : profile_(profile), before_(profile ? profile->enter_layer(name) : 0) {}
    ~Layer() {
      if (profile_) profile_->return_to_layer(before_);
    }
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;

   private:
    Profile* profile_;
    int before_;
  };
  /// Names what comes next, for a profile.
  Layer layer(std::string_view name) const { return {tape_ ? tape_->profile() : nullptr, name}; }
  /// The same by a parameter two levels below: encoder.layers.0 of encoder.layers.0.norm1.weight.
  Layer layer_above(const Parameter& p) const {
    const std::string_view name = p.name;
    return layer(name.substr(0, name.rfind('.', name.rfind('.') - 1)));
  }

  /// The dropout of the next site; each call is a site of its own.
  Dropout next_dropout() {
    return rate_ > 0 ? Dropout::with_rate(rate_, seed_, (step_ << 16) + ++site_) : Dropout{};
  }

 private:
  Tape* tape_ = nullptr;
  double rate_ = 0;
  std::uint64_t seed_ = 0, step_ = 0, site_ = 0;
};

/// How parameters begin.
namespace init {
/// Uniform in ±sqrt(6 / (rows + cols)) (Glorot and Bengio 2010), values a function of (seed, name).
void xavier_uniform(Parameter& p, Kernels& k, std::string name, const Shape& shape, std::uint64_t seed);
/// Normal with the given standard deviation, values a function of (seed, name).
void normal(Parameter& p, Kernels& k, std::string name, const Shape& shape, double deviation, std::uint64_t seed);
/// Every entry `value`.
void constant(Parameter& p, Kernels& k, std::string name, const Shape& shape, Real value);
}  // namespace init

}  // namespace tenfold::inline TENFOLD_REAL
