/// @file
/// Softmax over the last axis, with mask: y_i = exp(x_i - max x) / Σ_j exp(x_j - max x) over the visible keys, zero elsewhere.
/// dL/dx = y ⊙ (dL/dy - Σ_j y_j dL/dy_j), from dy_i/dx_j = y_i (δ_ij - y_j).
/// With a mask the input is scores [batch, heads, queries, keys]. A row that sees no key is all zeros.
#pragma once
#include "ops/masking.hpp"
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of softmax().
struct Softmax {
  static constexpr std::string_view name = "softmax";
  Masking masking;  ///< the keys beyond it get weight 0
  struct Saved {
    Tensor y;
  };

  Tensor forward(Inputs in, Saved* saved) const {
    const Tensor& x = in[0];
    const bool masked = masking.causal || masking.key_lengths.defined();
    require(x.shape().rank() >= 1, name, "at least one axis is needed", in);
    require(!masked || x.shape().rank() == 4, name, "a masked input must be [batch, heads, queries, keys]", in);
    require(!masking.key_lengths.defined() || masking.key_lengths.size() == x.dim(0), name,
            "one key length per batch entry is needed", in);
    const Mask mask = masked ? masking.mask(x.dim(1), x.dim(2)) : Mask{};
    Tensor y = empty_like(x);
    kernels(x).softmax(mask, x.data(), y.mutable_data(), x.shape().rows(), x.dim(-1));
    if (saved) saved->y = y;
    return y;
  }

  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    dx[0] = empty_like(dy);
    kernels(dy).softmax_backward(saved.y.data(), dy.data(), dx[0].mutable_data(), dy.shape().rows(), dy.dim(-1));
  }

  static std::vector<Sample<Softmax>> samples() {
    const auto masked = [](bool causal, std::vector<std::int32_t> lengths) {
      return [=](Kernels& k) {
        Softmax op{{causal, 0, {}}};
        if (!lengths.empty()) op.masking.key_lengths = IdTensor::from(k, {Index(lengths.size())}, lengths);
        return op;
      };
    };
    return {{"3x5", {{3, 5}}},
            {"one column", {{4, 1}}},
            {"wider than a warp", {{2, 37}}},
            {"causal", {{1, 2, 4, 4}}, masked(true, {})},
            {"padding", {{3, 2, 2, 5}}, masked(false, {5, 3, 1})},
            {"causal and padding, a sequence of nothing", {{2, 1, 3, 3}}, masked(true, {2, 0})}};
  }
};

}  // namespace op

/// Softmax over the last axis, of x's shape; with a mask x must be [batch, heads, queries, keys]. Throws ShapeError.
inline Variable softmax(const Variable& x, Masking masking = {}) {
  return apply_op(op::Softmax{std::move(masking)}, {x});
}

}  // namespace tenfold::inline TENFOLD_REAL
