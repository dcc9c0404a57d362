/// @file
/// The registry of device memory.
#include "emulator/device_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include <unistd.h>

#include "core/errors.hpp"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace tenfold::emulator {
namespace {

constexpr std::size_t red_zone = 256;
[[maybe_unused]] constexpr std::size_t closed_to_host = std::size_t{1} << 20;
constexpr unsigned char poison = 0xff;  // as a float and as a double, NaN

constexpr std::size_t rounded(std::size_t bytes) { return (bytes + red_zone - 1) / red_zone * red_zone; }

#if !defined(__SANITIZE_ADDRESS__)
bool untouched(const char* memory, std::size_t bytes) {
  static const std::string whole(2 * red_zone, static_cast<char>(poison));
  return std::memcmp(memory, whole.data(), bytes) == 0;
}
#endif

bool rule_was_broken = false;

// Runs after everything else in the program has been taken down.
__attribute__((destructor)) void report_leak() {
  const std::size_t left = device_memory().count();
  if (left == 0 || rule_was_broken) return;
  std::fprintf(stderr, "emulator: %zu allocations of device or pinned memory were never freed\n", left);
  std::fflush(nullptr);
  _exit(97);
}

}  // namespace

void broken_rule(const std::string& message) {
  rule_was_broken = true;
  throw CudaError(message);
}

DeviceMemory& device_memory() {
  static DeviceMemory* const one = new DeviceMemory;  // outlives whatever frees memory at the end of the program
  return *one;
}

DeviceMemory::KernelAccess::KernelAccess() { device_memory().open(true); }
DeviceMemory::KernelAccess::~KernelAccess() { device_memory().open(false); }

void DeviceMemory::open([[maybe_unused]] bool to_kernels) {
#if defined(__SANITIZE_ADDRESS__)
  for (const Areas* areas : {&allocations_, &retired_})
    for (const auto& [memory, bytes] : *areas) {
      if (bytes > closed_to_host) continue;
      if (to_kernels)
        __asan_unpoison_memory_region(memory, bytes);
      else
        __asan_poison_memory_region(memory, bytes);
    }
#endif
}

void* DeviceMemory::allocate(std::size_t bytes) {
  const std::size_t room = red_zone + rounded(bytes) + red_zone;
  auto* whole = static_cast<char*>(std::aligned_alloc(red_zone, room));
  if (!whole) return nullptr;
  std::memset(whole, poison, room);
  char* memory = whole + red_zone;
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(whole, red_zone);
  __asan_poison_memory_region(memory + bytes, rounded(bytes) - bytes + red_zone);
  if (bytes <= closed_to_host) __asan_poison_memory_region(memory, bytes);
#endif
  allocations_[memory] = bytes;
  bytes_ += bytes;
  return memory;
}

bool DeviceMemory::retire(void* memory) {
  const auto found = allocations_.find(static_cast<const char*>(memory));
  if (found == allocations_.end()) return false;
  retired_.insert(allocations_.extract(found));
  return true;
}

void DeviceMemory::release(void* memory) {
  const auto found = retired_.find(static_cast<const char*>(memory));
  const std::size_t bytes = found->second;
  char* whole = static_cast<char*>(memory) - red_zone;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(whole, red_zone + rounded(bytes) + red_zone);
#endif
  // What is read after this is conspicuous.
  std::memset(memory, poison, std::min(bytes, closed_to_host));
  retired_.erase(found);
  bytes_ -= bytes;
  std::free(whole);
}

void* DeviceMemory::allocate_host(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory) pinned_[static_cast<const char*>(memory)] = bytes;
  return memory;
}

bool DeviceMemory::release_host(void* memory) {
  if (pinned_.erase(static_cast<const char*>(memory)) == 0) return false;
  std::free(memory);
  return true;
}

bool DeviceMemory::covers(const void* memory, std::size_t bytes) const {
  const auto* p = static_cast<const char*>(memory);
  auto after = allocations_.upper_bound(p);
  if (after == allocations_.begin()) return false;
  const auto& [begin, size] = *std::prev(after);
  return p + bytes <= begin + size;
}

bool DeviceMemory::pinned(const void* memory) const {
  const auto* p = static_cast<const char*>(memory);
  auto after = pinned_.upper_bound(p);
  return after != pinned_.begin() && p <= std::prev(after)->first + std::prev(after)->second;
}

bool DeviceMemory::touches(const void* memory, std::size_t bytes) const {
  const auto* p = static_cast<const char*>(memory);
  auto after = allocations_.lower_bound(p + bytes);  // the first that begins past the bytes
  if (after == allocations_.begin()) return false;
  const auto& [begin, size] = *std::prev(after);
  return p < begin + size;
}

std::string DeviceMemory::broken_guard() {
#if !defined(__SANITIZE_ADDRESS__)
  for (const Areas* areas : {&allocations_, &retired_})
    for (const auto& [memory, bytes] : *areas) {
      char* before = const_cast<char*>(memory) - red_zone;
      char* after = const_cast<char*>(memory) + bytes;
      const std::size_t behind = rounded(bytes) - bytes + red_zone;
      const bool ok_before = untouched(before, red_zone), ok_after = untouched(after, behind);
      if (ok_before && ok_after) continue;
      std::memset(before, poison, red_zone);
      std::memset(after, poison, behind);
      return fmt::format("something was written {} device memory of {} bytes",
                         ok_after ? "before the beginning of" : "past the end of", bytes);
    }
#endif
  return {};
}

std::string DeviceMemory::describe(const void* address) const {
  const auto* p = static_cast<const char*>(address);
  std::string text = fmt::format("at {}", fmt::ptr(address));
  const auto after = allocations_.upper_bound(p);
  if (after != allocations_.begin()) {
    const auto& [begin, size] = *std::prev(after);
    const auto past = p - (begin + size);
    if (past >= 0 && past < (std::ptrdiff_t{1} << 30))
      text += fmt::format(", {} bytes past the end of device memory of {} bytes", past, size);
  }
  if (after != allocations_.end() && after->first - p < (std::ptrdiff_t{1} << 20))
    text += fmt::format(", {} bytes before device memory of {} bytes", after->first - p, after->second);
  return text;
}

}  // namespace tenfold::emulator
