/// @file
/// Permutation of axes: axis a of the result is axis order[a] of the input. Its gradient is the inverse permutation.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of permute().
struct Permute {
  static constexpr std::string_view name = "permute";
  std::vector<int> order;  ///< names every axis once
  struct Saved {};

  Tensor forward(Inputs x, Saved*) const {
    std::vector<bool> seen(order.size(), false);
    for (int axis : order) {
      require(axis >= 0 && axis < static_cast<int>(order.size()) && !seen[axis], name,
              "the order must name every axis once", x);
      seen[axis] = true;
    }
    require(static_cast<int>(order.size()) == x[0].shape().rank(), name, "the order must name every axis once", x);
    return permuted(x[0], order);
  }

  void backward(const Saved&, const Tensor& dy, Gradients dx) const {
    std::vector<int> inverse(order.size());
    for (std::size_t a = 0; a < order.size(); ++a) inverse[order[a]] = static_cast<int>(a);
    dx[0] = permuted(dy, inverse);
  }

  static std::vector<Sample<Permute>> samples() {
    const auto to = [](std::vector<int> order) { return [=](Kernels&) { return Permute{order}; }; };
    return {{"transpose of a matrix", {{3, 4}}, to({1, 0})},
            {"heads to the front", {{2, 3, 2, 4}}, to({0, 2, 1, 3})},
            {"a cycle of three", {{2, 3, 4}}, to({2, 0, 1})}};
  }

 private:
  static Tensor permuted(const Tensor& x, const std::vector<int>& order) {
    std::vector<Index> extents;
    for (int axis : order) extents.push_back(x.dim(axis));
    Tensor y = Tensor::empty(x.device(), Shape(extents));
    kernels(x).permute(x.data(), y.mutable_data(), x.shape(), order.data());
    return y;
  }
};

}  // namespace op

/// Axes in another order: axis a of the result is axis order[a] of x. Throws ShapeError.
inline Variable permute(const Variable& x, std::vector<int> order) {
  return apply_op(op::Permute{std::move(order)}, {x});
}
/// The last two axes exchanged.
inline Variable transpose(const Variable& x) {
  std::vector<int> order(static_cast<std::size_t>(x.shape().rank()));
  for (std::size_t a = 0; a < order.size(); ++a) order[a] = static_cast<int>(a);
  if (order.size() < 2) throw ShapeError("transpose: at least two axes are needed, got " + to_string(x.shape()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return permute(x, order);
}

}  // namespace tenfold::inline TENFOLD_REAL
