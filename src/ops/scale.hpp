/// @file
/// Product with a constant: y = factor · x, dL/dx = factor · dL/dy.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of scale().
struct Scale {
  static constexpr std::string_view name = "scale";
  Real factor = 1;  ///< what x is multiplied by; not differentiated
  struct Saved {};

  Tensor forward(Inputs x, Saved*) const { return times(x[0]); }
  void backward(const Saved&, const Tensor& dy, Gradients dx) const { dx[0] = times(dy); }

  static std::vector<Sample<Scale>> samples() {
    return {{"by -0.3", {{2, 3}}, [](Kernels&) { return Scale{Real(-0.3)}; }},
            {"by zero", {{5}}, [](Kernels&) { return Scale{0}; }}};
  }

 private:
  Tensor times(const Tensor& x) const {
    Tensor y = empty_like(x);
    kernels(x).scale(x.data(), factor, y.mutable_data(), x.size());
    return y;
  }
};

}  // namespace op

/// factor · x, of x's shape.
inline Variable scale(const Variable& x, Real factor) { return apply_op(op::Scale{factor}, {x}); }

}  // namespace tenfold::inline TENFOLD_REAL
