/// @file
/// SharedMemory: the arrays of the running block.
///
/// Every array has an address that no block used shortly before (none of the same launch, under ThreadSanitizer), is
/// filled with NaN and lies between red zones: AddressSanitizer stops at them, and elsewhere end_block() looks whether
/// they were written. Code here must not be seen by ThreadSanitizer, so nothing calls memset.
#pragma once
#include <array>
#include <cstddef>
#include <string>

namespace tenfold::emulator {

/// See the head of this file.
class SharedMemory {
 public:
  /// The dynamic part's size, and how much all of it may be; of the launch that begins.
  void begin_launch(std::size_t dynamic_bytes);
  /// A new block has nothing.
  void begin_block();
  /// "" or what was written out of bounds.
  std::string end_block() const;
  /// The array of the declaration at `site`; nullptr when all static arrays are more than a block may have (48 KiB, 63
  /// arrays).
  void* array(const void* site, std::size_t bytes, std::size_t alignment);
  /// The dynamic part; nullptr when `alignment` is more than it has.
  void* dynamic(std::size_t alignment);
  /// Whether an address is in shared memory at all.
  bool contains(const void* address) const;
  /// Bytes the block has so far, static and dynamic.
  std::size_t bytes() const { return static_bytes_ + dynamic_bytes_; }

 private:
  struct Array {
    const void* site;
    char* memory;
    std::size_t bytes;
  };
  char* carve(std::size_t bytes);

  char* arena_ = nullptr;
  std::size_t used_ = 0, static_bytes_ = 0, dynamic_bytes_ = 0;
  std::array<Array, 64> arrays_{};  // the first is the dynamic part; no vector, whose growth ThreadSanitizer would see
  std::size_t count_ = 0;
};

}  // namespace tenfold::emulator
