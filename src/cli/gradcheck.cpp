#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "autograd/gradient_check.hpp"
#include "cli/commands.hpp"
#include "core/errors.hpp"
#include "core/random_values.hpp"
#include "nn/model_check.hpp"
#include "ops/probe.hpp"
#include "translate/settings.hpp"

namespace tenfold::cli {
namespace {

constexpr double bound = 1e-6;

struct GradcheckOptions {
  std::string op, device = "reference";
  std::uint64_t seed = 7;
  bool sweep = false;
};

/// The worst entry over all inputs of one operation and sample.
GradientError check_probe(const OpProbe& probe, const std::string& device, std::uint64_t seed, double epsilon) {
  auto inputs = probe.inputs(seed);
  const Index outputs = probe.run(device, inputs, {}).output.shape.size();
  const std::vector<double> upstream = random_values(seed, 1000, outputs);
  const ProbeResult result = probe.run(device, inputs, upstream);
  GradientError worst;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto loss = [&] {
      const HostTensor y = probe.run(device, inputs, {}).output;
      double sum = 0;
      for (std::size_t k = 0; k < y.values.size(); ++k) sum += upstream[k] * y.values[k];
      return sum;
    };
    const GradientError error = check_gradient(loss, inputs[i].values, result.gradients[i].values, epsilon);
    const auto entries = worst.entries + error.entries;
    if (worst.entry < 0 || error.relative > worst.relative) worst = error;
    worst.entries = entries;
  }
  return worst;
}

std::vector<OpProbe> chosen_probes(const std::string& op) {
  std::vector<OpProbe> all = op_probes<double>(), chosen;
  std::vector<std::string> names{"transformer"};
  for (const OpProbe& p : all)
    if (std::find(names.begin(), names.end(), p.op) == names.end()) names.push_back(p.op);
  for (OpProbe& p : all)
    if (op.empty() || p.op == op) chosen.push_back(std::move(p));
  if (chosen.empty() && op != "transformer")
    throw UsageError(fmt::format("gradcheck: there is no operation \"{}\"{}", op, suggestion(op, names)));
  return chosen;
}

void sweep(const std::vector<OpProbe>& probes, const GradcheckOptions& o) {
  print_line("largest relative error against epsilon, double, central differences");
  for (const OpProbe& p : probes) {
    print_line(fmt::format("{} ({})", p.op, p.sample));
    for (int exponent = -1; exponent >= -11; --exponent) {
      const double error = check_probe(p, o.device, o.seed, std::pow(10, exponent)).relative;
      // a bar of one sign per order of magnitude, from 1e-12 to 1
      const int length = error > 0 ? std::clamp(static_cast<int>(2 * (std::log10(error) + 12)), 0, 30) : 0;
      print_line(fmt::format("  1e{:<4} {:.1e}  {}", exponent, error, std::string(static_cast<std::size_t>(length), '#')));
    }
  }
}

bool check_ops(const std::vector<OpProbe>& probes, const GradcheckOptions& o) {
  bool good = true;
  for (const OpProbe& p : probes) {
    const GradientError e = check_probe(p, o.device, o.seed, 1e-5);
    const bool fine = e.relative <= bound;
    good = good && fine;
    print_line(fmt::format("{:<22} {:<44} {:>5} entries   {:.1e}  {}", p.op, p.sample, e.entries, e.relative, fine ? "ok" : "FAILED"));
  }
  return good;
}

bool check_model(const GradcheckOptions& o) {
  bool good = true;
  for (bool pre_norm : {true, false})
    for (const ParameterCheck& c : check_model_gradients<double>(o.device, 1e-5, {.pre_norm = pre_norm})) {
      const bool fine = c.error.relative <= bound;
      good = good && fine;
      print_line(fmt::format("{:<11} {:<55} {:>5} entries   {:.1e}  {}", pre_norm ? "pre-norm" : "post-norm", c.name,
                             c.error.entries, c.error.relative, fine ? "ok" : "FAILED"));
    }
  return good;
}

void run(const GradcheckOptions& o) {
  const std::vector<OpProbe> probes = chosen_probes(o.op);
  make_kernels(o.device);  // refuses a device that is none before anything is printed
  if (o.sweep && probes.empty()) throw UsageError("--sweep is for operations, not for the whole transformer");
  if (o.sweep) return sweep(probes, o);
  print_line(fmt::format("largest relative error of every operation and sample on {}: double, every entry, random upstream "
                         "gradient,\ncentral differences with epsilon 1e-5; at most {:.0e} is asked for", o.device, bound));
  bool good = check_ops(probes, o);
  if (o.op.empty() || o.op == "transformer") {
    print_line("a 2+2-layer encoder-decoder, every parameter");
    good = check_model(o) && good;
  }
  flush_output();
  if (!good) throw Error("gradcheck: a gradient is wrong");
}

}  // namespace

void add_gradcheck(CLI::App& app) {
  auto* command = app.add_subcommand("gradcheck", "check every operation's gradient against finite differences");
  const auto o = std::make_shared<GradcheckOptions>();
  command->add_option("--op", o->op, "only this operation (or transformer, for the whole model)");
  command->add_option("--device", o->device, "reference, cpu, cuda or cuda-emulated")->capture_default_str();
  command->add_option("--seed", o->seed, "seed of the inputs")->check(whole_number())->capture_default_str();
  command->add_flag("--sweep", o->sweep, "show the error against epsilon: truncation to the left, rounding to the right");
  command->callback([o] { run(*o); });
}

}  // namespace tenfold::cli
