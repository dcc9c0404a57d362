/// @file
/// An operation written on the spot: its value, and what it does on the way back. For lessons and breakages that need
/// something the engine has no operation for; nothing checks its gradient unless the chapter does.
#pragma once
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "autograd/tape.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace lab {

/// Sets dx[i] for every input from dy; an input left undefined gets no gradient.
using BackwardRule = std::function<void(const Tensor& dy, std::span<Tensor> dx)>;

/// `value`, recorded on the inputs' tape, if one of them has one, with `rule` as its backward.
inline Variable custom_operation(const std::vector<Variable>& inputs, Tensor value, BackwardRule rule) {
  struct Rule final : Backward {
    explicit Rule(BackwardRule r) : run_rule(std::move(r)) {}
    void run(const Tensor& dy, std::span<Tensor> dx) override { run_rule(dy, dx); }
    BackwardRule run_rule;
  };
  for (const Variable& v : inputs)
    if (v.tape) return v.tape->record(std::move(value), inputs, std::make_unique<Rule>(std::move(rule)));
  return Variable(std::move(value));
}

}  // namespace lab
}  // namespace tenfold::inline TENFOLD_REAL
