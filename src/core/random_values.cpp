#include "core/random_values.hpp"

#include <cmath>

#include "core/philox.hpp"

namespace tenfold {

std::vector<double> random_values(std::uint64_t seed, std::uint64_t stream, Index count, double away_from_zero) {
  PhiloxSequence random(seed, stream);
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& v : values) {
    v = static_cast<float>(random.normal());  // exact in either precision
    if (std::abs(v) < away_from_zero) v = std::copysign(away_from_zero, v);
  }
  return values;
}

}  // namespace tenfold
