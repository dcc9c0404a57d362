/// @file
/// Fused bias, activation and dropout: y = dropout(activation(x + b)), b as long as x's last axis.
/// dL/dx = D ⊙ dL/dy ⊙ activation'(x + b) with dropout's mask and scale D, dL/db = Σ_rows dL/dx. Of relu the result is all
/// that is kept for the way back, since y > 0 exactly where something passed through both; whoever multiplies by y next
/// keeps it anyway. Other activations need x.
#pragma once
#include "ops/activation.hpp"
#include "ops/add.hpp"
#include "ops/dropout.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of bias_activation().
struct BiasActivation {
  static constexpr std::string_view name = "bias_activation";
  Activation kind = Activation::relu;  ///< which one
  TENFOLD_REAL::Dropout dropout;       ///< of the result
  struct Saved {
    Tensor x, bias;  // relu: the result instead of x
  };

  Tensor forward(Inputs in, Saved* saved) const {
    const Tensor &x = in[0], &bias = in[1];
    require(x.shape().rank() >= 1 && bias.shape() == Shape{x.dim(-1)}, name,
            "the bias must have the input's last axis", in);
    Tensor y = empty_like(x);
    kernels(x).bias_activate_dropout(kind, dropout, x.data(), bias.data(), y.mutable_data(), x.shape().rows(), x.dim(-1));
    if (saved) *saved = {kind == Activation::relu ? y : x, bias};
    return y;
  }

  void backward(const Saved& s, const Tensor& dy, Gradients dx) const {
    const Index rows = dy.shape().rows(), cols = dy.dim(-1);
    Tensor inner = empty_like(dy);
    Real* out = inner.mutable_data();
    if (kind == Activation::relu) {
      kernels(dy).activate_backward(kind, s.x.data(), dy.data(), dropout.scale(), out, dy.size());
    } else {
      const Real* up = dy.data();
      if (dropout.active()) {
        kernels(dy).dropout(dropout, up, out, dy.size());
        up = out;
      }
      kernels(dy).bias_activate_backward(kind, s.x.data(), s.bias.data(), up, out, rows, cols);
    }
    dx[1] = empty_like(s.bias);
    kernels(dy).sum_rows(inner.data(), dx[1].mutable_data(), rows, cols);
    dx[0] = std::move(inner);
  }

  Variable composed(Variables x) const {
    return tenfold::TENFOLD_REAL::dropout(activate(kind, add(x[0], x[1])), dropout);
  }

  static std::vector<Sample<BiasActivation>> samples() {
    const auto with = [](Activation kind, double rate = 0) {
      return [=](Kernels&) { return BiasActivation{kind, TENFOLD_REAL::Dropout::with_rate(rate, 3, 8)}; };
    };
    return {{"relu", {{3, 5}, {5}}, with(Activation::relu), 0.01},
            {"gelu", {{3, 5}, {5}}, with(Activation::gelu)},
            {"relu, dropout", {{4, 6}, {6}}, with(Activation::relu, 0.4), 0.01},
            {"gelu, dropout", {{4, 6}, {6}}, with(Activation::gelu, 0.4)},
            {"gelu, wider than a warp", {{2, 2, 37}, {37}}, with(Activation::gelu)}};
  }
};

}  // namespace op

/// dropout(activation(x + bias)) for x [..., n] and bias [n], of x's shape. Throws ShapeError.
inline Variable bias_activation(Activation kind, const Variable& x, const Variable& bias, const Dropout& dropout = {}) {
  return apply_op(op::BiasActivation{kind, dropout}, {x, bias});
}

}  // namespace tenfold::inline TENFOLD_REAL
