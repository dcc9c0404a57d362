/// @file
/// What an operation is, and apply_op(), which runs one and records it.
///
/// An operation is a small struct: its members are attributes (an axis, a mask), its inputs are tensors. It lives in
/// one file under ops/ and on one line of ops/all.hpp; from there every test runs over it. The concept Operation
/// says what it must have; a FusedOperation also says, in composed(), which simpler operations it equals.
#pragma once
#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/tape.hpp"
#include "core/errors.hpp"
#include "ops/all.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// An operation's inputs, in its order.
using Inputs = std::span<const Tensor>;
/// The gradients of its inputs, to be set; in the same order.
using Gradients = std::span<Tensor>;
/// Inputs together with where they were recorded.
using Variables = std::span<const Variable>;

/// A case on which an operation is checked: normally distributed inputs of these shapes, the attributes of `make`.
template <class Op>
struct Sample {
  std::string label;                 ///< what is special about this case
  std::vector<Shape> shapes;         ///< of the inputs
  std::function<Op(Kernels&)> make;  ///< the operation, its ids and lengths on that device
  double away_from_zero;  ///< |input| is at least this: keeps finite differences off a kink

  /// An operation without attributes.
  Sample(std::string l, std::vector<Shape> s) : Sample(std::move(l), std::move(s), [](Kernels&) { return Op{}; }) {}
  /// An operation with attributes.
  Sample(std::string l, std::vector<Shape> s, std::function<Op(Kernels&)> m, double away = 0)
      : label(std::move(l)), shapes(std::move(s)), make(std::move(m)), away_from_zero(away) {}
};

/// Floating-point operations of an operation's matrix products, a multiply-add counted as two.
struct Flops {
  double forward = 0, backward = 0;  ///< on the way there and back
};

/// What every operation must have: a name, forward, backward with what forward saved, and samples.
template <class Op>
concept Operation = requires(const Op& op, Inputs x, typename Op::Saved& saved, const typename Op::Saved& kept,
                             const Tensor& dy, Gradients dx) {
  { Op::name } -> std::convertible_to<std::string_view>;
  /// Checks shapes (ShapeError), computes, and saves what backward needs; saved is null when nothing is recorded.
  { op.forward(x, &saved) } -> std::same_as<Tensor>;
  { op.backward(kept, dy, dx) } -> std::same_as<void>;
  { Op::samples() } -> std::same_as<std::vector<Sample<Op>>>;
};

/// One that also says which simpler operations it equals.
template <class Op>
concept FusedOperation = Operation<Op> && requires(const Op& op, Variables x) {
  { op.composed(x) } -> std::same_as<Variable>;
};

/// One made of matrix products, that says how many operations they take.
template <class Op>
concept CountedOperation = Operation<Op> && requires(const Op& op, Inputs x) {
  { op.flops(x) } -> std::same_as<Flops>;
};

/// What a profile counts for `op` on its way there and back.
template <class Op>
std::pair<Work, Work> work_of(const Op& op, Inputs x, const Tensor& y) {
  double in = 0;
  for (const Tensor& t : x) in += static_cast<double>(t.size());
  const auto out = static_cast<double>(y.size());
  Flops flops;
  if constexpr (CountedOperation<Op>) flops = op.flops(x);
  return {{flops.forward, sizeof(Real) * (in + out)}, {flops.backward, sizeof(Real) * (2 * in + out)}};
}

/// Whether Op stands in an OpList.
template <class Op, class List>
struct IsListed;
/// The comparison with each.
template <class Op, class... Ops>
struct IsListed<Op, OpList<Ops...>> : std::bool_constant<(std::same_as<Op, Ops> || ...)> {};

/// An operation and what it saved, as a tape keeps them.
template <class Op>
class RecordedOp final : public Backward {
 public:
  /// Takes both over.
  RecordedOp(Op op, typename Op::Saved saved) : op_(std::move(op)), saved_(std::move(saved)) {}
  void run(const Tensor& dy, std::span<Tensor> dx) override { op_.backward(saved_, dy, dx); }
  std::string_view name() const override { return Op::name; }

 private:
  Op op_;
  typename Op::Saved saved_;
};

/// Runs `op` on `inputs`; records it on their tape, if one of them has one.
template <class Op>
Variable apply_op(const Op& op, Variables inputs) {
  static_assert(IsListed<Op, AllOps>::value, "list this operation in ops/all.hpp, so that it is checked");
  static_assert(Operation<Op>);
  Tape* tape = nullptr;
  std::vector<Tensor> x;
  x.reserve(inputs.size());
  for (const Variable& v : inputs) {
    x.push_back(v.value);
    if (v.tape) tape = v.tape;
  }
  if (!tape) return op.forward(x, nullptr);
  typename Op::Saved saved;
  Profile* profile = tape->profile();
  Profile::Span span(profile, Op::name, Profile::Direction::forward, profile ? profile->layer() : 0);
  Tensor y = op.forward(x, &saved);
  const auto [there, back] = profile ? work_of(op, x, y) : std::pair<Work, Work>{};
  span.set_work(there);
  return tape->record(std::move(y), inputs, std::make_unique<RecordedOp<Op>>(op, std::move(saved)), back);
}

// Compiled once, in ops.cpp, and not again by everyone who uses them.
/// @cond
#define TENFOLD_COMPILED_ELSEWHERE(Op) extern template Variable apply_op<op::Op>(const op::Op&, Variables);
TENFOLD_OPERATIONS(TENFOLD_COMPILED_ELSEWHERE)
#undef TENFOLD_COMPILED_ELSEWHERE
/// @endcond

/// The same for inputs written out.
template <class Op>
Variable apply_op(const Op& op, std::initializer_list<Variable> inputs) {
  return apply_op(op, Variables(inputs.begin(), inputs.size()));
}

/// Throws the ShapeError "NAME: RULE, got [..] and [..]" unless `holds`.
inline void require(bool holds, std::string_view name, std::string_view rule, Inputs x) {
  if (holds) return;
  std::string text = std::string(name) + ": " + std::string(rule) + ", got ";
  for (std::size_t i = 0; i < x.size(); ++i)
    text += (i == 0 ? "" : i + 1 == x.size() ? " and " : ", ") + (x[i].defined() ? to_string(x[i].shape()) : "nothing");
  throw ShapeError(text);
}

/// Which axis of the first input `axis` means, a negative one counting from the end; throws ShapeError for none.
inline int axis_of(int axis, std::string_view name, Inputs x) {
  const int rank = x[0].shape().rank(), at = axis < 0 ? axis + rank : axis;
  require(at >= 0 && at < rank, name, "there must be an axis " + std::to_string(axis), x);
  return at;
}

}  // namespace tenfold::inline TENFOLD_REAL
