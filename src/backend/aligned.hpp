/// @file
/// Vectors for what is read with the processor's widest loads.
#pragma once
#include <cstddef>
#include <new>
#include <vector>

namespace tenfold {

/// Memory that begins with a line of the cache: a load of 64 bytes from anywhere else touches two lines, which made products
/// of matrices a fifth slower.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t line{64};

  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), line)); }
  void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory, line); }
  template <class U>
  bool operator==(const AlignedAllocator<U>&) const {
    return true;
  }
};

/// A vector in such memory.
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace tenfold
