/// @file
/// Sum and mean over one axis, which is removed. The gradient is repeated along it (divided by its extent for the mean).
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// An axis seen as the middle one of [outer, extent, inner].
struct AxisView {
  Index outer = 1, extent = 1, inner = 1;  ///< extents; the product is the tensor's size
  Shape without;                           ///< the shape once the axis is gone

  /// `at` counts from 0.
  AxisView(const Shape& s, int at) : extent(s[at]) {
    std::vector<Index> rest;
    for (int i = 0; i < s.rank(); ++i) {
      if (i == at) continue;
      (i < at ? outer : inner) *= s[i];
      rest.push_back(s[i]);
    }
    without = Shape(rest);
  }
};

/// The operation of sum().
struct Sum {
  static constexpr std::string_view name = "sum";
  int axis = 0;  ///< negative counts from the end
  struct Saved {
    Shape before;
    int at = 0;  // the axis, counted from 0
  };

  Tensor forward(Inputs x, Saved* saved) const {
    const int at = axis_of(axis, name, x);
    const AxisView v(x[0].shape(), at);
    Tensor y = Tensor::empty(x[0].device(), v.without);
    kernels(y).sum_axis(x[0].data(), y.mutable_data(), v.outer, v.extent, v.inner);
    if (saved) *saved = {x[0].shape(), at};
    return y;
  }
  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    const AxisView v(saved.before, saved.at);
    dx[0] = Tensor::empty(dy.device(), saved.before);
    kernels(dy).repeat_axis(dy.data(), dx[0].mutable_data(), v.outer, v.extent, v.inner);
  }
  static std::vector<Sample<Sum>> samples() {
    const auto over = [](int axis) { return [=](Kernels&) { return Sum{axis}; }; };
    return {{"rows", {{4, 3}}, over(0)}, {"columns", {{4, 3}}, over(-1)}, {"the middle axis", {{2, 5, 3}}, over(1)},
            {"a vector", {{37}}, over(0)}};
  }
};

/// The operation of mean().
struct Mean {
  static constexpr std::string_view name = "mean";
  int axis = 0;              ///< negative counts from the end; must not be empty
  using Saved = Sum::Saved;  ///< the shape and the axis

  Tensor forward(Inputs x, Saved* saved) const {
    const Index n = x[0].dim(axis_of(axis, name, x));
    require(n > 0, name, "the axis must not be empty", x);
    return divided(Sum{axis}.forward(x, saved), n);
  }
  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    Sum{axis}.backward(saved, dy, dx);
    dx[0] = divided(std::move(dx[0]), saved.before[axis]);
  }
  static std::vector<Sample<Mean>> samples() {
    const auto over = [](int axis) { return [=](Kernels&) { return Mean{axis}; }; };
    return {{"rows", {{4, 3}}, over(0)}, {"columns", {{4, 3}}, over(-1)}, {"the middle axis", {{2, 5, 3}}, over(1)}};
  }

 private:
  static Tensor divided(Tensor t, Index n) {
    Real* values = t.mutable_data();
    kernels(t).scale(values, Real(1) / static_cast<Real>(n), values, t.size());
    return t;
  }
};

}  // namespace op

/// Sum over `axis` (negative counts from the end), which is removed.
inline Variable sum(const Variable& x, int axis) { return apply_op(op::Sum{axis}, {x}); }
/// Mean over `axis`, which is removed.
inline Variable mean(const Variable& x, int axis) { return apply_op(op::Mean{axis}, {x}); }

}  // namespace tenfold::inline TENFOLD_REAL
