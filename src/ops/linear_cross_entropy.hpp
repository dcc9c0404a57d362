/// @file
/// Fused output layer and loss: cross_entropy(x Wᵀ + b), x [..., dim], W [classes, dim], b [classes].
/// Rows are taken in chunks, and each chunk's gradient is made while its logits are there, so that the
/// rows × classes logits are never all in memory. Backward only multiplies by the upstream gradient.
#pragma once
#include "ops/cross_entropy.hpp"
#include "ops/linear.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of linear_cross_entropy().
struct LinearCrossEntropy {
  static constexpr std::string_view name = "linear_cross_entropy";
  LossSpec spec;      ///< targets and how they count
  Index chunk = 512;  ///< rows whose logits are in memory at once
  struct Saved {
    mutable Tensor dx, dw, db;  // backward, which runs once, hands them on
  };

  Tensor forward(Inputs in, Saved* saved) const {
    const Tensor &x = in[0], &w = in[1], &b = in[2];
    require(w.shape().rank() == 2 && x.shape().rank() >= 1 && x.dim(-1) == w.dim(1) && b.shape() == Shape{w.dim(0)},
            name, "input [..., dim], weight [classes, dim] and bias [classes] are needed", in);
    require(x.shape().rows() == spec.targets.size(), name,
            "one target per row is needed, " + std::to_string(spec.targets.size()) + " given", in);
    const Index rows = x.shape().rows(), classes = w.dim(0), dim = w.dim(1);
    const Real divisor = spec.divisor();
    Kernels& k = kernels(x);
    Tensor dx, dw, db, part;
    if (saved) {
      dx = empty_like(x);
      dw = filled(k, w.shape(), 0);
      db = filled(k, b.shape(), 0);
      part = empty_like(b);
    }
    Tensor logits = Tensor::empty(k, {std::min(chunk, rows), classes});
    Tensor losses = Tensor::empty(k, {rows}), log_sums = Tensor::empty(k, {rows});
    for (Index first = 0; first < rows; first += chunk) {
      const Index count = std::min(chunk, rows - first);
      const CrossEntropyRows ce{count, classes, spec.ignore, spec.smoothing};
      const Real* xs = x.data() + first * dim;
      const std::int32_t* targets = spec.targets.data() + first;
      Real* z = logits.mutable_data();
      k.gemm({.transpose_b = true, .m = count, .n = classes, .k = dim, .lda = dim, .ldb = dim, .ldc = classes}, xs,
             w.data(), z);
      if (!saved) {
        k.add_bias(z, b.data(), z, count, classes);
        k.cross_entropy(ce, z, targets, losses.mutable_data() + first, log_sums.mutable_data() + first);
        continue;
      }
      k.cross_entropy_gradient(ce, b.data(), targets, 1 / divisor, z, losses.mutable_data() + first,
                               log_sums.mutable_data() + first, part.mutable_data());
      k.gemm({.m = count, .n = dim, .k = classes, .lda = classes, .ldb = dim, .ldc = dim}, z, w.data(),
             dx.mutable_data() + first * dim);
      k.gemm({.transpose_a = true, .m = classes, .n = dim, .k = count, .lda = classes, .ldb = dim, .ldc = dim,
              .beta = 1}, z, xs, dw.mutable_data());
      k.add(db.data(), part.data(), db.mutable_data(), classes);
    }
    if (saved) *saved = {dx, dw, db};
    Tensor loss = Tensor::empty(k, {1});
    k.sum_to(losses.data(), divisor, loss.mutable_data(), rows);
    return loss;
  }

  void backward(const Saved& s, const Tensor& dy, Gradients dx) const {
    Tensor* parts[] = {&s.dx, &s.dw, &s.db};
    for (int i = 0; i < 3; ++i) {
      dx[i] = std::move(*parts[i]);
      kernels(dy).scale_by(dx[i].mutable_data(), dy.data(), dx[i].size());
    }
  }

  /// Both gradients are made on the way there.
  Flops flops(Inputs x) const {
    return {6.0 * static_cast<double>(x[0].size()) * static_cast<double>(x[1].dim(0)), 0};
  }

  Variable composed(Variables x) const { return cross_entropy(linear(x[0], x[1], x[2]), spec); }

  static std::vector<Sample<LinearCrossEntropy>> samples() {
    const auto with = [](std::vector<std::int32_t> targets, std::int32_t ignore, Real smoothing, Index chunk) {
      return [=](Kernels& k) {
        return LinearCrossEntropy{{IdTensor::from(k, {Index(targets.size())}, targets), ignore, smoothing}, chunk};
      };
    };
    return {{"one chunk", {{4, 3}, {5, 3}, {5}}, with({0, 4, 2, 2}, -1, 0, 16)},
            {"chunks that do not divide the rows", {{5, 3}, {6, 3}, {6}}, with({1, 5, 0, 2, 0}, -1, Real(0.1), 2)},
            {"ignored rows", {{2, 3, 4}, {7, 4}, {7}}, with({1, 0, 0, 6, 2, 0}, 0, Real(0.1), 4)}};
  }
};

}  // namespace op

/// cross_entropy(x Wᵀ + b) for x [..., dim], W [classes, dim], b [classes], without ever holding all logits: a value of
/// shape [1], in nats. Throws ShapeError.
inline Variable linear_cross_entropy(const Variable& x, const Variable& weight, const Variable& bias, LossSpec spec) {
  return apply_op(op::LinearCrossEntropy{std::move(spec)}, {x, weight, bias});
}

}  // namespace tenfold::inline TENFOLD_REAL
