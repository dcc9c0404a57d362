/// @file
/// Activations, element by element. ReLU: y = max(x, 0), y' = [x > 0].
/// GELU: y = x Φ(x) with the normal distribution Φ, y' = Φ(x) + x φ(x) (Hendrycks and Gimpel 2016).
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// What Relu and Gelu share.
template <Activation kind>
struct ActivationOf {
  struct Saved {
    Tensor x;
  };
  Tensor forward(Inputs x, Saved* saved) const {
    Tensor y = empty_like(x[0]);
    kernels(y).activate(kind, x[0].data(), y.mutable_data(), y.size());
    if (saved) saved->x = x[0];
    return y;
  }
  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    dx[0] = empty_like(dy);
    kernels(dy).activate_backward(kind, saved.x.data(), dy.data(), Real{1}, dx[0].mutable_data(), dy.size());
  }
};

/// The operation of relu().
struct Relu : ActivationOf<Activation::relu> {
  static constexpr std::string_view name = "relu";
  static std::vector<Sample<Relu>> samples() {
    const auto make = [](Kernels&) { return Relu{}; };
    return {{"matrix", {{3, 5}}, make, 0.01}, {"odd length", {{37}}, make, 0.01}};
  }
};

/// The operation of gelu().
struct Gelu : ActivationOf<Activation::gelu> {
  static constexpr std::string_view name = "gelu";
  static std::vector<Sample<Gelu>> samples() { return {{"matrix", {{3, 5}}}, {"odd length", {{37}}}}; }
};

}  // namespace op

/// max(x, 0), element by element.
inline Variable relu(const Variable& x) { return apply_op(op::Relu{}, {x}); }
/// x Φ(x), element by element.
inline Variable gelu(const Variable& x) { return apply_op(op::Gelu{}, {x}); }
/// relu() or gelu(), by name.
inline Variable activate(Activation kind, const Variable& x) {
  return kind == Activation::relu ? relu(x) : gelu(x);
}

}  // namespace tenfold::inline TENFOLD_REAL
