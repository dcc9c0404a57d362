/// @file
/// Device: where tensors live. It owns the memory and moves bytes in and out; what it can compute is said one layer
/// up, by backend/kernels.hpp, which derives from it. A device outlives its tensors.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

#include "core/allocator.hpp"

namespace tenfold {

/// A place for tensors: its memory, and the way there and back. Not copied: tensors refer to it.
class Device {
 public:
  /// A device whose memory comes from `source`.
  explicit Device(std::unique_ptr<MemorySource> source) : memory_(std::move(source)) {}
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// "reference", "cpu", "cuda", …
  virtual std::string_view name() const = 0;
  /// Host memory to the device's.
  virtual void upload(void* to, const void* from, std::size_t bytes) = 0;
  /// The device's memory to the host's; waits for the work that writes it.
  virtual void download(void* to, const void* from, std::size_t bytes) = 0;

  /// How many callers may use it side by side, each about as fast as one alone: 1 where calls must not overlap.
  virtual int callers() const { return 1; }

  /// The allocator that all its tensors use.
  Allocator& memory() { return memory_; }

 private:
  Allocator memory_;
};

}  // namespace tenfold
