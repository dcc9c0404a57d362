/// @file
/// Element-wise product: y = a ⊙ b. dL/da = dL/dy ⊙ b and the other way round.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of multiply().
struct Multiply {
  static constexpr std::string_view name = "multiply";
  struct Saved {
    Tensor a, b;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    require(x[0].shape() == x[1].shape(), name, "shapes must be equal", x);
    Tensor y = empty_like(x[0]);
    kernels(y).multiply(x[0].data(), x[1].data(), y.mutable_data(), y.size());
    if (saved) *saved = {x[0], x[1]};
    return y;
  }

  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    dx[0] = empty_like(dy);
    dx[1] = empty_like(dy);
    kernels(dy).multiply(dy.data(), saved.b.data(), dx[0].mutable_data(), dy.size());
    kernels(dy).multiply(dy.data(), saved.a.data(), dx[1].mutable_data(), dy.size());
  }

  static std::vector<Sample<Multiply>> samples() {
    return {{"matrix", {{2, 3}, {2, 3}}}, {"one value", {{1}, {1}}}, {"odd length", {{37}, {37}}}};
  }
};

}  // namespace op

/// a ⊙ b for equal shapes (else ShapeError).
inline Variable multiply(const Variable& a, const Variable& b) { return apply_op(op::Multiply{}, {a, b}); }

}  // namespace tenfold::inline TENFOLD_REAL
