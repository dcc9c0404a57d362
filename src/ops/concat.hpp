/// @file
/// Concatenation along one axis; all other extents are equal. The gradient of a part is that part of the gradient.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of concat().
struct Concat {
  static constexpr std::string_view name = "concat";
  int axis = 0;  ///< negative counts from the end
  struct Saved {
    std::vector<Shape> shapes;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    require(!x.empty(), name, "at least one input is needed", x);
    axis_of(axis, name, x);
    Index total = 0;
    for (const Tensor& part : x) {
      require(part.shape().rank() == x[0].shape().rank() && part.shape().with(axis, 0) == x[0].shape().with(axis, 0),
              name, "all axes but one must agree", x);
      total += part.dim(axis);
    }
    Tensor y = Tensor::empty(x[0].device(), x[0].shape().with(axis, total));
    const Index inner = run(y.shape()) / std::max<Index>(total, 1);
    Real* out = y.mutable_data();
    for (const Tensor& part : x) {
      const Index width = part.dim(axis) * inner;
      kernels(y).copy_rows(part.data(), width, out, total * inner, runs(y.shape()), width);
      out += width;
      if (saved) saved->shapes.push_back(part.shape());
    }
    return y;
  }

  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    const Real* from = dy.data();
    for (std::size_t i = 0; i < dx.size(); ++i) {
      dx[i] = Tensor::empty(dy.device(), saved.shapes[i]);
      const Index width = run(saved.shapes[i]);
      kernels(dy).copy_rows(from, run(dy.shape()), dx[i].mutable_data(), width, runs(dy.shape()), width);
      from += width;
    }
  }

  static std::vector<Sample<Concat>> samples() {
    const auto along = [](int axis) { return [=](Kernels&) { return Concat{axis}; }; };
    return {{"rows", {{2, 3}, {1, 3}}, along(0)},
            {"columns of three", {{2, 3}, {2, 1}, {2, 4}}, along(-1)},
            {"the middle axis", {{2, 1, 3}, {2, 2, 3}}, along(1)}};
  }

 private:
  // From the axis inwards the values are one run; the axes outside say how many runs there are.
  Index run(const Shape& s) const { return s.size() / std::max<Index>(runs(s), 1); }
  Index runs(const Shape& s) const {
    const int at = axis < 0 ? axis + s.rank() : axis;
    Index count = 1;
    for (int i = 0; i < at; ++i) count *= s[i];
    return count;
  }
};

}  // namespace op

/// Parts one after another along `axis` (negative counts from the end). Throws ShapeError.
inline Variable concat(std::span<const Variable> parts, int axis) { return apply_op(op::Concat{axis}, parts); }

}  // namespace tenfold::inline TENFOLD_REAL
