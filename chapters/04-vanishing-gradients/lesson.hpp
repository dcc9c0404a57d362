/// @file
/// Chapter 4 at lesson size: the residual connection, the two frames around a sublayer, and Adam.
#pragma once
#include <cmath>
#include <vector>

#include "ops/add.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter04 {

// [residual]
/// x + f(x): the gradient by x is the upstream gradient itself, plus what comes back through f.
template <class F>
Variable residual(const Variable& x, const F& f) {
  return add(x, f(x));
}
// [/residual]

// [frames]
/// x + f(norm(x)): the sum is handed on untouched, a straight road from the last layer to the first.
template <class Norm, class F>
Variable pre_norm(const Variable& x, const Norm& norm, const F& f) {
  return residual(x, [&](const Variable& h) { return f(norm(h)); });
}

/// norm(x + f(x)): every layer's output has the norm's scale, and every gradient passes through every norm.
template <class Norm, class F>
Variable post_norm(const Variable& x, const Norm& norm, const F& f) {
  return norm(residual(x, f));
}
// [/frames]

// [adam]
/// Adam (Kingma and Ba 2015) for one list of numbers.
struct Adam {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-9;
  std::vector<Real> mean, square;  ///< running means of g and of g²
  int steps = 0;

  void step(std::vector<Real>& values, const std::vector<Real>& g, double learning_rate) {
    mean.resize(g.size());
    square.resize(g.size());
    ++steps;
    for (std::size_t i = 0; i < g.size(); ++i) {
      mean[i] = Real(beta1 * mean[i] + (1 - beta1) * g[i]);
      square[i] = Real(beta2 * square[i] + (1 - beta2) * g[i] * g[i]);
      const double m = mean[i] / (1 - std::pow(beta1, steps));  // both began at 0: undo that
      const double v = square[i] / (1 - std::pow(beta2, steps));
      values[i] -= Real(learning_rate * m / (std::sqrt(v) + epsilon));
    }
  }
};
// [/adam]

}  // namespace chapter04
}  // namespace tenfold::inline TENFOLD_REAL
