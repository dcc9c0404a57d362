/// @file
/// Fused bias and activation: y = activation(x + b), b as long as x's last axis.
/// dL/dx = dL/dy ⊙ activation'(x + b), dL/db = Σ_rows dL/dx.
#pragma once
#include "ops/activation.hpp"
#include "ops/add.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of bias_activation().
struct BiasActivation {
  static constexpr std::string_view name = "bias_activation";
  Activation kind = Activation::relu;  ///< which one
  struct Saved {
    Tensor x, bias;
  };

  Tensor forward(Inputs in, Saved* saved) const {
    const Tensor &x = in[0], &bias = in[1];
    require(x.shape().rank() >= 1 && bias.shape() == Shape{x.dim(-1)}, name,
            "the bias must have the input's last axis", in);
    Tensor y = empty_like(x);
    kernels(x).bias_activate(kind, x.data(), bias.data(), y.mutable_data(), x.shape().rows(), x.dim(-1));
    if (saved) *saved = {x, bias};
    return y;
  }

  void backward(const Saved& s, const Tensor& dy, Gradients dx) const {
    const Index rows = dy.shape().rows(), cols = dy.dim(-1);
    Tensor inner = empty_like(dy);
    kernels(dy).bias_activate_backward(kind, s.x.data(), s.bias.data(), dy.data(), inner.mutable_data(), rows, cols);
    dx[1] = empty_like(s.bias);
    kernels(dy).sum_rows(inner.data(), dx[1].mutable_data(), rows, cols);
    dx[0] = std::move(inner);
  }

  Variable composed(Variables x) const { return activate(kind, add(x[0], x[1])); }

  static std::vector<Sample<BiasActivation>> samples() {
    const auto with = [](Activation kind) { return [=](Kernels&) { return BiasActivation{kind}; }; };
    return {{"relu", {{3, 5}, {5}}, with(Activation::relu), 0.01},
            {"gelu", {{3, 5}, {5}}, with(Activation::gelu)},
            {"gelu, wider than a warp", {{2, 2, 37}, {37}}, with(Activation::gelu)}};
  }
};

}  // namespace op

/// activation(x + bias) for x [..., n] and bias [n], of x's shape. Throws ShapeError.
inline Variable bias_activation(Activation kind, const Variable& x, const Variable& bias) {
  return apply_op(op::BiasActivation{kind}, {x, bias});
}

}  // namespace tenfold::inline TENFOLD_REAL
