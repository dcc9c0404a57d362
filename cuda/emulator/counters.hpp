/// @file
/// What a kernel costs, counted by the emulator: the resources that a card has to spend.
///
/// Launches, barriers, warp operations and atomics are counted always. Loads and stores only where the kernel is given
/// Counted<T> in place of T*, for which it has to be a template over its pointers:
///   template <template <class> class Pointer> __global__ void k(Pointer<const float> x, Pointer<float> y, int n);
///   launch(shape, k<Counted>, Counted<const float>(x), Counted<float>(y), n);
/// and with `template <class T> using Plain = T*;` k<Plain> is the kernel that counts nothing (cuda/ladder/ does so).
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace tenfold::emulator {

/// Counted since reset_counters(), over all blocks and threads.
struct Counters {
  std::uint64_t launches = 0, blocks = 0, threads = 0;  ///< started
  std::uint64_t barriers = 0;         ///< of a block, one for all its threads
  std::uint64_t warp_operations = 0;  ///< shuffles, votes, __syncwarp: one for all lanes that take part
  std::uint64_t atomics = 0;          ///< one a thread
  std::uint64_t shared_bytes = 0;     ///< the most that a block had, static and dynamic
  std::uint64_t waits = 0;            ///< of the host for work that was not done yet; only late work is (streams.hpp)
  std::uint64_t switches = 0;         ///< of the emulator itself, from thread to thread

  /// One kind of access by Counted<T>.
  struct Traffic {
    std::uint64_t accesses = 0;  ///< one a thread
    std::uint64_t bytes = 0;     ///< that threads asked for
    /// What a card makes of it. It serves the lanes of a warp together: in global memory, as many pieces of 32 bytes as
    /// they touch; in shared memory, as many passes as the busiest of the 32 banks has different words.
    std::uint64_t pieces = 0;
  };
  Traffic loads, stores, shared_loads, shared_stores;  ///< global memory, and shared memory
};
/// The counters as they stand.
const Counters& counters();
/// All to 0.
void reset_counters();

/// Notes an access by the running thread. The line of the kernel that makes it is known by the address it returns to.
__attribute__((noinline)) void count_load(const void* address, std::size_t bytes);
/// See count_load().
__attribute__((noinline)) void count_store(const void* address, std::size_t bytes);

}  // namespace tenfold::emulator

inline namespace cuda_emulated {

/// A pointer that counts what goes through it; see the head of this file.
template <class T>
class Counted {
 public:
  /// What p[i] is: read as a T, written like one.
  class Element {
   public:
    /// The element at an address.
    explicit Element(T* address) : address_(address) {}
    /// A load.
    operator std::remove_const_t<T>() const {
      tenfold::emulator::count_load(address_, sizeof(T));
      return *address_;
    }
    /// A store.
    Element& operator=(const T& value) {
      tenfold::emulator::count_store(address_, sizeof(T));
      *address_ = value;
      return *this;
    }
    /// From another element: a load and a store.
    Element& operator=(const Element& other) { return *this = static_cast<T>(other); }
    /// A load and a store.
    Element& operator+=(const T& value) { return *this = static_cast<T>(*this) + value; }

   private:
    T* address_;
  };

  /// Counts what goes through `pointer`.
  explicit Counted(T* pointer) : pointer_(pointer) {}
  /// The element `index` further on.
  Element operator[](std::ptrdiff_t index) const { return Element(pointer_ + index); }
  /// The element it points to.
  Element operator*() const { return Element(pointer_); }
  /// Further on.
  Counted operator+(std::ptrdiff_t count) const { return Counted(pointer_ + count); }
  /// The pointer itself.
  T* get() const { return pointer_; }

 private:
  T* pointer_;
};

/// The same memory as elements of another type (float4, say).
template <class To, class T>
inline Counted<To> pointer_as(Counted<T> pointer) { return Counted<To>(reinterpret_cast<To*>(pointer.get())); }

}  // namespace cuda_emulated
