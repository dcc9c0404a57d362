/// @file
/// Which device the tests of the CUDA backend run on.
#pragma once
#include <cstdlib>
#include <string>

#include "backend/kernels.hpp"

namespace tenfold {

/// Whether REQUIRE_DEVICE demands a device: its absence is then a failure.
inline bool test_device_required() {
  const char* required = std::getenv("REQUIRE_DEVICE");
  return required && *required;
}

/// Whether TENFOLD_TEST_QUICK asks for the least that is of use: ThreadSanitizer slows kernels down by more than ten.
inline bool quick_tests() {
  const char* wish = std::getenv("TENFOLD_TEST_QUICK");
  return wish && *wish;
}

/// REQUIRE_DEVICE, else TENFOLD_TEST_DEVICE, else "cuda-emulated".
inline std::string test_device() {
  for (const char* variable : {"REQUIRE_DEVICE", "TENFOLD_TEST_DEVICE"})
    if (const char* device = std::getenv(variable); device && *device) return device;
  return "cuda-emulated";
}

}  // namespace tenfold
