/// @file
/// The exercise of the kernel ladder: what you write, and what it must do. It runs on the emulator.
#pragma once
#include "device.hpp"

namespace exercise {

/// Side of a tile of transpose().
inline constexpr int side = 32;
/// A block of transpose() has side × block_rows threads: threadIdx.x counts to 32, threadIdx.y to 8.
inline constexpr int block_rows = 8;

/// Σ of `value` over the 32 lanes of the warp, in every lane. Lanes speak by shuffles: no shared memory, no barrier,
/// and no more than five exchanges.
__device__ float warp_sum(float value);

/// y[c, r] = x[r, c] for a matrix [rows, cols], row-major; y is [cols, rows]. The grid has a block for every tile of
/// side × side numbers of x, blockIdx.x along a row. Counted<T> is a T* whose loads and stores are counted: x[i] and
/// y[i] = v. A warp's loads of x must be neighbours, and so must its stores to y; in shared memory its lanes must not
/// meet in one bank.
__global__ void transpose(Counted<const float> x, Counted<float> y, int rows, int cols);

}  // namespace exercise
