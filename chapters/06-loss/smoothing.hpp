/// @file
/// Label smoothing on two small classification tasks: many labels of which some are wrong, and few that are
/// all right.
#pragma once
#include <fmt/format.h>

#include "06-loss/lesson.hpp"
#include "core/philox.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"
#include "course/training.hpp"
#include "ops/bias_activation.hpp"
#include "ops/linear.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

using course::Session;
using course::Spread;

/// Points around ten centres in 20 dimensions; the class is the centre.
struct PointTask {
  const char* name;
  const char* what;
  int examples, steps;
  double wrong;  ///< share of the training labels that are drawn anew
};

struct Points {
  Tensor at;        ///< [points, 20]
  IdTensor labels;  ///< [points]
};

struct PointResult {
  double train = 0;  ///< loss at the end of training, with smoothing, in nats
  double test = 0;   ///< loss without smoothing on test points, in nats
  double right = 0;  ///< of the test points, in %
};

inline PointResult classify(const PointTask& task, double smoothing, std::uint64_t seed) {
  constexpr Index labels = 10, width = 20, inner = 64, tests = 2000;
  const auto k = measuring_kernels();
  PhiloxSequence random(seed, 700);
  std::vector<double> centres(static_cast<std::size_t>(labels * width));
  for (double& v : centres) v = random.normal();
  const auto points = [&](Index count, double wrong) {
    std::vector<Real> at;
    std::vector<std::int32_t> label;
    for (Index i = 0; i < count; ++i) {
      const auto c = random.below(labels);
      for (Index j = 0; j < width; ++j)
        at.push_back(static_cast<Real>(centres[static_cast<std::size_t>(c * width + j)] + random.normal()));
      label.push_back(static_cast<std::int32_t>(random.uniform() < wrong ? random.below(labels) : c));
    }
    return Points{Tensor::from(*k, {count, width}, at), IdTensor::from(*k, {count}, label)};
  };
  const Points train = points(task.examples, task.wrong), test = points(tests, 0);
  Parameter w1, b1, w2, b2;
  init::xavier_uniform(w1, *k, "w1", {inner, width}, seed);
  init::constant(b1, *k, "b1", {inner}, 0);
  init::xavier_uniform(w2, *k, "w2", {labels, inner}, seed);
  init::constant(b2, *k, "b2", {labels}, 0);
  const auto logits = [&](Pass& pass, const Tensor& at) {
    return linear(bias_activation(Activation::relu, linear(at, pass(w1)), pass(b1)), pass(w2), pass(b2));
  };
  lab::TrainingOptions o;
  o.steps = task.steps;
  o.schedule = {ScheduleKind::constant, 1e-2, 0, 0};
  PointResult r;
  r.train = lab::train({&w1, &b1, &w2, &b2}, o, [&](Pass& pass, int) {
              return cross_entropy(logits(pass, train.at), train.labels, -1, smoothing);
            }).loss.back();
  Pass pass;
  const Variable z = logits(pass, test.at);
  r.test = static_cast<double>(cross_entropy(z, test.labels, -1).value.item());
  const auto rows = z.value.to_host();
  const auto truth = test.labels.to_host();
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = rows.begin() + static_cast<std::ptrdiff_t>(i) * labels;
    r.right += 100.0 * (std::max_element(row, row + labels) - row == truth[i]) / static_cast<double>(tests);
  }
  return r;
}

inline void smoothing(Session& s) {
  s.heading("Label smoothing on points around ten centres");
  course::Table table{"smoothing",
                      {{"task", "smoothing", "training loss (nats)", "test loss (nats)", "right (%)"}}};
  std::vector<double> right;
  bool raises = true;
  for (const PointTask& task :
       {PointTask{"noisy", "2000 examples, 3 of 10 labels drawn anew", 2000, 150, 0.3},
        PointTask{"few", "200 examples, all labels right", 200, 300, 0}}) {
    double last = 0;
    for (double amount : {0.0, 0.1, 0.3}) {
      const auto runs = s.over_seeds([&](std::uint64_t seed) { return classify(task, amount, seed); });
      std::vector<double> a, b, c;
      for (const PointResult& r : runs) {
        a.push_back(r.train);
        b.push_back(r.test);
        c.push_back(r.right);
      }
      const Spread train = course::spread(a), test = course::spread(b), q = course::spread(c);
      table.rows.push_back({task.what, fmt::format("{:.1f}", amount), course::to_text(train),
                            course::to_text(test), course::to_text(q, "{:.1f}")});
      s.fact(fmt::format("smoothing/{}/{:.1f}/right", task.name, amount), q, {5, 0}, "{:.1f}");
      right.push_back(q.mean);
      raises = raises && train.mean > last;
      last = train.mean;
    }
  }
  s.table(table);
  s.claim("smoothing-raises", "more smoothing, more training loss", raises);
  s.claim("smoothing-may",
          "where labels are wrong, smoothing raises the share of right answers; where they are few and "
          "right, it lowers it",
          right[2] > right[0] + 2 && right[5] < right[3] - 1);
}

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
