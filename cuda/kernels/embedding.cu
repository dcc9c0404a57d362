// Rows out of a table, and their gradients back into it.
//
// The way back is a scatter: tokens that share a word add to the same row. With atomicAdd the order of the additions,
// and so the last bits, would be another each time. Instead the tokens are sorted by word first (stably, so that a row
// is summed in the order of its tokens), and each row is summed by one warp or block.
#include <algorithm>
#include <string>

#include "core/errors.hpp"
#include "cuda_kernels.hpp"
#include "kernels/pack.cuh"
#include "kernels/reduce.cuh"
#include "kernels/row_grid.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

template <int Width>
__global__ void gather_kernel(const Real* table, const std::int32_t* ids, Real scale, Real* out, Index count, Index dim) {
  const Index c = grid_column() * Width;
  if (c >= dim) return;
  for (Index r = grid_row(); r < count; r += grid_row_step()) {
    Pack<Width> row = load<Width>(table, ids[r] * dim + c);
#pragma unroll
    for (int j = 0; j < Width; ++j) row.at[j] *= scale;
    store<Width>(out, r * dim + c, row);
  }
}

constexpr int compared_at_once = 1024;

/// Sorting by counting: token i's place is the number of tokens with a smaller word, and of earlier ones with its own.
/// All pairs are compared: count² of the cheapest operations are soon done on a card, up to some ten thousand tokens.
/// A block counts for 256 tokens against 1024 others, which it holds in shared memory; `place` must be zero before.
/// Adding whole numbers gives the same in any order, so here atomicAdd may be.
__global__ void place_kernel(const std::int32_t* ids, unsigned* place, int count) {
  SHARED(std::int32_t, others, [compared_at_once]);
  const int i = static_cast<int>(blockIdx.x) * block_threads + static_cast<int>(threadIdx.x);
  const int first = static_cast<int>(blockIdx.y) * compared_at_once;
  const int there = count - first < compared_at_once ? count - first : compared_at_once;
  for (int j = static_cast<int>(threadIdx.x); j < there; j += block_threads) others[j] = ids[first + j];
  __syncthreads();
  if (i >= count) return;
  const std::int32_t mine = ids[i];
  unsigned before = 0;
#pragma unroll 4
  for (int j = 0; j < there; ++j) before += others[j] < mine || (others[j] == mine && first + j < i) ? 1 : 0;
  if (before > 0) atomicAdd(&place[i], before);
}

/// sorted[place[i]] = token i, with its word.
__global__ void sort_kernel(const std::int32_t* ids, const unsigned* place, std::int32_t* words, std::int32_t* tokens,
                            int count) {
  const int i = static_cast<int>(blockIdx.x) * block_threads + static_cast<int>(threadIdx.x);
  if (i >= count) return;
  words[place[i]] = ids[i];
  tokens[place[i]] = i;
}

/// Each lane asks for one of the 32 sorted places from `first` on, forwards or (step -1) backwards: how many in a row
/// hold `word`, from the first. All 32: it may go on beyond.
__device__ inline int run_length(const std::int32_t* words, int first, int step, int count, std::int32_t word) {
  const int at = first + step * static_cast<int>(threadIdx.x);
  const unsigned same = __ballot_sync(whole_warp, at >= 0 && at < count && words[at] == word);
  return same == whole_warp ? warp_size : __ffs(static_cast<int>(~same)) - 1;
}

/// The sum of the rows of dy that tokens[first … last) name, in this order, of columns c … c + Width.
template <int Width>
__device__ inline Pack<Width> sum_of_rows(const std::int32_t* tokens, int first, int last, const Real* dy, Index dim,
                                          Index c) {
  Pack<Width> total{};
#pragma unroll 4
  for (int t = first; t < last; ++t) {
    const Pack<Width> row = load<Width>(dy, tokens[t] * dim + c);
#pragma unroll
    for (int j = 0; j < Width; ++j) total.at[j] += row.at[j];
  }
  return total;
}

template <int Width>
__device__ inline void store_scaled(Real* dtable, std::int32_t word, Index dim, Index c, Pack<Width> total, Real scale) {
#pragma unroll
  for (int j = 0; j < Width; ++j) total.at[j] *= scale;
  store<Width>(dtable, word * dim + c, total);
}

/// Most words come once or twice. Warp k: if a run begins at the sorted place k and is shorter than 32, its row of the
/// table. blockIdx.y counts tiles of columns.
template <int Width>
__global__ void short_runs_kernel(const std::int32_t* words, const std::int32_t* tokens, const Real* dy, Real scale,
                                  Real* dtable, int count, Index dim) {
  const int k = static_cast<int>(blockIdx.x) * block_warps + static_cast<int>(threadIdx.y);
  if (k >= count) return;  // the whole warp leaves together, here and below
  const std::int32_t word = words[k];
  if (k > 0 && words[k - 1] == word) return;
  const int length = run_length(words, k, 1, count, word);
  const Index c = (static_cast<Index>(blockIdx.y) * warp_size + threadIdx.x) * Width;
  if (length == warp_size || c >= dim) return;
  store_scaled<Width>(dtable, word, dim, c, sum_of_rows<Width>(tokens, k, k + length, dy, dim, c), scale);
}

