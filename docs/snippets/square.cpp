// The operation that docs/adding-an-operation.md adds, in one file so that the page's snippets compile and a test runs them.
// In the engine the first part would be src/ops/square.hpp; what stands below it, tests do for every listed operation.
#include <cstdio>
#include <string>

#include "autograd/gradient_check.hpp"
#include "core/random_values.hpp"
#include "ops/multiply.hpp"
#include "ops/op.hpp"
#include "ops/scale.hpp"

// [operation]
/// @file
/// Square, element by element: y = x ⊙ x, dL/dx = 2 x ⊙ dL/dy, since (x + h)² = x² + 2xh + h².

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of square().
struct Square {
  static constexpr std::string_view name = "square";
  struct Saved {
    Tensor x;
  };

  Tensor forward(Inputs in, Saved* saved) const {
    const Tensor& x = in[0];
    require(in.size() == 1, name, "one input is needed", in);
    Tensor y = empty_like(x);
    kernels(x).multiply(x.data(), x.data(), y.mutable_data(), x.size());
    if (saved) saved->x = x;
    return y;
  }

  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    dx[0] = empty_like(dy);
    Real* out = dx[0].mutable_data();
    kernels(dy).multiply(saved.x.data(), dy.data(), out, dy.size());
    kernels(dy).scale(out, 2, out, dy.size());
  }

  Variable composed(Variables x) const { return multiply(x[0], x[0]); }

  static std::vector<Sample<Square>> samples() {
    return {{"matrix", {{3, 5}}}, {"one value", {{1}}}, {"odd length", {{37}}}};
  }
};

}  // namespace op
// [/operation]

// Stands here for the line in ops/all.hpp.
template <>
struct IsListed<op::Square, AllOps> : std::true_type {};

// [function]
/// x ⊙ x, of x's shape.
inline Variable square(const Variable& x) { return apply_op(op::Square{}, {x}); }
// [/function]

}  // namespace tenfold::inline TENFOLD_REAL

using namespace tenfold;

// [concepts]
static_assert(Operation<op::Square>);
static_assert(FusedOperation<op::Square>);
// [/concepts]

namespace {

/// The worst entry of one sample: Σ u ⊙ square(x) for a random upstream u, against central differences. `function` is
/// square() or its composed definition.
template <class Function>
GradientError check(Kernels& k, const Sample<op::Square>& sample, const Function& function) {
  const Shape& shape = sample.shapes[0];
  std::vector<double> x = random_values(1, 0, shape.size()), u = random_values(1, 1, shape.size());

  // [gradient]
  Tape tape;
  const Variable leaf = tape.leaf(Tensor::from(k, shape, x));
  tape.backward(function(leaf), Tensor::from(k, shape, u));
  const std::vector<double> analytic = tape.grad(leaf).to_host();
  const auto loss = [&] {
    const std::vector<double> y = function(Variable(Tensor::from(k, shape, x))).value.to_host();
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += u[i] * y[i];
    return sum;
  };
  return check_gradient(loss, x, analytic, 1e-5);
  // [/gradient]
}

}  // namespace

int main() {
  bool good = true;
  for (const char* device : {"reference", "cpu"}) {
    const auto k = make_kernels(device, 1);
    for (const auto& sample : op::Square::samples()) {
      const auto composed = [](const Variable& x) { return op::Square{}.composed({&x, 1}); };
      for (const double error : {check(*k, sample, square).relative, check(*k, sample, composed).relative}) {
        std::printf("square (%s) on %s: %.1e\n", sample.label.c_str(), device, error);
        good = good && error <= 1e-6;
      }
    }
  }
  return good ? 0 : 1;
}
