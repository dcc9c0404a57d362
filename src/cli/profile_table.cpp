#include "cli/profile_table.hpp"

#include <fmt/format.h>

namespace tenfold::cli {
namespace {

const char* name_of(Profile::Direction direction) {
  switch (direction) {
    case Profile::Direction::forward: return "forward";
    case Profile::Direction::backward: return "backward";
    case Profile::Direction::outside: break;
  }
  return "";
}

// A rate where there is something to rate.
std::string rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? fmt::format("{:.1f}", 1e-9 * amount / seconds) : "";
}

std::string line(const Profile& p, const Profile::Row& row) {
  const auto steps = static_cast<double>(p.steps());
  return fmt::format("  {:22}{:10}{:10.2f}{:8.1f}{:>10}{:>8}{:8.0f}\n", row.name, name_of(row.direction),
                     1e3 * row.seconds / steps, 100 * row.seconds / p.step_seconds(), rate(row.work.flops, row.seconds),
                     rate(row.work.bytes, row.seconds), static_cast<double>(row.calls) / steps);
}

std::string heading(const char* what) {
  return fmt::format("  {:22}{:10}{:>10}{:>8}{:>10}{:>8}{:>8}\n", what, "", "ms/step", "%", "GFLOP/s", "GB/s", "calls");
}

}  // namespace

std::string to_text(const Profile& p) {
  if (p.steps() == 0) return "no profile: it begins with the third step\n";
  std::string out = fmt::format("\n{} steps of {:.1f} ms; {:.1f} GFLOP/s over all\n\n", p.steps(),
                                1e3 * p.step_seconds() / static_cast<double>(p.steps()),
                                1e-9 * p.work().flops / p.step_seconds());
  out += heading("operation");
  for (const auto& row : p.by_operation()) out += line(p, row);
  out += line(p, {"outside of all these", Profile::Direction::outside, p.step_seconds() - p.seconds(), {}, 0});
  out += "\n" + heading("layer");
  for (const auto& row : p.by_layer())
    if (row.direction != Profile::Direction::outside) out += line(p, row);
  return out + "\nGFLOP/s counts matrix products only; GB/s every input and output once, also where it is only handed on.\n";
}

}  // namespace tenfold::cli
