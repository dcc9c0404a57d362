// The entry point of the test programs of the CUDA backend: they run on the emulator, or on what TENFOLD_TEST_DEVICE
// names. Where a card is asked for and there is none, that is no pass: the program ends with 77, which ctest reports as
// skipped, or with a failure where REQUIRE_DEVICE=cuda demands one.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "core/errors.hpp"
#include "cuda_device.hpp"

int main(int argc, char** argv) {
  const std::string device = tenfold::test_device();
  try {
    tenfold::make_kernels(device);
  } catch (const tenfold::CudaError& absent) {
    std::printf("%s: %s: %s\n", tenfold::test_device_required() ? "FAILED" : "skipped", device.c_str(), absent.what());
    return tenfold::test_device_required() ? 1 : 77;
  } catch (const tenfold::Error& error) {
    std::printf("FAILED: %s\n", error.what());
    return 2;
  }
  std::printf("on %s\n", device.c_str());
  doctest::Context context(argc, argv);
  return context.run();
}
