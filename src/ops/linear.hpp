/// @file
/// Linear layer: y = x Wᵀ + b, x [..., in], W [out, in], b [out] (optional).
/// dL/dx = dL/dy W, dL/dW = (dL/dy)ᵀ x, dL/db = Σ_rows dL/dy.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of linear().
struct Linear {
  static constexpr std::string_view name = "linear";
  struct Saved {
    Tensor x, w;
    bool has_bias = false;
  };

  Tensor forward(Inputs in, Saved* saved) const {
    const Tensor &x = in[0], &w = in[1];
    require(x.shape().rank() >= 1 && w.shape().rank() == 2 && x.dim(-1) == w.dim(1), name,
            "the input's last axis must be the weight's second", in);
    require(in.size() < 3 || (in[2].shape().rank() == 1 && in[2].dim(0) == w.dim(0)), name,
            "the bias must have the weight's first axis", in);
    const Index rows = x.shape().rows(), out = w.dim(0), k = w.dim(1);
    Tensor y = Tensor::empty(x.device(), x.shape().with(-1, out));
    kernels(x).gemm({.transpose_b = true, .m = rows, .n = out, .k = k, .lda = k, .ldb = k, .ldc = out}, x.data(),
                    w.data(), y.mutable_data());
    if (in.size() == 3) kernels(x).add_bias(y.data(), in[2].data(), y.mutable_data(), rows, out);
    if (saved) *saved = {x, w, in.size() == 3};
    return y;
  }

  void backward(const Saved& s, const Tensor& dy, Gradients dx) const {
    const Index rows = s.x.shape().rows(), out = s.w.dim(0), k = s.w.dim(1);
    dx[0] = empty_like(s.x);
    dx[1] = empty_like(s.w);
    kernels(dy).gemm({.m = rows, .n = k, .k = out, .lda = out, .ldb = k, .ldc = k}, dy.data(), s.w.data(),
                     dx[0].mutable_data());
    kernels(dy).gemm({.transpose_a = true, .m = out, .n = k, .k = rows, .lda = out, .ldb = k, .ldc = k}, dy.data(),
                     s.x.data(), dx[1].mutable_data());
    if (!s.has_bias) return;
    dx[2] = Tensor::empty(dy.device(), {out});
    kernels(dy).sum_rows(dy.data(), dx[2].mutable_data(), rows, out);
  }

  /// Of one product there, and two back.
  Flops flops(Inputs x) const {
    const double product = 2.0 * static_cast<double>(x[0].size()) * static_cast<double>(x[1].dim(0));
    return {product, 2 * product};
  }

  static std::vector<Sample<Linear>> samples() {
    return {{"with bias", {{4, 3}, {5, 3}, {5}}},
            {"without bias", {{4, 3}, {5, 3}}},
            {"a batch of sequences", {{2, 3, 7}, {4, 7}, {4}}},
            {"one row", {{1, 33}, {18, 33}, {18}}}};
  }
};

}  // namespace op

/// x Wᵀ + b for x [..., in], W [out, in], b [out]: [..., out]. Throws ShapeError.
inline Variable linear(const Variable& x, const Variable& weight, const Variable& bias) {
  return apply_op(op::Linear{}, {x, weight, bias});
}
/// x Wᵀ for x [..., in], W [out, in]: [..., out]. Throws ShapeError.
inline Variable linear(const Variable& x, const Variable& weight) { return apply_op(op::Linear{}, {x, weight}); }

}  // namespace tenfold::inline TENFOLD_REAL
