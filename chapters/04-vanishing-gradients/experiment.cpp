// pilot
#include <fmt/format.h>
#include "04-vanishing-gradients/classifier.hpp"
#include "course/experiment.hpp"
using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::chapter04;
int main(int argc, char** argv) {
  const Chapter chapter{4, "pilot", "x", "{:.2f}", {}};
  return run_experiment(argc, argv, chapter, [](Session& s) {
    for (int depth : {2, 6, 12, 24})
      for (bool res : {true, false}) for (bool norm : {true, false}) for (bool pre : {true, false}) {
        if (!norm && !pre) continue;
        const auto k = make_kernels("cpu", 1);
        Classifier c(*k, {res, norm, true, pre}, depth, 1);
        Tape tape; Pass pass(tape);
        tape.backward(c.loss(pass, 1, 0, 64));
        std::string line = fmt::format("{:2} res {} norm {} pre {}:", depth, res, norm, pre);
        for (int i = 0; i < depth; i += std::max(1, depth / 6)) line += fmt::format(" {:.2e}", gradient_norm(c.block(i).parameters()));
        s.text(line + fmt::format(" {:.2e}", gradient_norm(c.block(depth - 1).parameters())));
      }
    if (s.fast()) return;
    const auto run = [&](Helps h, int depth, double rate, int warmup, int steps, std::uint64_t seed) {
      const auto k = make_kernels("cpu", 1);
      Classifier c(*k, h, depth, seed);
      lab::TrainingOptions o; o.steps = steps; o.clip = 0; o.adam = h.adam; o.schedule = {ScheduleKind::constant, rate, warmup, 0};
      const auto curve = lab::train(c.parameters(), o, [&](Pass& p, int step) { return c.loss(p, seed, step); });
      double last = 0; const std::size_t n = curve.loss.size(); for (std::size_t i = n - std::min<std::size_t>(n, 20); i < n; ++i) last += curve.loss[i] / 20;
      const double right = accuracy(*k, seed, [&](const IdTensor& ids) { Pass p; return c(p, ids); });
      return std::pair{last, right};
    };
    for (int depth : {2, 6, 12})
      for (bool adam : {true, false})
      for (double rate : adam ? std::vector<double>{1e-3, 3e-3} : std::vector<double>{0.03, 0.1, 0.3}) {
        std::string line = fmt::format("depth {:2} adam {} rate {}:", depth, adam, rate);
        for (bool res : {true, false}) for (bool norm : {true, false}) {
          const auto [loss, right] = run({res, norm, adam, true}, depth, rate, 20, 300, 1);
          line += fmt::format("  {}{} {:.3f} {:.0f}%", res ? "R" : "-", norm ? "N" : "-", loss, right);
        }
        s.text(line);
      }
    for (int depth : {6, 12}) for (double rate : {1e-3, 3e-3}) for (bool pre : {true, false}) for (int warm : {0, 100}) {
      const auto [loss, right] = run({true, true, true, pre}, depth, rate, warm, 300, 1);
      s.text(fmt::format("depth {} rate {} pre {} warmup {}: {:.3f} {:.0f}%", depth, rate, pre, warm, loss, right));
    }
  });
}
