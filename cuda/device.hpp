/// @file
/// What every .cu file includes: CUDA itself under nvcc, and the emulator (cuda/emulator/) under any other compiler.
///
/// Three spellings differ from plain CUDA, so that one source serves both:
///   SHARED(float, tile, [32][33]);            for  __shared__ float tile[32][33];
///   DYN_SHARED(float, buffer);                for  extern __shared__ float buffer[];
///   launch({grid, block, bytes, stream}, kernel<64>, x, n);   for  kernel<64><<<grid, block, bytes, stream>>>(x, n);
/// launch() returns the error of the launch itself. The rest (cudaMalloc, __shfl_xor_sync, cublasSgemm, …) has CUDA's
/// own names in both.
///
/// TENFOLD_ON is the inline part of the namespace that keeps the two builds apart in one program: `card` or `emulated`.
#pragma once

#if defined(__CUDACC__)
#include <cuda_runtime.h>

#include <utility>

#define TENFOLD_ON card
#define SHARED(T, name, ...) __shared__ T name __VA_ARGS__
// One symbol serves all kernels of a file, whatever their types: two extern arrays of different types would clash.
#define DYN_SHARED(T, name)                                             \
  extern __shared__ __align__(16) unsigned char tenfold_dynamic_shared[]; \
  T* name = reinterpret_cast<T*>(tenfold_dynamic_shared)

/// What goes between <<< and >>>.
struct LaunchShape {
  dim3 grid, block;               ///< blocks, and threads in each
  std::size_t shared_bytes = 0;   ///< of dynamic shared memory
  cudaStream_t stream = nullptr;  ///< in whose order it runs
};
/// Starts `kernel` on a grid; the error of starting it, not of running it.
template <class... P, class... A>
[[nodiscard]] inline cudaError_t launch(LaunchShape shape, void (*kernel)(P...), A&&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A), "wrong number of kernel arguments");
  kernel<<<shape.grid, shape.block, shape.shared_bytes, shape.stream>>>(static_cast<P>(arguments)...);
  return cudaGetLastError();
}
#else
#define TENFOLD_ON emulated
#include "emulator/cuda.hpp"
#endif
