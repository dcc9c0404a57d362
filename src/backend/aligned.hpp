/// @file
/// Memory as the processor's caches see it: vectors for what is read with the widest loads, and fetching ahead.
#pragma once
#include <cstddef>
#include <new>
#include <vector>

namespace tenfold {

/// Memory that begins with a line of the cache: a load of 64 bytes from anywhere else touches two lines, which made products
/// of matrices a fifth slower.
template <class T>
struct AlignedAllocator {
  using value_type = T;                         ///< what every allocator names
  static constexpr std::align_val_t line{64};  ///< bytes of the cache that come and go together

  AlignedAllocator() = default;
  /// Of another type, with which it shares nothing.
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  /// Throws std::bad_alloc.
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), line)); }
  /// What allocate() gave.
  void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory, line); }
  /// Any gives back what any other gave.
  template <class U>
  bool operator==(const AlignedAllocator<U>&) const {
    return true;
  }
};

/// A vector in such memory.
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

/// Memory for n values; it grows to what the largest call needed and stays.
template <class T>
T* room(AlignedVector<T>& v, std::ptrdiff_t n) {
  if (static_cast<std::ptrdiff_t>(v.size()) < n) v.resize(static_cast<std::size_t>(n));
  return v.data();
}

/// Asks for a line of the cache for every 64 bytes of n values that will be read soon, into the first-level cache or the
/// second: for runs too short for the processor to see them coming. They need not be memory.
template <int level, class T>
void fetch(const T* x, std::ptrdiff_t n) {
  static_assert(level == 1 || level == 2);
  for (std::ptrdiff_t i = 0; i < n; i += 64 / std::ptrdiff_t{sizeof(T)}) __builtin_prefetch(x + i, 0, 4 - level);
}

}  // namespace tenfold
