// The solution of the kernel ladder's exercise.
#include "exercise.hpp"

namespace exercise {

__device__ float warp_sum(float value) {
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

__global__ void transpose(Counted<const float> x, Counted<float> y, int rows, int cols) {
  constexpr int stride = side + 1;  // so that a column of the tile lies in 32 banks
  SHARED(float, memory, [side * stride]);
  const Counted<float> tile(memory);
  const int along = static_cast<int>(threadIdx.x), down = static_cast<int>(threadIdx.y);
  const int first_row = static_cast<int>(blockIdx.y) * side, first_col = static_cast<int>(blockIdx.x) * side;
  for (int r = down; r < side; r += block_rows)
    if (first_row + r < rows && first_col + along < cols)
      tile[r * stride + along] = x[(first_row + r) * cols + first_col + along];
  __syncthreads();
  // Row c of the turned tile is column c of the tile: now neighbouring threads go down it.
  for (int c = down; c < side; c += block_rows)
    if (first_col + c < cols && first_row + along < rows)
      y[(first_col + c) * rows + first_row + along] = tile[along * stride + c];
}

}  // namespace exercise
