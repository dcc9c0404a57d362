/// @file
/// Cross-entropy of integer targets from logits, with ignore index and label smoothing:
/// L = 1/N Σ_r -Σ_c q_rc log softmax(logits_r)_c, q = (1-s)·onehot(target) + s/classes, over rows whose target is not
/// ignored; N is their number, or `normalizer` when given. dL/dlogits = (softmax(logits) - q) / N.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// What the loss is about: targets and how they count.
struct LossSpec {
  IdTensor targets;          ///< one per row of logits
  std::int32_t ignore = -1;  ///< rows with this target do not count
  Real smoothing = 0;        ///< of the labels, in [0, 1)
  Real normalizer = 0;       ///< divides the summed loss; 0: the number of rows that count

  /// What the summed loss is divided by, at least 1 when it is counted; reads the targets back from the
  /// device.
  Real divisor() const {
    if (normalizer > 0) return normalizer;
    Index counted = 0;
    for (std::int32_t t : targets.to_host()) counted += t != ignore;
    return static_cast<Real>(std::max<Index>(counted, 1));
  }
};

namespace op {

/// The operation of cross_entropy().
struct CrossEntropy {
  static constexpr std::string_view name = "cross_entropy";
  LossSpec spec;  ///< targets and how they count
  struct Saved {
    Tensor logits, log_sums;
    Real divisor = 1;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    const Tensor& logits = x[0];
    require(logits.shape().rank() >= 1 && logits.shape().rows() == spec.targets.size(), name,
            "one target per row is needed, " + std::to_string(spec.targets.size()) + " given", x);
    Kernels& k = kernels(logits);
    const CrossEntropyRows rows{logits.shape().rows(), logits.dim(-1), spec.ignore, spec.smoothing};
    Tensor losses = Tensor::empty(k, {rows.rows}), log_sums = Tensor::empty(k, {rows.rows});
    k.cross_entropy(rows, logits.data(), spec.targets.data(), losses.mutable_data(), log_sums.mutable_data());
    const Real divisor = spec.divisor();
    if (saved) *saved = {logits, log_sums, divisor};
    Tensor loss = Tensor::empty(k, {1});
    k.sum_to(losses.data(), divisor, loss.mutable_data(), rows.rows);
    return loss;
  }

  void backward(const Saved& s, const Tensor& dy, Gradients dx) const {
    dx[0] = empty_like(s.logits);
    kernels(dy).cross_entropy_backward({s.logits.shape().rows(), s.logits.dim(-1), spec.ignore, spec.smoothing},
                                       s.logits.data(), spec.targets.data(), s.log_sums.data(), dy.item() / s.divisor,
                                       dx[0].mutable_data());
  }

  static std::vector<Sample<CrossEntropy>> samples() {
    const auto with = [](std::vector<std::int32_t> targets, std::int32_t ignore, Real smoothing, Real normalizer = 0) {
      return [=](Kernels& k) {
        return CrossEntropy{{IdTensor::from(k, {Index(targets.size())}, targets), ignore, smoothing, normalizer}};
      };
    };
    return {{"plain", {{3, 5}}, with({0, 4, 2}, -1, 0)},
            {"label smoothing", {{3, 5}}, with({0, 4, 2}, -1, Real(0.1))},
            {"ignored rows", {{2, 2, 5}}, with({3, 0, 0, 1}, 0, Real(0.1))},
            {"all ignored", {{2, 4}}, with({0, 0}, 0, 0)},
            {"one class", {{2, 1}}, with({0, 0}, -1, 0)},
            {"given normalizer", {{2, 37}}, with({30, 36}, -1, Real(0.2), 7)}};
  }
};

}  // namespace op

/// Mean cross-entropy of `logits` [..., classes], a value of shape [1], in nats. Throws ShapeError.
inline Variable cross_entropy(const Variable& logits, LossSpec spec) {
  return apply_op(op::CrossEntropy{std::move(spec)}, {logits});
}

}  // namespace tenfold::inline TENFOLD_REAL
