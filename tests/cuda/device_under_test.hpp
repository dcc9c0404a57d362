/// @file
/// The device that the tests of this folder run on, and its kernels compared with the reference.
///
/// cuda_device.hpp says which it is.
#pragma once
#include "cuda_device.hpp"
#include "kernels/compare.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// The device under test, one for all tests. Throws where it is not there.
inline Kernels& cuda_device() {
  static const std::unique_ptr<Kernels> kernels = make_kernels(test_device());
  return *kernels;
}

/// A device's memory for one run of a kernel: inputs copied there, and outputs that hold NaN at first and have a guard
/// behind them.
class DeviceRun {
 public:
  /// Room for outputs of these sizes.
  DeviceRun(Kernels& kernels, const std::vector<Index>& sizes) : kernels_(kernels) {
    for (Index n : sizes) {
      sizes_.push_back(n);
      outputs_.push_back(put(Values(static_cast<std::size_t>(n + guard), nan_value)));
    }
  }
  ~DeviceRun() {
    for (void* memory : memory_) kernels_.memory().release(memory);
  }
  DeviceRun(const DeviceRun&) = delete;
  DeviceRun& operator=(const DeviceRun&) = delete;

  /// The device.
  Kernels& kernels() { return kernels_; }
  /// A copy on the device.
  template <class T>
  T* put(const std::vector<T>& values) {
    const std::size_t bytes = values.size() * sizeof(T);
    memory_.push_back(kernels_.memory().allocate(bytes));
    if (bytes > 0) kernels_.upload(memory_.back(), values.data(), bytes);
    return static_cast<T*>(memory_.back());
  }
  /// Output `i`.
  Real* out(std::size_t i) { return outputs_[i]; }
  /// What output `i` holds; its guard must be as it was.
  Values result(std::size_t i) {
    Values values(static_cast<std::size_t>(sizes_[i] + guard));
    kernels_.download(values.data(), outputs_[i], values.size() * sizeof(Real));
    for (Index n = 0; n < guard; ++n) CHECK(std::isnan(values[static_cast<std::size_t>(sizes_[i] + n)]));
    values.resize(static_cast<std::size_t>(sizes_[i]));
    return values;
  }

 private:
  static constexpr Index guard = 32;
  Kernels& kernels_;
  std::vector<Index> sizes_;
  std::vector<void*> memory_;
  std::vector<Real*> outputs_;
};

/// What a kernel is called with.
using DeviceBody = std::function<void(DeviceRun&)>;

/// Calls `body` on a device and gives what it wrote.
inline std::vector<Values> results_on(Kernels& kernels, const std::vector<Index>& sizes, const DeviceBody& body) {
  DeviceRun run(kernels, sizes);
  body(run);
  std::vector<Values> results;
  for (std::size_t i = 0; i < sizes.size(); ++i) results.push_back(run.result(i));
  return results;
}

/// Runs on the reference and on the device under test: every number within `units` roundings of 1 + |expected|, and the
/// same bits when done again (which quick_tests() leaves out).
inline void compare_on_device(const std::vector<Index>& sizes, double units, const DeviceBody& body) {
  const auto reference = make_reference_kernels();
  const auto expected = results_on(*reference, sizes, body), got = results_on(cuda_device(), sizes, body);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    CAPTURE(i);
    check_close(expected[i], got[i], units);
  }
  if (quick_tests()) return;
  const auto again = results_on(cuda_device(), sizes, body);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    CAPTURE(i);
    CHECK(same_bits(got[i], again[i]));
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
