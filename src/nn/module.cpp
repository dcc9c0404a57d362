#include "nn/module.hpp"

#include "ops/bias_activation.hpp"
#include "ops/linear.hpp"
#include "ops/slice.hpp"

namespace tenfold::inline TENFOLD_REAL {

PreparedWeights::PreparedWeights(Kernels& kernels)
    : kernels_(kernels), knows_rough_(kernels.prepare_roughly({}) != nullptr),
      knows_largest_(kernels.prepare_largest({}, {}) != nullptr) {}

const PreparedLinear& PreparedWeights::layer(const Parameter& weight, const Parameter& bias, Index first, Index count,
                                             std::optional<Activation> activation, Precision precision) {
  const std::lock_guard lock(mutex_);
  auto& prepared = layers_[{&weight, first, count, activation, precision}];
  if (!prepared) {
    const Index in = weight.value.dim(1);
    const LinearWeights weights{weight.value.data() + first * in, bias.value.data() + first, in, count, activation};
    prepared = precision == Precision::rough ? kernels_.prepare_roughly(weights) : kernels_.prepare(weights);
  }
  return *prepared;
}

const LargestOutput& PreparedWeights::largest(const Parameter& weight, const Parameter& bias,
                                              std::span<const std::int32_t> barred) {
  const std::lock_guard lock(mutex_);
  auto& prepared = largest_[&weight];
  if (!prepared) {
    const Index out = weight.value.dim(0), in = weight.value.dim(1);
    prepared = kernels_.prepare_largest({weight.value.data(), bias.value.data(), in, out, {}}, barred);
  }
  return *prepared;
}

Variable Pass::on_prepared(const Variable& x, Parameter& weight, Parameter& bias, Index first, Index count,
                           std::optional<Activation> activation, OutputSummary* summary) {
  const Tensor inputs[] = {x.value, weight.value};
  require(x.shape().rank() >= 1 && x.shape().back() == weight.value.dim(1), "linear",
          "the input's last axis must be the weight's second", inputs);
  Tensor y = Tensor::empty(x.value.device(), x.shape().with(-1, count));
  const PreparedLinear& layer = prepared_->layer(weight, bias, first, count, activation, precision_);
  const Real* in = x.value.data();
  const Index rows = x.shape().rows();
  if (!summary || !layer.run_summarized(in, y.mutable_data(), rows, *summary)) layer.run(in, y.mutable_data(), rows);
  return y;
}

Variable Pass::linear(const Variable& x, Parameter& weight, Parameter& bias, Index first, Index count) {
  if (prepared_) return on_prepared(x, weight, bias, first, count, {}, nullptr);
  const Variable w = (*this)(weight), b = (*this)(bias);
  if (count == weight.value.dim(0)) return tenfold::TENFOLD_REAL::linear(x, w, b);
  return tenfold::TENFOLD_REAL::linear(x, slice(w, 0, first, count), slice(b, 0, first, count));
}

Variable Pass::linear(const Variable& x, Parameter& weight, Parameter& bias, OutputSummary* summary) {
  if (summary) summary->clear();
  const Index count = weight.value.dim(0);
  return prepared_ ? on_prepared(x, weight, bias, 0, count, {}, summary) : linear(x, weight, bias, 0, count);
}

std::vector<std::int32_t> Pass::largest_output(const Variable& x, const Parameter& weight, const Parameter& bias,
                                               std::span<const std::int32_t> barred) const {
  const Tensor inputs[] = {x.value, weight.value};
  require(prepared_ && prepared_->knows_largest() && x.shape().rank() >= 1 && x.shape().back() == weight.value.dim(1), "largest output",
          "prepared weights that know it are needed, and the input's last axis must be the weight's second", inputs);
  const LargestOutput& layer = prepared_->largest(weight, bias, barred);
  const Index rows = x.shape().rows(), in = weight.value.dim(1);
  std::vector<std::int32_t> found(static_cast<std::size_t>(rows));
  if (precision_ == Precision::exact)
    layer.find(x.value.data(), rows, found.data());
  else
    for (Index r = 0; r < rows; ++r) found[static_cast<std::size_t>(r)] = layer.guess(x.value.data() + r * in);
  return found;
}

Variable Pass::linear_activation(Activation kind, const Variable& x, Parameter& weight, Parameter& bias) {
  if (prepared_) return on_prepared(x, weight, bias, 0, weight.value.dim(0), kind, nullptr);
  return bias_activation(kind, tenfold::TENFOLD_REAL::linear(x, (*this)(weight)), (*this)(bias), next_dropout());
}

}  // namespace tenfold::inline TENFOLD_REAL
