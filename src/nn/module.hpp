/// @file
/// Module: something with named parameters. Forward is operator() of each module, built from operations.
///
/// Names are those of torch.nn.Transformer's state dict wherever the layer exists there, so that a checkpoint opens
/// there unchanged.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "autograd/tape.hpp"
#include "backend/prepared_linear.hpp"

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

/// The weights of linear layers in the order that suits their device, laid out when they are first needed: for
/// inference, where one set of weights serves many passes. The parameters must outlive it and keep their values: after a
/// training step, take a new one. Several threads may use it at once.
class PreparedWeights {
 public:
  /// The weights themselves, or weights near them that are faster for a row alone (Kernels::prepare_roughly()).
  enum class Precision { exact, rough };

  /// For parameters on that device.
  explicit PreparedWeights(Kernels& kernels);
  /// Whether rough weights are worth having: the device knows some, and a search has been served already. Making them
  /// costs a few tokens' time, which the first sentence should not wait for.
  bool has_rough() const { return knows_rough_ && served_; }
  /// A search has been served.
  void note_served() { served_ = true; }
  /// Rows [first, first + count) of a layer's weight and bias.
  const PreparedLinear& layer(const Parameter& weight, const Parameter& bias, Index first, Index count,
                              std::optional<Activation> activation, Precision precision);
  /// Whether the device finds the largest output of a layer faster than the host among all of them
  /// (Kernels::prepare_largest()).
  bool knows_largest() const { return knows_largest_; }
  /// The largest output of a layer, which is asked for with the same `barred` each time.
  const LargestOutput& largest(const Parameter& weight, const Parameter& bias, std::span<const std::int32_t> barred);

 private:
  using Key = std::tuple<const Parameter*, Index, Index, std::optional<Activation>, Precision>;

  Kernels& kernels_;
  bool knows_rough_, knows_largest_;
  std::atomic<bool> served_{false};
  std::mutex mutex_;
  std::map<Key, std::unique_ptr<PreparedLinear>> layers_;
  std::map<const Parameter*, std::unique_ptr<LargestOutput>> largest_;
};

/// One forward pass: on which tape, if any, and with which dropout.
class Pass {
 public:
  /// Inference: nothing is recorded, nothing dropped.
  Pass() = default;
  /// As they are, or as near as PreparedWeights has them.
  using Precision = PreparedWeights::Precision;
  /// Inference on prepared weights, which must outlive the pass.
  explicit Pass(PreparedWeights& prepared, Precision precision = Precision::exact)
      : prepared_(&prepared), precision_(precision) {}
  /// Training step number `step`: dropout of `rate`, its masks a function of (seed, step, order of sites, position).
  Pass(Tape& tape, double rate, std::uint64_t seed, std::uint64_t step)
      : tape_(&tape), rate_(rate), seed_(seed), step_(step) {}
  /// Recorded, but without dropout: gradient checks.
  explicit Pass(Tape& tape) : tape_(&tape) {}

  /// The parameter as a Variable of this pass: recorded on the tape, if there is one.
  Variable operator()(Parameter& p) { return tape_ ? tape_->parameter(p) : Variable(p.value); }
  /// x Wᵀ + b with rows [first, first + count) of the parameters W [out, in] and b [out]. Throws ShapeError.
  Variable linear(const Variable& x, Parameter& weight, Parameter& bias, Index first, Index count);
  /// The same with all rows. `summary`, if any, receives what each row of outputs comes to; nothing where the weights are not
  /// prepared, or the device does not find that out on the way.
  Variable linear(const Variable& x, Parameter& weight, Parameter& bias, OutputSummary* summary = nullptr);
  /// dropout(activation(x Wᵀ + b)), the dropout that of the next site.
  Variable linear_activation(Activation kind, const Variable& x, Parameter& weight, Parameter& bias);

  /// The largest output of x Wᵀ + b for each row of x, as LargestOutput says; what is probably that, where the precision is
  /// rough. The pass must have prepared weights that know (PreparedWeights::knows_largest()).
  std::vector<std::int32_t> largest_output(const Variable& x, const Parameter& weight, const Parameter& bias,
                                           std::span<const std::int32_t> barred) const;

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
  Variable on_prepared(const Variable& x, Parameter& weight, Parameter& bias, Index first, Index count,
                       std::optional<Activation> activation, OutputSummary* summary);

  Tape* tape_ = nullptr;
  PreparedWeights* prepared_ = nullptr;
  Precision precision_ = Precision::exact;
  double rate_ = 0;
  std::uint64_t seed_ = 0, step_ = 0, site_ = 0;
};

/// How parameters begin.
namespace init {
/// Decides the random values; without one they are left unspecified, for who is about to load others.
using Seed = std::optional<std::uint64_t>;
/// Uniform in ±sqrt(6 / (rows + cols)) (Glorot and Bengio 2010), values a function of (seed, name).
void xavier_uniform(Parameter& p, Kernels& k, std::string name, const Shape& shape, Seed seed);
/// Normal with the given standard deviation, values a function of (seed, name).
void normal(Parameter& p, Kernels& k, std::string name, const Shape& shape, double deviation, Seed seed);
/// Every entry `value`.
void constant(Parameter& p, Kernels& k, std::string name, const Shape& shape, Real value);
}  // namespace init

}  // namespace tenfold::inline TENFOLD_REAL
