/// @file
/// What can be said about the loss without training anything: its gradient, large logits, a softmax too many,
/// smoothing.
#pragma once
#include <fmt/format.h>

#include <limits>

#include "06-loss/lesson.hpp"
#include "course/experiment.hpp"
#include "ops/softmax.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

using course::Session;

/// The loss of one row of logits and its gradient, by the lesson's code.
struct OneRow {
  double loss = 0;
  std::vector<double> gradient;
};
inline OneRow one_row(const std::vector<Real>& logits, std::int32_t target, double smoothing = 0,
                      bool softmax_first = false) {
  const auto k = make_kernels("reference");
  Tape tape;
  const Variable z = tape.leaf(Tensor::from(*k, {1, static_cast<Index>(logits.size())}, logits));
  const Variable loss = cross_entropy(softmax_first ? softmax(z) : z,
                                      IdTensor::from(*k, {1}, std::vector{target}), -1, smoothing);
  tape.backward(loss);
  const auto gradient = tape.grad(z).to_host();
  return {static_cast<double>(loss.value.item()), {gradient.begin(), gradient.end()}};
}

/// -log softmax(z)_target in double.
inline double exact_loss(std::vector<double> z, std::size_t target) {
  return log_sum_exp(std::span<const double>(z)) - z[target];
}

inline void gradient(Session& s) {
  s.heading("The gradient of the loss by the logits: five classes, the second is right");
  const std::vector<Real> z{2, 1, 0, -1, -2};
  const OneRow row = one_row(z, 1);
  const std::vector<double> exact(z.begin(), z.end());
  course::Table table{"gradient", {{"class", "logit z", "p", "y", "p - y", "gradient", "slope"}}};
  double worst = 0, sum = 0;
  for (std::size_t c = 0; c < z.size(); ++c) {
    const double p = std::exp(-exact_loss(exact, c)), y = c == 1, step = 1e-5;
    auto up = exact, down = exact;
    up[c] += step;
    down[c] -= step;
    const double slope = (exact_loss(up, 1) - exact_loss(down, 1)) / (2 * step);
    worst = std::max({worst, std::abs(row.gradient[c] - (p - y)), std::abs(slope - (p - y))});
    sum += row.gradient[c];
    table.rows.push_back({std::to_string(c + 1), fmt::format("{:.0f}", z[c]), fmt::format("{:.4f}", p),
                          fmt::format("{:.0f}", y), fmt::format("{:.4f}", p - y),
                          fmt::format("{:.4f}", row.gradient[c]), fmt::format("{:.4f}", slope)});
  }
  s.table(table);
  s.text(fmt::format("loss {:.4f} nats; the gradient's entries sum to {:.1e}", row.loss, sum));
  s.fact("gradient/loss", row.loss, {1e-4, 0}, "{:.4f}");
  s.claim("gradient",
          "the gradient by the logits is p - y, as coded and as measured by moving each logit a little",
          worst < 1e-6);
}

/// Four ways to the same number, in float: probability by probability, or by log-sum-exp.
inline void overflow(Session& s) {
  s.heading("Large logits in float: two classes, the second is right; the loss by four formulas (nats)");
  const auto shown = [](float v) {
    return std::isnan(v) ? std::string("nan") : std::isinf(v) ? std::string("inf") : fmt::format("{:.2f}", v);
  };
  course::Table table{
      "overflow",
      {{"logits", "-log(exp z / Σ exp z)", "-log softmax z", "-log(softmax z + 1e-9)", "log-sum-exp"}}};
  bool broken = true, exact = true;
  for (const auto& z : {std::vector<float>{10, -10}, {100, -100}, {100, 100}, {-1000, -1000}}) {
    const float sum = std::exp(z[0]) + std::exp(z[1]), most = std::max(z[0], z[1]);
    const float naive = -std::log(std::exp(z[1]) / sum);
    const float p = std::exp(z[1] - most) / (std::exp(z[0] - most) + std::exp(z[1] - most));
    const float stable = log_sum_exp(std::span<const float>(z)) - z[1];
    const double truth = exact_loss({z.begin(), z.end()}, 1);
    if (std::abs(z[0]) >= 100) broken = broken && !std::isfinite(naive);
    exact = exact &&
            std::abs(static_cast<double>(stable) - truth) <= 1.2e-7 * std::abs(z[0]);  // a float's rounding
    table.rows.push_back({fmt::format("{:.0f}, {:.0f}", z[0], z[1]), shown(naive), shown(-std::log(p)),
                          shown(-std::log(p + 1e-9F)), shown(stable)});
  }
  s.table(table);
  const OneRow row = one_row({100, -100}, 1);
  // d/dz of -log(p + ε) is p (1 - p) / (p + ε) at the right class, up to the sign
  const double p = std::exp(-200.0), patched = p * (1 - p) / (p + 1e-9);
  s.text(fmt::format(
      "at (100, -100) the gradient by log-sum-exp is ({:.0f}, {:.0f}); with the 1e-9 it is ({:.0e}, {:.0e})",
      row.gradient[0], row.gradient[1], patched, -patched));
  s.fact("overflow/log-sum-exp", row.loss, {1e-3, 0}, "{:.0f}");
  s.fact("overflow/epsilon", -std::log(1e-9), {1e-3, 0}, "{:.1f}");
  s.claim("overflow", "at logits of ±100 and beyond the loss from exponentials is infinite or not a number",
          broken);
  s.claim(
      "log-sum-exp",
      "by log-sum-exp it is right to the rounding of the logits at any size, and its gradient is still p - y",
      exact && std::abs(row.gradient[0] - 1) < 1e-6 && std::abs(row.gradient[1] + 1) < 1e-6);
}

