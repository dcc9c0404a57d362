/// @file
/// A training loop at lesson size: so many steps of an optimizer on a loss that the experiment builds.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "nn/module.hpp"
#include "optim/optimizer.hpp"
#include "optim/schedule.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace lab {

/// How to train; the defaults suit a model of a few thousand parameters.
struct TrainingOptions {
  int steps = 200;                                         ///< updates
  Schedule schedule{ScheduleKind::constant, 1e-3, 20, 0};  ///< of the learning rate
  double clip = 1;  ///< of the gradients' global norm; 0: none
  bool adam = true;  ///< else plain SGD
  AdamOptions adam_options{};  ///< used when `adam` is true
  double dropout = 0;          ///< rate, in [0, 1)
  std::uint64_t seed = 1;  ///< of the dropout
};

/// What every step saw, before its update.
struct TrainingCurve {
  std::vector<double> loss, gradient_norm;  ///< a value per step; the norm before clipping
  bool finite = true;  ///< false: it stopped at a loss or gradient that was not finite
};

/// Runs the steps; `loss(pass, step)` builds the loss of step 1, 2, … on the pass's tape. Stops early when the loss or the
/// gradient is not finite.
inline TrainingCurve train(const std::vector<Parameter*>& parameters, const TrainingOptions& o,
                           const std::function<Variable(Pass&, int)>& loss) {
  std::unique_ptr<Optimizer> optimizer;
  if (o.adam)
    optimizer = std::make_unique<Adam>(parameters, o.adam_options);
  else
    optimizer = std::make_unique<Sgd>(parameters);
  TrainingCurve curve;
  Tape tape;
  for (int step = 1; step <= o.steps; ++step) {
    tape.clear();
    optimizer->zero_grad();
    Pass pass(tape, o.dropout, o.seed, static_cast<std::uint64_t>(step));
    const Variable value = loss(pass, step);
    tape.backward(value);
    const double norm = gradient_norm(parameters);
    curve.loss.push_back(static_cast<double>(value.value.item()));
    curve.gradient_norm.push_back(norm);
    if (!std::isfinite(curve.loss.back()) || !std::isfinite(norm)) {
      curve.finite = false;
      break;
    }
    optimizer->step(o.schedule.at(step), clip_factor(norm, o.clip));
  }
  return curve;
}

}  // namespace lab
}  // namespace tenfold::inline TENFOLD_REAL
