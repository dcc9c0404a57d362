/// @file
/// Random inputs for checks, the same for the float and the double build.
#pragma once
#include <cstdint>
#include <vector>

#include "core/shape.hpp"

namespace tenfold {

/// `count` standard normal values, each exactly a float, with |value| >= away_from_zero.
std::vector<double> random_values(std::uint64_t seed, std::uint64_t stream, Index count, double away_from_zero = 0);

}  // namespace tenfold
