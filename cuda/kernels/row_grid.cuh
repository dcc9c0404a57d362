/// @file
/// A grid over rows × columns without a division: threads along x take columns, and keep them while they walk down the
/// rows. What belongs to a column (a bias) is read once.
#pragma once
#include <algorithm>

#include "core/shape.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// Blocks of 256 threads, as wide as the row asks for and as high as is left.
/// @param columns of work per row: packs, not numbers
inline LaunchShape row_grid(Index rows, Index columns, cudaStream_t stream) {
  unsigned width = 32;
  while (width < 256 && width < columns) width *= 2;
  const unsigned height = 256 / width;
  const auto across = static_cast<unsigned>((columns + width - 1) / width);
  // Some thousand blocks fill any card; beyond that a thread had better take more rows.
  const Index down = std::min<Index>((rows + height - 1) / height, std::max<Index>(1, 4096 / across));
  return {dim3(across, static_cast<unsigned>(down)), dim3(width, height), 0, stream};
}

/// This thread's column.
__device__ inline Index grid_column() { return static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; }
/// The first of its rows.
__device__ inline Index grid_row() { return static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; }
/// How far it is to its next row.
__device__ inline Index grid_row_step() { return static_cast<Index>(gridDim.y) * blockDim.y; }

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
