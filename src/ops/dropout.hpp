/// @file
/// Inverted dropout: every value is zeroed with the given rate, the rest is scaled so that the mean stays.
/// The mask is a function of (seed, stream, position): backward makes it again instead of storing it.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of dropout().
struct Dropout {
  static constexpr std::string_view name = "dropout";
  TENFOLD_REAL::Dropout spec;  ///< rate and random numbers
  struct Saved {};

  Tensor forward(Inputs x, Saved*) const { return masked(x[0]); }
  void backward(const Saved&, const Tensor& dy, Gradients dx) const { dx[0] = masked(dy); }

  static std::vector<Sample<Dropout>> samples() {
    const auto rate = [](double r) {
      return [=](Kernels&) { return Dropout{TENFOLD_REAL::Dropout::with_rate(r, 11, 5)}; };
    };
    return {{"rate 0.1", {{7, 9}}, rate(0.1)}, {"rate 0.5", {{2, 37}}, rate(0.5)}, {"rate 0", {{5}}, rate(0)}};
  }

 private:
  Tensor masked(const Tensor& x) const {
    Tensor y = empty_like(x);
    kernels(x).dropout(spec, x.data(), y.mutable_data(), x.size());
    return y;
  }
};

}  // namespace op

/// x with dropout; x itself when nothing is dropped.
inline Variable dropout(const Variable& x, const Dropout& spec) {
  return spec.active() ? apply_op(op::Dropout{spec}, {x}) : x;
}

}  // namespace tenfold::inline TENFOLD_REAL
