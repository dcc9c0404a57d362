/// @file
/// Planted bugs: small kernels and calls that break a rule of CUDA's each, beside the same without the bug.
///
/// The program runs one of them, by name, in a process of its own: 0 when nothing was noticed, and otherwise what was. A
/// sanitizer ends it with its report. planted_test.sh runs all of them with several seeds and holds the outcome against
/// the table of what each build finds.
#pragma once
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "device_array.hpp"

namespace tenfold::planted {

/// Runs the kernel with the bug or without; throws what it finds wrong.
using Case = void (*)(bool bug);
/// One row of the table.
struct Planted {
  const char* name;  ///< as the table has it
  Case run;          ///< see Case
};

/// The groups, one a file.
std::vector<Planted> barrier_cases();
/// Warps, atomics and fences.
std::vector<Planted> warp_cases();
/// Memory of the device, of a block, and of a thread.
std::vector<Planted> memory_cases();
/// What the host waits for.
std::vector<Planted> stream_cases();
/// Calls of the runtime.
std::vector<Planted> runtime_cases();

/// Throws unless both agree to `tolerance`; NaN does not.
inline void expect(const std::vector<float>& got, const std::vector<double>& want, double tolerance = 1e-5) {
  for (std::size_t i = 0; i < want.size(); ++i)
    if (!(std::fabs(got[i] - want[i]) <= tolerance * (1 + std::fabs(want[i]))))
      throw Error("wrong result at " + std::to_string(i) + ": " + std::to_string(got[i]) + ", not " + std::to_string(want[i]));
}

/// Normal numbers, the same every time.
inline std::vector<float> random_values(std::size_t count) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(generator);
  return values;
}

}  // namespace tenfold::planted
