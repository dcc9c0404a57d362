/// @file
/// CUDA's runtime on the CPU: see runtime.hpp.
#include "emulator/runtime.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "emulator/device_memory.hpp"
#include "emulator/refusals.hpp"
#include "emulator/scheduler.hpp"
#include "emulator/streams.hpp"

namespace tenfold::emulator {
namespace {

constexpr std::size_t static_shared = 48 * 1024, shared_with_leave = 64 * 1024, memory_bytes = std::size_t{16} << 30;
cudaError_t last_error = cudaSuccess;
std::unordered_map<const void*, std::size_t> shared_leave;  // by kernel

[[noreturn]] void broken(const std::string& rule) {
  if (scheduler().in_kernel()) scheduler().fail(rule);
  broken_rule("emulator: " + rule);
}

struct Ends {
  bool to_device, from_device;
};
Ends ends(cudaMemcpyKind kind, const void* to, const void* from, std::size_t bytes) {
  switch (kind) {
    case cudaMemcpyHostToHost: return {false, false};
    case cudaMemcpyHostToDevice: return {true, false};
    case cudaMemcpyDeviceToHost: return {false, true};
    case cudaMemcpyDeviceToDevice: return {true, true};
    default: return {device_memory().touches(to, bytes), device_memory().touches(from, bytes)};
  }
}

void check_end(const char* call, const char* which, bool device, const void* memory, std::size_t bytes) {
  DeviceMemory& d = device_memory();
  if (!device && d.touches(memory, bytes)) broken(fmt::format("{}: the {} is device memory, which the kind denies", call, which));
  if (!device || d.covers(memory, bytes)) return;
  broken(d.touches(memory, bytes)
             ? fmt::format("{}: {} bytes are more than the {} has, {}", call, bytes, which,
                           d.describe(static_cast<const char*>(memory) + bytes))
             : fmt::format("{}: the {} is not device memory, {}", call, which, d.describe(memory)));
}

void move_bytes(void* to, const void* from, std::size_t bytes) {
  const DeviceMemory::KernelAccess access;
  std::memmove(to, from, bytes);
}

cudaError_t check_copy(const char* call, void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (!to || !from) return set_last_error(cudaErrorInvalidValue);
  const Ends where = ends(kind, to, from, bytes);
  check_end(call, "destination", where.to_device, to, bytes);
  check_end(call, "source", where.from_device, from, bytes);
  return cudaSuccess;
}

// As a card: pageable memory is read before the call returns and written before it does; pinned memory at any time
// until somebody waits.
cudaError_t copy_later(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  DeviceMemory& d = device_memory();
  Streams& s = streams();
  if (!s.late()) {
    s.submit(stream, [=] { move_bytes(to, from, bytes); });
  } else if (!d.touches(from, bytes) && !d.pinned(from)) {
    const auto* begin = static_cast<const char*>(from);
    s.submit(stream, [to, bytes, staged = std::vector<char>(begin, begin + bytes)] { move_bytes(to, staged.data(), bytes); });
  } else {
    const bool to_host = !d.touches(to, bytes);
    s.submit(stream, [=] { move_bytes(to, from, bytes); });
    if (to_host && !d.pinned(to)) s.wait(stream);
  }
  return cudaSuccess;
}

// Whether the system has mapped the page: an address, then, and of no device memory.
bool is_mapped(std::uintptr_t address) {
  unsigned char resident;
  return mincore(reinterpret_cast<void*>(address / 4096 * 4096), 1, &resident) == 0;
}

}  // namespace

cudaError_t set_last_error(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

std::size_t dynamic_shared_limit(const void* kernel) {
  const auto found = shared_leave.find(kernel);
  return found == shared_leave.end() ? static_shared : found->second;
}

void check_pointer(const Launch& launch, int index, const void* pointer) {
  const DeviceMemory& d = device_memory();
  // The end of an allocation is a pointer into it as well.
  if (!pointer || d.covers(pointer, 0) || d.pinned(pointer)) return;
  broken_rule(fmt::format("kernel {} launched at {}: argument {} points to no device memory, {}",
                     function_name(launch.kernel), place(launch.at), index, d.describe(pointer)));
}

void check_struct(const Launch& launch, int index, const void* argument, std::size_t bytes) {
  const DeviceMemory& d = device_memory();
  for (std::size_t i = 0; i + 8 <= bytes; i += 8) {
    std::uintptr_t word;
    std::memcpy(&word, static_cast<const char*>(argument) + i, 8);
    // Programs and their memory are above 0x5000'0000'0000; a number that looks like one of theirs would be a rare
    // accident.
    if (word < 0x5000'0000'0000 || word > 0x7fff'ffff'ffff) continue;
    const void* pointer = reinterpret_cast<const void*>(word);
    if (d.covers(pointer, 0) || d.pinned(pointer) || !is_mapped(word)) continue;
    broken_rule(fmt::format("kernel {} launched at {}: argument {} holds, at byte {}, a pointer to the host's memory",
                       function_name(launch.kernel), place(launch.at), index, i));
  }
}

}  // namespace tenfold::emulator

using namespace tenfold::emulator;

inline namespace cuda_emulated {

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (const cudaError_t error = refusal(Call::acquire)) return error;
  const auto fits = [&] { return bytes <= memory_bytes - std::min(memory_bytes, device_memory().bytes()); };
  if (!fits()) streams().finish_all();  // what was freed is there again when the work before it is done
  if (fits()) *memory = device_memory().allocate(bytes);
  return *memory ? cudaSuccess : set_last_error(cudaErrorMemoryAllocation);
}
// A card would wait for its work first. Nobody should count on that, so here the memory is gone for whatever is queued
// from now on, and there for all that was queued before.
cudaError_t cudaFree(void* memory) {
  if (!memory) return cudaSuccess;
  if (!device_memory().retire(memory)) broken("cudaFree of what cudaMalloc did not give, or has taken back");
  streams().after_all([memory] { device_memory().release(memory); });
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  *memory = nullptr;
  if (const cudaError_t error = refusal(Call::acquire)) return error;
  *memory = device_memory().allocate_host(bytes);
  return *memory ? cudaSuccess : set_last_error(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* memory) {
  streams().wait_all();
  if (memory && !device_memory().release_host(memory))
    broken("cudaFreeHost of what cudaMallocHost did not give, or has taken back");
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return cudaSuccess;
  if (const cudaError_t error = check_copy("cudaMemcpy", to, from, bytes, kind)) return error;
  streams().wait(nullptr);
  move_bytes(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (const cudaError_t error = check_copy("cudaMemcpyAsync", to, from, bytes, kind)) return error;
  return copy_later(to, from, bytes, stream);
}
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) { return cudaMemsetAsync(memory, value, bytes, nullptr); }
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  check_end("cudaMemset", "memory", true, memory, bytes);
  streams().submit(stream, [=] {
    const DeviceMemory::KernelAccess access;
    std::memset(memory, value, bytes);
  });
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) {
  if (value < 0 || static_cast<std::size_t>(value) > shared_with_leave) return set_last_error(cudaErrorInvalidValue);
  shared_leave[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoKernelImageForDevice: return "no kernel image is available for execution on the device";
  }
  return "unknown error";
}

}  // namespace cuda_emulated
