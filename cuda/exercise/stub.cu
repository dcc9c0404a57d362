// The kernel ladder, exercise: a sum over a warp, and a transpose through shared memory.
//
// Approach, warp_sum
//   1. __shfl_xor_sync(0xffffffffu, value, distance) gives you the value of the lane whose number differs from yours in
//      the bit `distance`. Add it to your own.
//   2. With distance 16, 8, 4, 2, 1, one after another, every lane ends with the sum of all 32.
//
// Approach, transpose
//   1. A warp is 32 threads with neighbouring threadIdx.x. If each read x[r, c] and wrote y[c, r], the loads would be
//      neighbours, and the stores `rows` numbers apart: 32 pieces of memory for 32 numbers. So the block turns its tile
//      in shared memory: write it there as it is read, and read it there along the other side.
//   2. The block has 32 × 8 threads for 32 × 32 numbers: each takes rows threadIdx.y, threadIdx.y + 8, + 16, + 24.
//   3. Between writing the tile and reading it, every thread must have written: a barrier.
//   4. At the matrix's edges a tile is not full: test row and column before each load, and before each store (where
//      they are exchanged).
//   5. Shared memory has 32 banks, and number i lies in bank i % 32. In a tile of 32 × 32 a whole column lies in one
//      bank, and its 32 readers wait for each other. Make each row of the tile one number longer.
//
// Judge it with  make check-cuda
#include "exercise.hpp"

namespace exercise {

__device__ float warp_sum(float value) {
  return value;  // your code
}

__global__ void transpose(Counted<const float> x, Counted<float> y, int rows, int cols) {
  SHARED(float, memory, [side * side]);
  const Counted<float> tile(memory);
  const int col = static_cast<int>(blockIdx.x) * side + static_cast<int>(threadIdx.x);  // of x
  const int row = static_cast<int>(blockIdx.y) * side + static_cast<int>(threadIdx.y);
  // your code
  (void)x, (void)y, (void)rows, (void)cols, (void)tile, (void)col, (void)row;  // this line goes: they have work to do
}

}  // namespace exercise
