#include "optim/optimizer.hpp"

#include <cmath>
#include <stdexcept>

namespace tenfold::inline TENFOLD_REAL {

void Optimizer::zero_grad() {
  for (Parameter* p : parameters_) p->grad = Tensor();
}

void Optimizer::check_gradients() const {
  for (const Parameter* p : parameters_)
    if (p->grad.defined() && p->grad.shape() != p->value.shape())
      throw ShapeError("optimizer: the gradient of " + p->name + " must have its value's shape " +
                       to_string(p->value.shape()) + ", got " + to_string(p->grad.shape()));
}

void Sgd::step(double learning_rate, double gradient_scale) {
  check_gradients();
  for (Parameter* p : parameters_)
    if (p->grad.defined())
      kernels(p->value).sgd(p->value.mutable_data(), p->grad.data(), static_cast<Real>(learning_rate),
                            static_cast<Real>(gradient_scale), p->value.size());
}

Adam::Adam(std::vector<Parameter*> parameters, const AdamOptions& options)
    : Optimizer(std::move(parameters)), options_(options) {
  for (Parameter* p : parameters_) {
    first_.push_back(filled(kernels(p->value), p->value.shape(), 0));
    second_.push_back(filled(kernels(p->value), p->value.shape(), 0));
  }
}

AdamStep Adam::numbers(double learning_rate) const {
  AdamStep s;
  s.learning_rate = static_cast<Real>(learning_rate);
  s.beta1 = static_cast<Real>(options_.beta1);
  s.beta2 = static_cast<Real>(options_.beta2);
  s.epsilon = static_cast<Real>(options_.epsilon);
  s.correction1 = static_cast<Real>(1 - std::pow(options_.beta1, static_cast<double>(steps_)));
  s.correction2 = static_cast<Real>(1 - std::pow(options_.beta2, static_cast<double>(steps_)));
  return s;
}

void Adam::step(double learning_rate, double gradient_scale) {
  check_gradients();
  ++steps_;
  AdamStep s = numbers(learning_rate);
  s.gradient_scale = static_cast<Real>(gradient_scale);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i];
    if (!p.grad.defined()) continue;
    s.weight_decay = p.value.shape().rank() >= 2 ? static_cast<Real>(options_.weight_decay) : 0;
    kernels(p.value).adam(s, p.value.mutable_data(), p.grad.data(), first_[i].mutable_data(),
                          second_[i].mutable_data(), p.value.size());
  }
}

TensorOf<double> Adam::clipped_step(double learning_rate, double clip, std::span<const Tensor> losses) {
  check_gradients();
  ++steps_;
  if (losses.empty()) throw std::invalid_argument("optimizer: a step needs the losses it descends");
  std::vector<const Real*> values;
  for (const Tensor& loss : losses) values.push_back(loss.data());
  std::vector<TrainedSlice> slices;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i];
    if (!p.grad.defined()) continue;
    const Real decay = p.value.shape().rank() >= 2 ? static_cast<Real>(options_.weight_decay) : 0;
    slices.push_back({p.value.mutable_data(), p.grad.data(), first_[i].mutable_data(), second_[i].mutable_data(),
                      p.value.size(), decay});
  }
  static_assert(sizeof(StepTotals) == 2 * sizeof(double));
  Kernels& k = kernels(losses.front());
  TensorOf<double> result = TensorOf<double>::empty(k, {2});
  auto* totals = reinterpret_cast<StepTotals*>(result.mutable_data());
  k.step_totals(values, slices, totals);
  k.adam_all(numbers(learning_rate), clip, slices, totals);
  return result;
}

double gradient_norm(std::span<Parameter* const> parameters) {
  double squares = 0;
  for (const Parameter* p : parameters)
    if (p->grad.defined()) squares += kernels(p->grad).sum_squares(p->grad.data(), p->grad.size());
  return std::sqrt(squares);
}

}  // namespace tenfold::inline TENFOLD_REAL
