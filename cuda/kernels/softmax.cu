/// @file
/// Softmax along rows, with a mask, and its gradient. A short row belongs to a warp and is read once into registers; a
/// long one belongs to a block and is read twice, its largest value and its sum found in one pass.
#include <cmath>

#include "cuda_kernels.hpp"
#include "kernels/mask.cuh"
#include "kernels/reduce.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// A row per warp, each lane with `Held` of its values: column lane + 32 i is value i. Entries that the row does not
/// see count as below all others, and become 0.
template <int Held>
__global__ void __launch_bounds__(block_threads)
    softmax_short(Mask mask, const Real* __restrict__ x, Real* __restrict__ y, Index rows, int cols) {
  const Index row = Index{blockIdx.x} * (block_threads / 32) + threadIdx.x / 32;
  if (row >= rows) return;  // the whole warp
  const int lane = threadIdx.x % 32, seen = static_cast<int>(visible_keys(mask, row, cols));
  x += row * cols;
  y += row * cols;
  Real value[Held], largest = Larger::none(), total = 0;
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] = lane + 32 * i < seen ? x[lane + 32 * i] : Larger::none();
    largest = Larger{}(largest, value[i]);
  }
  largest = team_max<32>(largest);
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] = lane + 32 * i < seen ? std::exp(value[i] - largest) : 0;
    total += value[i];
  }
  total = team_sum<32>(total);
  const Real factor = seen > 0 ? 1 / total : 0;
#pragma unroll
  for (int i = 0; i < Held; ++i)
    if (lane + 32 * i < cols) y[lane + 32 * i] = value[i] * factor;
}

/// A row per block, of any length.
__global__ void __launch_bounds__(block_threads)
    softmax_long(Mask mask, const Real* __restrict__ x, Real* __restrict__ y, Index cols) {
  const Index row = blockIdx.x, seen = visible_keys(mask, row, cols);
  x += row * cols;
  y += row * cols;
  OnlineSoftmax seen_by_thread;
  for (Index c = threadIdx.x; c < seen; c += block_threads) seen_by_thread.add(x[c]);
  const OnlineSoftmax whole = seen_by_thread.over_team<block_threads>();
  const Real factor = seen > 0 ? 1 / whole.total : 0;
  for (Index c = threadIdx.x; c < cols; c += block_threads)
    y[c] = c < seen ? std::exp(x[c] - whole.largest) * factor : 0;
}

/// dx = y ⊙ (dy - Σ_c y dy), derived beside ReferenceKernels::softmax_backward. A row per team; what is read a second
/// time comes from the cache.
template <int Team>
__global__ void __launch_bounds__(block_threads)
    softmax_slope(const Real* __restrict__ y, const Real* __restrict__ dy, Real* __restrict__ dx, Index rows, Index cols) {
  const Index row = Index{blockIdx.x} * (block_threads / Team) + threadIdx.x / Team;
  if (row >= rows) return;  // the whole team
  y += row * cols;
  dy += row * cols;
  dx += row * cols;
  Real mean = 0;
  for (Index c = threadIdx.x % Team; c < cols; c += Team) mean += y[c] * dy[c];
  mean = team_sum<Team>(mean);
  for (Index c = threadIdx.x % Team; c < cols; c += Team) dx[c] = y[c] * (dy[c] - mean);
}

/// The longest row that a warp keeps in registers.
constexpr Index short_row = 512;

/// Blocks of `block_threads` for one team a row.
unsigned blocks_of_teams(Index rows, Index team) {
  return static_cast<unsigned>((rows + block_threads / team - 1) / (block_threads / team));
}

}  // namespace

void CudaKernels::softmax(const Mask& mask, const Real* x, Real* y, Index rows, Index cols) {
  if (rows == 0 || cols == 0) return;
  const dim3 warps(blocks_of_teams(rows, 32)), blocks(blocks_of_teams(rows, block_threads)), threads(block_threads);
  if (cols <= 128)
    check(launch({warps, threads, 0, stream()}, softmax_short<4>, mask, x, y, rows, cols), "softmax");
  else if (cols <= short_row)
    check(launch({warps, threads, 0, stream()}, softmax_short<short_row / 32>, mask, x, y, rows, cols), "softmax");
  else
    check(launch({blocks, threads, 0, stream()}, softmax_long, mask, x, y, cols), "softmax");
}

void CudaKernels::softmax_backward(const Real* y, const Real* dy, Real* dx, Index rows, Index cols) {
  if (rows == 0 || cols == 0) return;
  const dim3 warps(blocks_of_teams(rows, 32)), blocks(blocks_of_teams(rows, block_threads)), threads(block_threads);
  if (cols <= short_row)
    check(launch({warps, threads, 0, stream()}, softmax_slope<32>, y, dy, dx, rows, cols), "softmax_backward");
  else
    check(launch({blocks, threads, 0, stream()}, softmax_slope<block_threads>, y, dy, dx, rows, cols),
          "softmax_backward");
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
