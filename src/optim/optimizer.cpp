#include "optim/optimizer.hpp"

#include <cmath>

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

void Adam::step(double learning_rate, double gradient_scale) {
  check_gradients();
  ++steps_;
  AdamStep s;
  s.learning_rate = static_cast<Real>(learning_rate);
  s.beta1 = static_cast<Real>(options_.beta1);
  s.beta2 = static_cast<Real>(options_.beta2);
  s.epsilon = static_cast<Real>(options_.epsilon);
  s.correction1 = static_cast<Real>(1 - std::pow(options_.beta1, static_cast<double>(steps_)));
  s.correction2 = static_cast<Real>(1 - std::pow(options_.beta2, static_cast<double>(steps_)));
  s.gradient_scale = static_cast<Real>(gradient_scale);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i];
    if (!p.grad.defined()) continue;
    s.weight_decay = p.value.shape().rank() >= 2 ? static_cast<Real>(options_.weight_decay) : 0;
    kernels(p.value).adam(s, p.value.mutable_data(), p.grad.data(), first_[i].mutable_data(),
                          second_[i].mutable_data(), p.value.size());
  }
}

double gradient_norm(std::span<Parameter* const> parameters) {
  double squares = 0;
  for (const Parameter* p : parameters)
    if (p->grad.defined()) squares += kernels(p->grad).sum_squares(p->grad.data(), p->grad.size());
  return std::sqrt(squares);
}

double clip_factor(double norm, double limit) { return limit > 0 && norm > limit ? limit / norm : 1; }

}  // namespace tenfold::inline TENFOLD_REAL
