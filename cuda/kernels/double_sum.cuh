/// @file
/// Sums in double over a block of `sum_threads` threads, in an order that is always the same.
#pragma once
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// Threads of the blocks that use these; all of them must take part.
inline constexpr int sum_threads = 256;

/// Σ of `value` over the block, in thread 0; in the others something unspecified. At most once in a kernel: its shared
/// memory is not freed for another round.
__device__ inline double block_sum(double value) {
  constexpr int warps = sum_threads / 32;
  SHARED(double, sums, [warps]);
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_down_sync(0xffffffffu, value, distance);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x > 0) return 0;
  value = sums[0];
  for (int w = 1; w < warps; ++w) value += sums[w];
  return value;
}

/// Σ of `count` numbers in memory, likewise.
__device__ inline double block_sum_of(const double* x, int count) {
  double total = 0;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += sum_threads) total += x[i];
  return block_sum(total);
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
