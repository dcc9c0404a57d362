// Moving and reducing along axes: a sum over one, a value repeated along one, runs of rows, axes in another order.
#include "core/errors.hpp"
#include "cuda_kernels.hpp"
#include "kernels/pack.cuh"
#include "kernels/reduce.cuh"
#include "kernels/row_grid.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

__device__ Index global_thread() { return static_cast<Index>(blockIdx.x) * block_threads + threadIdx.x; }
__device__ Index all_threads() { return static_cast<Index>(gridDim.x) * block_threads; }

/// A thread per result: neighbours read neighbours as long as there are some along `inner`.
__global__ void sum_axis_by_thread(const Real* x, Real* out, Index outer, Index axis, Index inner) {
  for (Index r = global_thread(); r < outer * inner; r += all_threads()) {
    const Real* run = x + (r / inner) * axis * inner + r % inner;
    Real total = 0;
    for (Index a = 0; a < axis; ++a) total += run[a * inner];
    out[r] = total;
  }
}

/// A warp per result, for an axis that is (nearly) the innermost: its lanes read neighbours along the axis itself.
__global__ void sum_axis_by_warp(const Real* x, Real* out, Index outer, Index axis, Index inner) {
  const Index lane = threadIdx.x % warp_size;
  for (Index r = global_thread() / warp_size; r < outer * inner; r += all_threads() / warp_size) {
    const Real* run = x + (r / inner) * axis * inner + r % inner;
    Real total = 0;
    for (Index a = lane; a < axis; a += warp_size) total += run[a * inner];
    total = warp_reduce(total, Plus{});
    if (lane == 0) out[r] = total;
  }
}

__global__ void repeat_axis_kernel(const Real* x, Real* out, Index n, Index axis, Index inner) {
  for (Index i = global_thread(); i < n; i += all_threads()) out[i] = x[i / (axis * inner) * inner + i % inner];
}

template <int Width>
__global__ void copy_rows_kernel(const Real* x, Index x_stride, Real* out, Index out_stride, Index rows, Index cols) {
  const Index c = grid_column() * Width;
  if (c >= cols) return;
  for (Index r = grid_row(); r < rows; r += grid_row_step())
    store<Width>(out, r * out_stride + c, load<Width>(x, r * x_stride + c));
}

/// Extents of the output, and how far a step along each of its axes moves in the input.
struct Walk {
  int rank = 0;
  unsigned extent[Shape::max_rank] = {};
  Index step[Shape::max_rank] = {};
};

/// A thread per output: its position along each axis, innermost first, by division; 32 bits are enough for a position
/// and four times as fast as 64.
__global__ void permute_kernel(const Real* x, Real* out, Walk walk, unsigned n) {
  for (Index i = global_thread(); i < n; i += all_threads()) {
    auto rest = static_cast<unsigned>(i);
    Index at = 0;
#pragma unroll
    for (int a = Shape::max_rank - 1; a >= 0; --a) {
      if (a >= walk.rank) continue;
      const unsigned next = rest / walk.extent[a];
      at += (rest - next * walk.extent[a]) * walk.step[a];
      rest = next;
    }
    out[i] = x[at];
  }
}

}  // namespace

void CudaKernels::sum_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) {
  const Index results = outer * inner;
  if (results == 0) return;
  if (inner >= warp_size || axis < warp_size)
    check(launch({dim3(blocks_for(results, block_threads)), dim3(block_threads), 0, stream()}, sum_axis_by_thread, x,
                 out, outer, axis, inner),
          "sum_axis");
  else
    check(launch({dim3(blocks_for(results, block_threads / warp_size)), dim3(block_threads), 0, stream()},
                 sum_axis_by_warp, x, out, outer, axis, inner),
          "sum_axis");
}

void CudaKernels::repeat_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) {
  const Index n = outer * axis * inner;
  if (n == 0) return;
  check(launch({dim3(blocks_for(n, block_threads)), dim3(block_threads), 0, stream()}, repeat_axis_kernel, x, out, n,
               axis, inner),
        "repeat_axis");
}

void CudaKernels::copy_rows(const Real* x, Index x_stride, Real* out, Index out_stride, Index rows, Index cols) {
  if (rows == 0 || cols == 0) return;
  const bool fits = (cols | x_stride | out_stride) % pack_width == 0 && aligned(x, out);
  with_width(fits, [&](auto width) {
    check(launch(row_grid(rows, (cols + width() - 1) / width(), stream()), copy_rows_kernel<width()>, x, x_stride, out,
                 out_stride, rows, cols),
          "copy_rows");
  });
}

void CudaKernels::permute(const Real* x, Real* out, const Shape& shape, const int* order) {
  const Index n = shape.size();
  if (n == 0) return;
  if (n > 0xffffffff) throw CudaError("permute: 2^32 numbers or more are too many");
  Walk walk;
  walk.rank = shape.rank();
  Index stride[Shape::max_rank] = {};
  Index run = 1;
  for (int a = walk.rank - 1; a >= 0; --a) {
    stride[a] = run;
    run *= shape[a];
  }
  for (int a = 0; a < walk.rank; ++a) {
    walk.extent[a] = static_cast<unsigned>(shape[order[a]]);
    walk.step[a] = stride[order[a]];
  }
  check(launch({dim3(blocks_for(n, block_threads)), dim3(block_threads), 0, stream()}, permute_kernel, x, out, walk,
               static_cast<unsigned>(n)),
        "permute");
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
