/// @file
/// What the threads of a block say to each other: barriers, warp operations, atomics, fences.
///
/// Every wait records where it stands in the source, so that an error can say which barrier it was.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

namespace tenfold::emulator {

/// What a thread waits for.
enum class Wait {
  barrier, barrier_and, barrier_or, barrier_count,  ///< of the block
  warp_sync, shuffle, shuffle_up, shuffle_down, shuffle_xor, ballot, any, all  ///< of the lanes in a mask
};
/// Waits for all threads of the block; the answer is the reduction of `predicate` over them.
int block_barrier(Wait kind, int predicate, std::source_location at);
/// Waits for the lanes in `mask`; the answer depends on the kind. Shuffles move 8 bytes.
std::uint64_t warp_operation(Wait kind, unsigned mask, std::uint64_t value, int argument, int width,
                             std::source_location at);
/// Counts an atomic operation, and now and then lets another thread go first.
void before_atomic();
/// What was written before it is seen by whoever passes a fence later.
void memory_fence();

/// warp_operation() for a value of any type that CUDA shuffles.
template <class T>
inline T shuffle(Wait kind, unsigned mask, T value, int argument, int width, std::source_location at) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "shuffles move numbers of up to 8 bytes");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = warp_operation(kind, mask, bits, argument, width, at);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
/// An atomic read, change and write, relaxed as on a card; the answer is the old value.
template <class T, class Change>
inline T atomically(T* address, Change change) {
  before_atomic();
  std::atomic_ref<T> cell(*address);
  T old = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(old, change(old), std::memory_order_relaxed)) {
  }
  return old;
}

}  // namespace tenfold::emulator

inline namespace cuda_emulated {

/// Where a call stands, when it is a default argument.
using Here = std::source_location;
/// A value whose type follows from another argument.
template <class T>
using Same = std::type_identity_t<T>;

/// Waits until every thread of the block is here; what they wrote before is seen after.
inline void __syncthreads(Here at = Here::current()) {
  tenfold::emulator::block_barrier(tenfold::emulator::Wait::barrier, 0, at);
}
/// A barrier that says whether `predicate` held in all threads.
inline int __syncthreads_and(int predicate, Here at = Here::current()) {
  return tenfold::emulator::block_barrier(tenfold::emulator::Wait::barrier_and, predicate, at);
}
/// A barrier that says whether `predicate` held in any thread.
inline int __syncthreads_or(int predicate, Here at = Here::current()) {
  return tenfold::emulator::block_barrier(tenfold::emulator::Wait::barrier_or, predicate, at);
}
/// A barrier that says in how many threads `predicate` held.
inline int __syncthreads_count(int predicate, Here at = Here::current()) {
  return tenfold::emulator::block_barrier(tenfold::emulator::Wait::barrier_count, predicate, at);
}
/// Waits for the lanes in `mask`; what they wrote before is seen after.
inline void __syncwarp(unsigned mask = 0xffffffffu, Here at = Here::current()) {
  tenfold::emulator::warp_operation(tenfold::emulator::Wait::warp_sync, mask, 0, 0, 32, at);
}

/// The value of lane `lane` of the group of `width` lanes. Orders no memory.
template <class T>
inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32, Here at = Here::current()) {
  return tenfold::emulator::shuffle(tenfold::emulator::Wait::shuffle, mask, value, lane, width, at);
}
/// The value `delta` lanes below; the own one where there is none.
template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, Here at = Here::current()) {
  return tenfold::emulator::shuffle(tenfold::emulator::Wait::shuffle_up, mask, value, static_cast<int>(delta), width,
                                    at);
}
/// The value `delta` lanes above; the own one where there is none.
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, Here at = Here::current()) {
  return tenfold::emulator::shuffle(tenfold::emulator::Wait::shuffle_down, mask, value, static_cast<int>(delta),
                                    width, at);
}
/// The value of the lane whose number differs in the bits of `bits`.
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, Here at = Here::current()) {
  return tenfold::emulator::shuffle(tenfold::emulator::Wait::shuffle_xor, mask, value, bits, width, at);
}
/// Bit i says whether `predicate` held in lane i.
inline unsigned __ballot_sync(unsigned mask, int predicate, Here at = Here::current()) {
  return static_cast<unsigned>(tenfold::emulator::warp_operation(tenfold::emulator::Wait::ballot, mask, predicate != 0, 0,
                                                                 32, at));
}
/// Whether `predicate` held in any lane of `mask`.
inline int __any_sync(unsigned mask, int predicate, Here at = Here::current()) {
  return static_cast<int>(tenfold::emulator::warp_operation(tenfold::emulator::Wait::any, mask, predicate != 0, 0, 32, at));
}
/// Whether `predicate` held in all lanes of `mask`.
inline int __all_sync(unsigned mask, int predicate, Here at = Here::current()) {
  return static_cast<int>(tenfold::emulator::warp_operation(tenfold::emulator::Wait::all, mask, predicate != 0, 0, 32, at));
}

/// *address += value; the answer of this and the others is the old value.
template <class T>
inline T atomicAdd(T* address, Same<T> value) {
  return tenfold::emulator::atomically(address, [value](T old) { return static_cast<T>(old + value); });
}
/// *address -= value
template <class T>
inline T atomicSub(T* address, Same<T> value) {
  return tenfold::emulator::atomically(address, [value](T old) { return static_cast<T>(old - value); });
}
/// *address = max(*address, value)
template <class T>
inline T atomicMax(T* address, Same<T> value) {
  static_assert(std::is_integral_v<T>, "CUDA has atomicMax for whole numbers only");
  return tenfold::emulator::atomically(address, [value](T old) { return old < value ? value : old; });
}
/// *address = min(*address, value)
template <class T>
inline T atomicMin(T* address, Same<T> value) {
  static_assert(std::is_integral_v<T>, "CUDA has atomicMin for whole numbers only");
  return tenfold::emulator::atomically(address, [value](T old) { return value < old ? value : old; });
}
/// *address = value
template <class T>
inline T atomicExch(T* address, Same<T> value) {
  return tenfold::emulator::atomically(address, [value](T) { return value; });
}
/// *address |= value
template <class T>
inline T atomicOr(T* address, Same<T> value) {
  return tenfold::emulator::atomically(address, [value](T old) { return static_cast<T>(old | value); });
}
/// *address &= value
template <class T>
inline T atomicAnd(T* address, Same<T> value) {
  return tenfold::emulator::atomically(address, [value](T old) { return static_cast<T>(old & value); });
}
/// *address = *address >= limit ? 0 : *address + 1
inline unsigned atomicInc(unsigned* address, unsigned limit) {
  return tenfold::emulator::atomically(address, [limit](unsigned old) { return old >= limit ? 0u : old + 1; });
}
/// *address = value if it was `expected`
template <class T>
inline T atomicCAS(T* address, Same<T> expected, Same<T> value) {
  tenfold::emulator::before_atomic();
  std::atomic_ref<T>(*address).compare_exchange_strong(expected, value, std::memory_order_relaxed);
  return expected;
}

/// What was written before is seen by whoever passes a fence later; within the grid.
inline void __threadfence() { tenfold::emulator::memory_fence(); }
/// The same within the block.
inline void __threadfence_block() { tenfold::emulator::memory_fence(); }
/// The same with the host.
inline void __threadfence_system() { tenfold::emulator::memory_fence(); }

}  // namespace cuda_emulated