/// The others, padding above all. Every run of 32 holds a place that is a multiple of 32, so there is a block for each
/// of these: the first in a run takes it. Its eight warps take an eighth of the run each, and their sums are added in
/// that order.
template <int Width>
__global__ void long_runs_kernel(const std::int32_t* words, const std::int32_t* tokens, const Real* dy, Real scale,
                                 Real* dtable, int count, Index dim) {
  SHARED(Pack<Width>, partial, [block_warps][warp_size]);
  const int place = static_cast<int>(blockIdx.x) * warp_size;
  const std::int32_t word = words[place];
  const int before = run_length(words, place - 1, -1, count, word);
  const int start = place - before;
  if (before == warp_size || start + warp_size > count || words[start + warp_size - 1] != word)
    return;  // the whole block
  // The end of the run, by bisection: words[low - 1] is the word, words[high] is another.
  int low = start + warp_size, high = count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (words[middle] == word) low = middle + 1;
    else high = middle;
  }
  const int share = (low - start + block_warps - 1) / block_warps,
            first = start + static_cast<int>(threadIdx.y) * share;
  const int last = first + share < low ? first + share : low;
  const Index c = (static_cast<Index>(blockIdx.y) * warp_size + threadIdx.x) * Width;
  Pack<Width> total{};
  if (c < dim) total = sum_of_rows<Width>(tokens, first, last, dy, dim, c);
  partial[threadIdx.y][threadIdx.x] = total;
  __syncthreads();
  if (threadIdx.y > 0 || c >= dim) return;
  for (int y = 1; y < block_warps; ++y)
#pragma unroll
    for (int j = 0; j < Width; ++j) total.at[j] += partial[y][threadIdx.x].at[j];
  store_scaled<Width>(dtable, word, dim, c, total, scale);
}

}  // namespace

void CudaKernels::gather(const Real* table, const std::int32_t* ids, Real scale, Real* out, Index count, Index dim) {
  if (count == 0 || dim == 0) return;
  with_width(dim % pack_width == 0 && aligned(table, out), [&](auto width) {
    check(launch(row_grid(count, (dim + width() - 1) / width(), stream()), gather_kernel<width()>, table, ids, scale, out,
                 count, dim),
          "gather");
  });
}

void CudaKernels::scatter_add(const std::int32_t* ids, const Real* dy, Real scale, Real* dtable, Index count,
                              Index vocabulary, Index dim) {
  if (vocabulary == 0 || dim == 0) return;
  const auto table_bytes = static_cast<std::size_t>(vocabulary * dim) * sizeof(Real);
  check(cudaMemsetAsync(dtable, 0, table_bytes, stream()), "scatter_add");
  if (count == 0) return;
  if (count > Index{65535} * compared_at_once)
    throw CudaError("scatter_add: " + std::to_string(count) + " tokens at once are too many");
  const auto n = static_cast<int>(count);
  auto* place = static_cast<unsigned*>(scratch(static_cast<std::size_t>(count) * 3 * sizeof(std::int32_t)));
  auto* words = reinterpret_cast<std::int32_t*>(place + count);
  std::int32_t* tokens = words + count;
  check(cudaMemsetAsync(place, 0, static_cast<std::size_t>(count) * sizeof(unsigned), stream()), "scatter_add");
  const unsigned blocks = blocks_for(count, block_threads, 0x7fffffff);
  check(launch({dim3(blocks, blocks_for(count, compared_at_once)), dim3(block_threads), 0, stream()}, place_kernel, ids,
               place, n),
        "scatter_add");
  check(launch({dim3(blocks), dim3(block_threads), 0, stream()}, sort_kernel, ids, place, words, tokens, n),
        "scatter_add");
  with_width(dim % pack_width == 0 && aligned(dy, dtable), [&](auto width) {
    const unsigned across = blocks_for(dim, warp_size * width());
    const dim3 block(warp_size, block_warps);
    check(launch({dim3(blocks_for(count, block_warps, 0x7fffffff), across), block, 0, stream()},
                 short_runs_kernel<width()>, words, tokens, dy, scale, dtable, n, dim),
          "scatter_add");
    check(launch({dim3(blocks_for(count, warp_size, 0x7fffffff), across), block, 0, stream()},
                 long_runs_kernel<width()>, words, tokens, dy, scale, dtable, n, dim),
          "scatter_add");
  });
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
