/// @file
/// Addition, with broadcast of a bias: y = a + b, where b has a's shape or that of a's last axes.
/// dL/da = dL/dy; dL/db = dL/dy summed over the axes along which b was repeated.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of add().
struct Add {
  static constexpr std::string_view name = "add";
  struct Saved {
    Shape b;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    const Tensor &a = x[0], &b = x[1];
    require(std::equal(b.shape().begin(), b.shape().end(), a.shape().end() - std::min(b.shape().rank(), a.shape().rank()),
                       a.shape().end()),
            name, "the second shape must equal the first or its last axes", x);
    Tensor y = empty_like(a);
    if (a.size() == b.size())
      kernels(a).add(a.data(), b.data(), y.mutable_data(), a.size());
    else
      kernels(a).add_bias(a.data(), b.data(), y.mutable_data(), b.size() ? a.size() / b.size() : 0, b.size());
    if (saved) saved->b = b.shape();
    return y;
  }

  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    dx[0] = dy;
    if (dy.size() == saved.b.size()) {
      dx[1] = dy.reshaped(saved.b);
      return;
    }
    dx[1] = Tensor::empty(dy.device(), saved.b);
    kernels(dy).sum_rows(dy.data(), dx[1].mutable_data(), dy.size() / saved.b.size(), saved.b.size());
  }

  static std::vector<Sample<Add>> samples() {
    return {{"equal shapes", {{2, 3}, {2, 3}}},
            {"bias of a row", {{2, 4, 3}, {3}}},
            {"positions over a batch", {{3, 2, 5}, {2, 5}}},
            {"one value", {{1}, {1}}},
            {"wider than a vector register", {{2, 37}, {37}}}};
  }
};

}  // namespace op

/// a + b, of a's shape; b may have the shape of a's last axes. Throws ShapeError.
inline Variable add(const Variable& a, const Variable& b) { return apply_op(op::Add{}, {a, b}); }

}  // namespace tenfold::inline TENFOLD_REAL
