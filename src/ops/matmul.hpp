/// @file
/// Matrix product, plain or batched, each side transposable: c = op(a) op(b).
/// a is [..., m, k] ([..., k, m] when transposed), b is [..., k, n] ([..., n, k]); leading axes are equal.
/// With c = a b: dL/da = dL/dc bᵀ and dL/db = aᵀ dL/dc; a transposed side gets the transposed gradient.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of matmul().
struct Matmul {
  static constexpr std::string_view name = "matmul";
  bool transpose_a = false, transpose_b = false;  ///< whether the last two axes of a side are exchanged first
  struct Saved {
    Tensor a, b;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    const Tensor &a = x[0], &b = x[1];
    require(a.shape().rank() >= 2 && a.shape().rank() == b.shape().rank(), name,
            "both sides must be matrices, or batches of them with as many axes", x);
    require(std::equal(a.shape().begin(), a.shape().end() - 2, b.shape().begin()), name,
            "batch dimensions must agree", x);
    require(a.dim(transpose_a ? -2 : -1) == b.dim(transpose_b ? -1 : -2), name, "inner dimensions must agree", x);
    if (saved) *saved = {a, b};
    return product(a, transpose_a, b, transpose_b);
  }

  void backward(const Saved& s, const Tensor& dy, Gradients dx) const {
    dx[0] = transpose_a ? product(s.b, transpose_b, dy, true) : product(dy, false, s.b, !transpose_b);
    dx[1] = transpose_b ? product(dy, true, s.a, transpose_a) : product(s.a, !transpose_a, dy, false);
  }

  /// Of one product there, and two back.
  Flops flops(Inputs x) const {
    const double product = 2.0 * static_cast<double>(x[0].size()) * static_cast<double>(x[1].dim(transpose_b ? -2 : -1));
    return {product, 2 * product};
  }

  static std::vector<Sample<Matmul>> samples() {
    const auto with = [](bool ta, bool tb) { return [=](Kernels&) { return Matmul{ta, tb}; }; };
    return {{"2x3 by 3x4", {{2, 3}, {3, 4}}, with(false, false)},
            {"first transposed", {{3, 2}, {3, 4}}, with(true, false)},
            {"second transposed", {{2, 3}, {4, 3}}, with(false, true)},
            {"both transposed", {{3, 2}, {4, 3}}, with(true, true)},
            {"a batch", {{2, 3, 2, 3}, {2, 3, 3, 4}}, with(false, false)},
            {"a batch, second transposed", {{3, 2, 5}, {3, 4, 5}}, with(false, true)},
            {"one row", {{1, 17}, {17, 9}}, with(false, false)},
            {"one inner value", {{3, 1}, {1, 4}}, with(false, false)}};
  }

 private:
  static Tensor product(const Tensor& a, bool ta, const Tensor& b, bool tb) {
    Gemm g{.transpose_a = ta, .transpose_b = tb};
    g.m = a.dim(ta ? -1 : -2);
    g.k = a.dim(ta ? -2 : -1);
    g.n = b.dim(tb ? -2 : -1);
    g.lda = a.dim(-1);
    g.ldb = b.dim(-1);
    g.ldc = g.n;
    const Shape shape = a.shape().with(-2, g.m).with(-1, g.n);
    g.batch = shape.rows() / std::max<Index>(g.m, 1);
    g.stride_a = a.dim(-1) * a.dim(-2);
    g.stride_b = b.dim(-1) * b.dim(-2);
    g.stride_c = g.m * g.n;
    Tensor c = Tensor::empty(a.device(), shape);
    kernels(a).gemm(g, a.data(), b.data(), c.mutable_data());
    return c;
  }
};

}  // namespace op

/// op(a) op(b): [..., m, n] for a [..., m, k] and b [..., k, n], the last two axes of a side exchanged where it is
/// transposed. Throws ShapeError.
inline Variable matmul(const Variable& a, const Variable& b, bool transpose_a = false, bool transpose_b = false) {
  return apply_op(op::Matmul{transpose_a, transpose_b}, {a, b});
}

}  // namespace tenfold::inline TENFOLD_REAL
