/// @file
/// Layer norm over the last axis: x̂ = (x - mean) / sqrt(var + ε) with the biased variance, y = γ ⊙ x̂ + β
/// (Ba, Kiros, Hinton 2016). With g = γ ⊙ dL/dy:
/// dL/dx = rstd · (g - mean(g) - x̂ · mean(g ⊙ x̂)), dL/dγ = Σ_rows dL/dy ⊙ x̂, dL/dβ = Σ_rows dL/dy.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of layer_norm().
struct LayerNorm {
  static constexpr std::string_view name = "layer_norm";
  Real epsilon = Real(1e-5);  ///< added to the variance
  struct Saved {
    Tensor x, gamma, mean, rstd;
  };

  Tensor forward(Inputs in, Saved* saved) const {
    const Tensor &x = in[0], &gamma = in[1], &beta = in[2];
    require(x.shape().rank() >= 1 && x.dim(-1) > 0 && gamma.shape() == Shape{x.dim(-1)} &&
                beta.shape() == gamma.shape(),
            name, "gamma and beta must have the input's last axis", in);
    const Index rows = x.shape().rows(), cols = x.dim(-1);
    Tensor y = empty_like(x), mean = Tensor::empty(x.device(), {rows}), rstd = Tensor::empty(x.device(), {rows});
    kernels(x).layer_norm(x.data(), gamma.data(), beta.data(), epsilon, y.mutable_data(), mean.mutable_data(),
                          rstd.mutable_data(), rows, cols);
    if (saved) *saved = {x, gamma, mean, rstd};
    return y;
  }

  void backward(const Saved& s, const Tensor& dy, Gradients dx) const {
    dx[0] = empty_like(s.x);
    dx[1] = empty_like(s.gamma);
    dx[2] = empty_like(s.gamma);
    kernels(dy).layer_norm_backward(s.x.data(), s.gamma.data(), s.mean.data(), s.rstd.data(), dy.data(),
                                    dx[0].mutable_data(), dx[1].mutable_data(), dx[2].mutable_data(),
                                    s.x.shape().rows(), s.x.dim(-1));
  }

  static std::vector<Sample<LayerNorm>> samples() {
    return {{"4x6", {{4, 6}, {6}, {6}}},
            {"a batch of sequences", {{2, 3, 8}, {8}, {8}}},
            {"one row", {{1, 5}, {5}, {5}}},
            {"wider than a warp", {{3, 37}, {37}, {37}}},
            {"three columns", {{3, 3}, {3}, {3}}}};
  }
};

}  // namespace op

/// γ ⊙ (x - mean) / sqrt(var + ε) + β over the last axis, for x [..., n], γ and β [n]; of x's shape. Throws ShapeError.
inline Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                           Real epsilon = Real(1e-5)) {
  return apply_op(op::LayerNorm{epsilon}, {x, gamma, beta});
}

}  // namespace tenfold::inline TENFOLD_REAL
