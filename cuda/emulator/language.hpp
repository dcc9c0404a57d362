/// @file
/// The keywords of CUDA C++, its vector types, shared memory, and who a thread is.
#pragma once
#include <cstddef>
#include <cstdint>

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __grid_constant__

inline namespace cuda_emulated {

/// Three unsigned numbers: who a thread or block is.
struct uint3 {
  unsigned x, y, z;  ///< fastest first
};
/// An extent in up to three dimensions.
struct dim3 {
  unsigned x, y, z;  ///< fastest first
  /// One in every dimension that is not given.
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

// Vector types: aligned as on a card, where a misaligned access is an error (UndefinedBehaviorSanitizer finds it here).
#define TENFOLD_VECTOR2(T, name, alignment) \
  struct alignas(alignment) name {          \
    T x, y;                                 \
  };                                        \
  constexpr name make_##name(T x, T y) { return {x, y}; }
#define TENFOLD_VECTOR4(T, name, alignment) \
  struct alignas(alignment) name {          \
    T x, y, z, w;                           \
  };                                        \
  constexpr name make_##name(T x, T y, T z, T w) { return {x, y, z, w}; }
TENFOLD_VECTOR2(float, float2, 8)
TENFOLD_VECTOR2(double, double2, 16)
TENFOLD_VECTOR2(int, int2, 8)
TENFOLD_VECTOR2(unsigned, uint2, 8)
TENFOLD_VECTOR4(float, float4, 16)
TENFOLD_VECTOR4(double, double4, 16)
TENFOLD_VECTOR4(int, int4, 16)
TENFOLD_VECTOR4(unsigned, uint4, 16)
#undef TENFOLD_VECTOR2
#undef TENFOLD_VECTOR4

/// Who the running thread is; the scheduler rewrites them at every switch. Kernels only read them.
extern uint3 threadIdx, blockIdx;
/// The extents of the running launch.
extern dim3 blockDim, gridDim;
/// Threads in a warp, on every card so far.
inline constexpr int warpSize = 32;

}  // namespace cuda_emulated

namespace tenfold::emulator {

/// The running block's array for the declaration at `site`, made on first use: NaN in it, red zones around it.
void* shared_array(const void* site, std::size_t bytes, std::size_t alignment);
/// The running block's dynamic shared memory.
void* dynamic_shared_array(std::size_t alignment);

}  // namespace tenfold::emulator

/// An array in shared memory: SHARED(float, tile, [32][33]); a single value: SHARED(int, count);
#define SHARED(T, name, ...)                                                                                  \
  using name##_shared_type = T __VA_ARGS__;                                                                   \
  static const char name##_shared_site = 0;                                                                   \
  name##_shared_type& name = *static_cast<name##_shared_type*>(::tenfold::emulator::shared_array(             \
      &name##_shared_site, sizeof(name##_shared_type), alignof(name##_shared_type)))
/// The launch's dynamic shared memory: DYN_SHARED(float, buffer);
#define DYN_SHARED(T, name) T* name = static_cast<T*>(::tenfold::emulator::dynamic_shared_array(alignof(T)))
