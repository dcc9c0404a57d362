#include "nn/model_check.hpp"

#include "core/random_values.hpp"
#include "nn/transformer.hpp"
#include "ops/scale.hpp"

namespace tenfold {
inline namespace TENFOLD_REAL {
namespace {

constexpr std::uint64_t check_seed = 3;

ModelConfig tiny_config(const ModelCheckOptions& options) {
  ModelConfig c;
  c.source_vocabulary = c.target_vocabulary = 11;
  c.model_dim = 8;
  c.heads = 2;
  c.feed_forward_dim = 12;
  c.encoder_layers = c.decoder_layers = 2;
  c.max_length = 8;
  c.pre_norm = options.pre_norm;
  c.gelu = options.gelu;
  return c;
}

/// Two sentence pairs of unequal length; one piece occurs twice, and on both sides.
DeviceBatch tiny_batch(Kernels& k) {
  DeviceBatch batch;
  batch.source = IdTensor::from(k, {2, 4}, std::vector<std::int32_t>{5, 9, 5, eos_id, 7, eos_id, pad_id, pad_id});
  batch.source_lengths = IdTensor::from(k, {2}, std::vector<std::int32_t>{4, 2});
  batch.target_input = IdTensor::from(k, {2, 3}, std::vector<std::int32_t>{bos_id, 6, 5, bos_id, 10, pad_id});
  batch.target_output = IdTensor::from(k, {2, 3}, std::vector<std::int32_t>{6, 5, eos_id, 10, eos_id, pad_id});
  batch.target_tokens = 5;
  return batch;
}

std::vector<double> on_host(const Tensor& t) {
  const std::vector<Real> values = t.to_host();
  return {values.begin(), values.end()};
}

Tensor on_device(Kernels& k, const Shape& shape, const std::vector<double>& values) {
  return Tensor::from(k, shape, std::vector<Real>(values.begin(), values.end()));
}

/// Moves every parameter off the zeros and ones that biases and norms begin with: there some faults would not show.
void shake(Transformer& model) {
  std::uint64_t stream = 0;
  for (Parameter* p : model.parameters()) {
    std::vector<double> values = on_host(p->value);
    const std::vector<double> noise = random_values(check_seed, ++stream, p->value.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += 0.2 * noise[i];
    p->value = on_device(model.kernels(), p->value.shape(), values);
  }
}

/// The loss times a fixed random number, so that the upstream gradient is not one. Dropout has the same masks each
/// time: they are a function of (seed, step).
Variable upstream_loss(Transformer& model, Tape& tape, const DeviceBatch& batch) {
  const double upstream = random_values(check_seed, 0, 1, 0.5).front();
  Pass pass(tape, 0.2, check_seed, 1);
  return scale(model.loss(pass, batch, 0.1), static_cast<Real>(upstream));
}

}  // namespace
}  // namespace TENFOLD_REAL

template <>
std::vector<ParameterCheck> check_model_gradients<Real>(const std::string& device, double epsilon,
                                                        const ModelCheckOptions& options) {
  const auto kernels = make_kernels(device);
  Transformer model(*kernels, tiny_config(options), check_seed);
  shake(model);
  const DeviceBatch batch = tiny_batch(*kernels);
  Tape tape;
  tape.backward(upstream_loss(model, tape, batch));
  tape.clear();

  std::vector<ParameterCheck> checks;
  for (Parameter* p : model.parameters()) {
    std::vector<double> values = on_host(p->value);
    const std::vector<double> gradient = p->grad.defined() ? on_host(p->grad) : std::vector<double>{};
    const auto loss = [&] {
      p->value = on_device(*kernels, p->value.shape(), values);
      const double value = upstream_loss(model, tape, batch).value.item();
      tape.clear();
      return value;
    };
    checks.push_back({p->name, check_gradient(loss, values, gradient, epsilon)});
    p->value = on_device(*kernels, p->value.shape(), values);
  }
  return checks;
}

}  // namespace tenfold
