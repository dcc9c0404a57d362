/// @file
/// DeviceArray: an array in device memory for as long as the object lives; for tests, the ladder and the exercise.
#pragma once
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_ON {

/// Throws CudaError with what was done and CUDA's own words, unless `error` is success.
inline void must(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw CudaError(std::string(what) + ": " + cudaGetErrorString(error));
}

/// See the head of this file. Not copied: its memory is its own.
template <class T>
class DeviceArray {
 public:
  /// Of `count` elements, not set to anything.
  explicit DeviceArray(std::size_t count) : count_(count) { must(cudaMalloc(&memory_, bytes()), "cudaMalloc"); }
  /// A copy of the host's.
  explicit DeviceArray(const std::vector<T>& host) : DeviceArray(host.size()) { upload(host); }
  ~DeviceArray() { static_cast<void>(cudaFree(memory_)); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  /// The device's pointer.
  T* get() const { return memory_; }
  /// How many elements.
  std::size_t size() const { return count_; }
  /// Overwrites it with as many elements of the host's.
  void upload(const std::vector<T>& host) {
    must(cudaMemcpy(memory_, host.data(), bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  /// A copy for the host, when all work before is done.
  std::vector<T> download() const {
    std::vector<T> host(count_);
    must(cudaMemcpy(host.data(), memory_, bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return host;
  }

 private:
  std::size_t bytes() const { return count_ * sizeof(T); }

  T* memory_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace tenfold::inline TENFOLD_ON
