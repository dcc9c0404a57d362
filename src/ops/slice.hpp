/// @file
/// Entries [first, first + count) of one axis. Along the outermost axis nothing is copied.
/// The gradient is zero outside of the slice.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of slice().
struct Slice {
  static constexpr std::string_view name = "slice";
  int axis = 0;                ///< negative counts from the end
  Index first = 0, count = 0;  ///< the entries [first, first + count)
  struct Saved {
    Shape before;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    const Shape& shape = x[0].shape();
    axis_of(axis, name, x);
    require(first >= 0 && count >= 0 && first + count <= shape[axis], name,
            "[" + std::to_string(first) + ", " + std::to_string(first + count) + ") must lie within axis " +
                std::to_string(axis),
            x);
    if (saved) saved->before = shape;
    if (outer(shape) == 1) return x[0].reshaped(flat(shape)).rows(first, count).reshaped(shape.with(axis, count));
    Tensor y = Tensor::empty(x[0].device(), shape.with(axis, count));
    const Index in = inner(shape);
    kernels(y).copy_rows(x[0].data() + first * in, shape[axis] * in, y.mutable_data(), count * in, outer(shape),
                         count * in);
    return y;
  }

  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    dx[0] = filled(kernels(dy), saved.before, 0);
    const Index in = inner(saved.before);
    kernels(dy).copy_rows(dy.data(), count * in, dx[0].mutable_data() + first * in, saved.before[axis] * in,
                          outer(saved.before), count * in);
  }

  static std::vector<Sample<Slice>> samples() {
    const auto at = [](int axis, Index first, Index count) {
      return [=](Kernels&) { return Slice{axis, first, count}; };
    };
    return {{"rows", {{5, 3}}, at(0, 1, 2)},
            {"columns", {{3, 7}}, at(-1, 2, 4)},
            {"the middle axis", {{2, 4, 3}}, at(1, 3, 1)}};
  }

 private:
  Index outer(const Shape& s) const {
    Index n = 1;
    for (int i = 0; i < (axis < 0 ? axis + s.rank() : axis); ++i) n *= s[i];
    return n;
  }
  Index inner(const Shape& s) const {
    Index n = 1;
    for (int i = (axis < 0 ? axis + s.rank() : axis) + 1; i < s.rank(); ++i) n *= s[i];
    return n;
  }
  Shape flat(const Shape& s) const { return {s[axis], inner(s)}; }
};

}  // namespace op

/// Entries [first, first + count) of `axis` (negative counts from the end). Throws ShapeError.
inline Variable slice(const Variable& x, int axis, Index first, Index count) {
  return apply_op(op::Slice{axis, first, count}, {x});
}

/// `parts` equal pieces along `axis`. Throws ShapeError where it does not divide.
inline std::vector<Variable> split(const Variable& x, int axis, Index parts) {
  const Index extent = x.shape()[axis];
  if (parts <= 0 || extent % parts != 0)
    throw ShapeError("split: axis " + std::to_string(axis) + " of " + to_string(x.shape()) + " does not divide into " +
                     std::to_string(parts) + " parts");
  std::vector<Variable> out;
  for (Index i = 0; i < parts; ++i) out.push_back(slice(x, axis, i * (extent / parts), extent / parts));
  return out;
}

}  // namespace tenfold::inline TENFOLD_REAL