/// The loss of one row of 32 logits whose right class leads all others by `lead`.
inline OneRow leading(double lead, double smoothing, bool softmax_first) {
  std::vector<Real> z(32, 0);
  z[7] = static_cast<Real>(lead);
  return one_row(z, 7, smoothing, softmax_first);
}

inline void lead(Session& s) {
  s.heading("How low the loss can get: 32 classes, the right one leads all others");
  course::CurveFigure figure{"The loss against the right class's lead, 32 classes",
                             "lead of the right logit over all others",
                             "loss (nats)",
                             false,
                             false,
                             {}};
  const auto curve = [&](const std::string& label, double smoothing, bool twice) {
    course::Curve c{label, {}, {}, {}, {}};
    for (double x = -10; x <= 20; x += 0.5) {
      c.x.push_back(x);
      c.y.push_back(leading(x, smoothing, twice).loss);
    }
    return c;
  };
  constexpr double smoothing = 0.1;
  figure.curves.push_back(curve("cross-entropy", 0, false));
  figure.curves.push_back(curve("label smoothing 0.1", smoothing, false));
  course::Table table{
      "floor", {{"loss", "lead -10", "lead 0", "lead 5", "lead 10", "lead 20", "gradient at lead -10"}}};
  const auto row = [&](const std::string& label, double smooth, bool twice) {
    std::vector<std::string> cells{label};
    for (double x : {-10., 0., 5., 10., 20.})
      cells.push_back(fmt::format("{:.3f}", leading(x, smooth, twice).loss));
    cells.push_back(fmt::format("{:.2g}", std::abs(leading(-10, smooth, twice).gradient[7])));
    table.rows.push_back(cells);
  };
  row("cross-entropy", 0, false);
  row("label smoothing 0.1", smoothing, false);
  // the smoothed loss is least where p = y: p/q = (1 - s + s/32) / (s/32)
  const double best = std::log((1 - smoothing + smoothing / 32) / (smoothing / 32)),
               least = leading(best, smoothing, false).loss;
  s.fact("smoothing/lead", best, {1e-3, 0}, "{:.2f}");
  s.fact("smoothing/floor", least, {1e-3, 0}, "{:.3f}");
  const bool turns = std::min(leading(best - 1, smoothing, false).loss,
                              leading(best + 1, smoothing, false).loss) > least + 0.01;
  const auto variants = s.variants();
  const bool twice = std::find(variants.begin(), variants.end(), "double-softmax") != variants.end();
  if (twice) {
    figure.curves.push_back(curve("softmax twice", 0, true));
    row("softmax twice", 0, true);
  }
  s.table(table);
  s.figure("lead", figure);
  s.claim("smoothing-floor", "with label smoothing the loss is least at a finite lead, and rises beyond it",
          turns);
  if (!twice) return;
  const double floor = leading(50, 0, true).loss, push = std::abs(leading(-10, 0, true).gradient[7]);
  s.fact("floor/double-softmax", floor, {1e-3, 0}, "{:.3f}");
  s.fact("floor/uniform", leading(0, 0, false).loss, {1e-3, 0}, "{:.3f}");
  s.fact("push/double-softmax", push, {0, 0.01}, "{:.1e}");
  s.fact("push/healthy", std::abs(leading(-10, 0, false).gradient[7]), {1e-3, 0}, "{:.2f}");
  s.claim("floor",
          "with a softmax before the loss no certainty brings it below ln(e + 31) - 1, for 32 classes",
          std::abs(floor - (std::log(std::exp(1.0) + 31) - 1)) < 1e-4);
  s.claim("push", "and where the model is wrong for certain, hardly any gradient is left", push < 1e-4);
}

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
