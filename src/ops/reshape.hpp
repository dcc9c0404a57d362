/// @file
/// The same values in the same order under another shape of equal size. Nothing is copied, either way.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of reshape().
struct Reshape {
  static constexpr std::string_view name = "reshape";
  Shape shape;  ///< of the result; its size is the input's
  struct Saved {
    Shape before;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    if (saved) saved->before = x[0].shape();
    return x[0].reshaped(shape);
  }
  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const { dx[0] = dy.reshaped(saved.before); }

  static std::vector<Sample<Reshape>> samples() {
    return {{"matrix to batch", {{4, 6}}, [](Kernels&) { return Reshape{{2, 2, 6}}; }},
            {"to a vector", {{2, 3}}, [](Kernels&) { return Reshape{{6}}; }}};
  }
};

}  // namespace op

/// The same values under `shape`, which must have x's size (else ShapeError).
inline Variable reshape(const Variable& x, const Shape& shape) { return apply_op(op::Reshape{shape}, {x}); }

}  // namespace tenfold::inline TENFOLD_REAL
