/// @file
/// Shared memory: a long reach of address space, of which each block takes the next piece.
#include "emulator/shared_memory.hpp"

#include <sys/mman.h>

#include <cstdint>

#include "core/errors.hpp"
#include "emulator/scheduler.hpp"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace tenfold::emulator {
namespace {

constexpr std::size_t array_red_zone = 256;
constexpr std::size_t static_limit = 48 * 1024;
#if defined(TENFOLD_EMULATOR_TSAN)
// Two blocks at one address would look like a race between them, so a launch never comes back.
constexpr std::size_t arena_bytes = std::size_t{8} << 30, wrap_bytes = arena_bytes - (std::size_t{1} << 20);
#else
constexpr std::size_t wrap_bytes = std::size_t{1} << 20, arena_bytes = 2 * wrap_bytes;
#endif
// Of 8 bytes of it, a float, a double and an integer are all conspicuous.
constexpr std::uint64_t poison_word = ~std::uint64_t{0};

// Word by word, since ThreadSanitizer sees memset and would take it for the running thread's write.
void fill(char* memory, std::size_t bytes) {
  auto* words = reinterpret_cast<volatile std::uint64_t*>(memory);
  for (std::size_t i = 0; i < bytes / 8; ++i) words[i] = poison_word;
}

// Byte by byte up to the first word, since an array may end anywhere. A byte of poison has all bits set.
[[maybe_unused]] bool untouched(const char* memory, const char* end) {
  bool all = true;
  for (; memory < end && reinterpret_cast<std::uintptr_t>(memory) % 8 != 0; ++memory)
    all = all && static_cast<unsigned char>(*static_cast<const volatile char*>(memory)) == 0xff;
  for (; memory < end; memory += 8) all = all && *reinterpret_cast<const volatile std::uint64_t*>(memory) == poison_word;
  return all;
}

constexpr std::size_t rounded_to_16(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

void SharedMemory::begin_launch(std::size_t dynamic_bytes) {
  if (!arena_) {
    void* mapped = mmap(nullptr, arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw CudaError("emulator: no memory for shared memory");
    arena_ = static_cast<char*>(mapped);
  }
#if defined(TENFOLD_EMULATOR_TSAN)
  if (used_ > (std::size_t{64} << 20)) madvise(arena_, used_, MADV_DONTNEED);
  used_ = 0;
#endif
  dynamic_bytes_ = dynamic_bytes;
}

void SharedMemory::begin_block() {
#if defined(__SANITIZE_ADDRESS__)
  for (std::size_t i = 0; i < count_; ++i) __asan_poison_memory_region(arrays_[i].memory, arrays_[i].bytes);
#endif
  static_bytes_ = 0;
  if (used_ > wrap_bytes) {
#if defined(TENFOLD_EMULATOR_TSAN)
    throw CudaError("emulator: 8 GiB of shared memory used up within a launch");
#endif
    used_ = 0;
  }
  arrays_[0] = {nullptr, dynamic_bytes_ ? carve(dynamic_bytes_) : nullptr, dynamic_bytes_};
  count_ = 1;
}

char* SharedMemory::carve(std::size_t bytes) {
  char* memory = arena_ + used_ + array_red_zone;
  const std::size_t room = rounded_to_16(bytes);
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(arena_ + used_, array_red_zone + room + array_red_zone);
#endif
  fill(arena_ + used_, array_red_zone + room + array_red_zone);
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(arena_ + used_, array_red_zone);
  __asan_poison_memory_region(memory + bytes, room - bytes + array_red_zone);
#endif
  used_ += array_red_zone + room;
  return memory;
}

void* SharedMemory::array(const void* site, std::size_t bytes, std::size_t alignment) {
  for (std::size_t i = 1; i < count_; ++i)
    if (arrays_[i].site == site) return arrays_[i].memory;
  static_bytes_ += bytes;
  if (static_bytes_ > static_limit || alignment > 16 || count_ == arrays_.size()) return nullptr;
  arrays_[count_] = {site, carve(bytes), bytes};
  return arrays_[count_++].memory;
}

void* SharedMemory::dynamic(std::size_t alignment) { return alignment > 16 ? nullptr : arrays_[0].memory; }

bool SharedMemory::contains(const void* address) const {
  const auto* p = static_cast<const char*>(address);
  return p >= arena_ && p < arena_ + arena_bytes;
}

std::string SharedMemory::end_block() const {
#if !defined(__SANITIZE_ADDRESS__)
  for (std::size_t i = 0; i < count_; ++i) {
    const Array& array = arrays_[i];
    if (!array.memory) continue;
    if (!untouched(array.memory - array_red_zone, array.memory))
      return "something was written before the beginning of an array in shared memory";
    if (!untouched(array.memory + array.bytes, array.memory + rounded_to_16(array.bytes) + array_red_zone))
      return "something was written past the end of an array in shared memory";
  }
#endif
  return {};
}

}  // namespace tenfold::emulator

void* tenfold::emulator::shared_array(const void* site, std::size_t bytes, std::size_t alignment) {
  Scheduler& s = scheduler();
  void* memory = s.shared().array(site, bytes, alignment);
  if (!memory) s.fail("a block has at most 48 KiB of static shared memory, aligned to 16 bytes at most");
  return memory;
}

void* tenfold::emulator::dynamic_shared_array(std::size_t alignment) {
  Scheduler& s = scheduler();
  void* memory = s.shared().dynamic(alignment);
  if (!memory) s.fail("dynamic shared memory is used, and the launch asked for none of it");
  return memory;
}
