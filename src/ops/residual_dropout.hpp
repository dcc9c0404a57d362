/// @file
/// Fused residual connection: y = x + dropout(f), the sum every sublayer ends with.
/// dL/dx = dL/dy, dL/df = dropout(dL/dy) with the same mask.
#pragma once
#include "ops/add.hpp"
#include "ops/dropout.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of residual_dropout().
struct ResidualDropout {
  static constexpr std::string_view name = "residual_dropout";
  TENFOLD_REAL::Dropout spec;  ///< of f
  struct Saved {};

  Tensor forward(Inputs x, Saved*) const {
    require(x[0].shape() == x[1].shape(), name, "shapes must be equal", x);
    Tensor y = empty_like(x[0]);
    if (spec.active())
      kernels(y).residual_dropout(spec, x[0].data(), x[1].data(), y.mutable_data(), y.size());
    else
      kernels(y).add(x[0].data(), x[1].data(), y.mutable_data(), y.size());
    return y;
  }

  void backward(const Saved&, const Tensor& dy, Gradients dx) const {
    dx[0] = dy;
    if (!spec.active()) {
      dx[1] = dy;
      return;
    }
    dx[1] = empty_like(dy);
    kernels(dy).dropout(spec, dy.data(), dx[1].mutable_data(), dy.size());
  }

  Variable composed(Variables x) const { return add(x[0], dropout(x[1], spec)); }

  static std::vector<Sample<ResidualDropout>> samples() {
    const auto rate = [](double r) {
      return [=](Kernels&) { return ResidualDropout{TENFOLD_REAL::Dropout::with_rate(r, 3, 9)}; };
    };
    return {{"rate 0.3", {{3, 11}, {3, 11}}, rate(0.3)}, {"rate 0", {{2, 5}, {2, 5}}, rate(0)}};
  }
};

}  // namespace op

/// x + dropout(f) for equal shapes (else ShapeError).
inline Variable residual_dropout(const Variable& x, const Variable& f, const Dropout& spec) {
  return apply_op(op::ResidualDropout{spec}, {x, f});
}

}  // namespace tenfold::inline TENFOLD_REAL
