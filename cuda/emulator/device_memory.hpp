/// @file
/// DeviceMemory: what the emulated card has handed out.
///
/// Memory is aligned to 256 bytes, filled with NaN, and lies between red zones: AddressSanitizer stops at them, and
/// elsewhere broken_guard() looks whether they were written. Under AddressSanitizer the host may not touch it but
/// through the API (allocations of up to 1 MiB: to close and open more would take longer than the kernels).
#pragma once
#include <cstddef>
#include <map>
#include <string>

#include "emulator/runtime.hpp"

namespace tenfold::emulator {

/// See the head of this file. There is one, device_memory().
class DeviceMemory {
 public:
  /// While one lives, device memory is open to the code that runs.
  class KernelAccess {
   public:
    KernelAccess();
    ~KernelAccess();
    KernelAccess(const KernelAccess&) = delete;
    KernelAccess& operator=(const KernelAccess&) = delete;
  };

  /// nullptr when there is none.
  void* allocate(std::size_t bytes);
  /// Takes it out of use: it is there only for work that was queued before. False when it was not handed out here.
  bool retire(void* memory);
  /// Gives back what was retired, when that work is done.
  void release(void* memory);
  /// Pinned memory of the host, counted so that it is not forgotten.
  void* allocate_host(std::size_t bytes);
  /// False when it was not handed out here.
  bool release_host(void* memory);

  /// Whether all of the bytes are in one allocation.
  bool covers(const void* memory, std::size_t bytes) const;
  /// Whether any of the bytes is in an allocation.
  bool touches(const void* memory, std::size_t bytes) const;
  /// Whether it is in pinned memory of the host, which a kernel may use.
  bool pinned(const void* memory) const;
  /// "" or which allocation's red zone was written; the zone is mended.
  std::string broken_guard();
  /// Where an address is, as seen from the nearest allocation: "at 0x…, 8 bytes past the end of 400 bytes".
  std::string describe(const void* address) const;
  /// Bytes that are not given back yet.
  std::size_t bytes() const { return bytes_; }
  /// Allocations handed out now, of the host's pinned memory as well.
  std::size_t count() const { return allocations_.size() + pinned_.size(); }

 private:
  void open(bool to_kernels);

  using Areas = std::map<const char*, std::size_t>;  // by address

  Areas allocations_, retired_, pinned_;
  std::size_t bytes_ = 0;
};

/// Throws CudaError. What is left at the end of the program is no leak then: who was to free it may not have come to
/// it.
[[noreturn]] void broken_rule(const std::string& message);
/// The one card's.
DeviceMemory& device_memory();
/// What cudaFuncSetAttribute() allowed, or 48 KiB.
std::size_t dynamic_shared_limit(const void* kernel);
/// Notes an error for cudaGetLastError(), and passes it on.
cudaError_t set_last_error(cudaError_t error);

}  // namespace tenfold::emulator
