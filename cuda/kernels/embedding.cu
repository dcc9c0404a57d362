// Rows out of a table, and their gradients back into it.
//
// The way back is a scatter: tokens that share a word add to the same row. With atomicAdd the order of the additions, and
// so the last bits, would be another each time. Instead the tokens are sorted by word first (stably, so that a row is
// summed in the order of its tokens), and each row is summed by one block.
#include <algorithm>

#include "core/errors.hpp"
#include "cuda_kernels.hpp"
#include "kernels/pack.cuh"
#include "kernels/row_grid.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

constexpr int threads = 256;

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

/// Sorting by counting: token i's place is the number of tokens with a smaller word, and of earlier ones with its own. All
/// pairs are compared: count² of the cheapest operations are soon done on a card, up to some ten thousand tokens.
/// A block counts for 256 tokens against 1024 others, which it holds in shared memory; `place` must be zero before.
/// Adding whole numbers gives the same in any order, so here atomicAdd may be.
__global__ void place_kernel(const std::int32_t* ids, unsigned* place, int count) {
  SHARED(std::int32_t, others, [compared_at_once]);
  const int i = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
  const int first = static_cast<int>(blockIdx.y) * compared_at_once;
  const int there = count - first < compared_at_once ? count - first : compared_at_once;
  for (int j = static_cast<int>(threadIdx.x); j < there; j += threads) others[j] = ids[first + j];
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
  const int i = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
  if (i >= count) return;
  words[place[i]] = ids[i];
  tokens[place[i]] = i;
}

constexpr int lanes_across = 32, lanes_down = 8;

/// Block (k, column tile): where a word's run of sorted tokens begins at k, its row of the table; elsewhere nothing. The
/// eight warps take an eighth of the run each, one after the other, and their sums are added in that order.
template <int Width>
__global__ void sum_runs_kernel(const std::int32_t* words, const std::int32_t* tokens, const Real* dy, Real scale,
                                Real* dtable, int count, Index dim) {
  SHARED(Pack<Width>, partial, [lanes_down][lanes_across]);
  const int k = static_cast<int>(blockIdx.x);
  const std::int32_t word = words[k];
  if (k > 0 && words[k - 1] == word) return;  // the whole block leaves together
  // The end of the run, by bisection: words[low - 1] <= word < words[high].
  int low = k + 1, high = count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (words[middle] == word) low = middle + 1;
    else high = middle;
  }
  const int length = low - k, share = (length + lanes_down - 1) / lanes_down;
  const int first = k + static_cast<int>(threadIdx.y) * share, last = first + share < low ? first + share : low;
  const Index c = (static_cast<Index>(blockIdx.y) * lanes_across + threadIdx.x) * Width;
  Pack<Width> total{};
  if (c < dim) {
#pragma unroll 4
    for (int t = first; t < last; ++t) {
      const Pack<Width> row = load<Width>(dy, tokens[t] * dim + c);
#pragma unroll
      for (int j = 0; j < Width; ++j) total.at[j] += row.at[j];
    }
  }
  partial[threadIdx.y][threadIdx.x] = total;
  __syncthreads();
  if (threadIdx.y > 0 || c >= dim) return;
  for (int y = 1; y < lanes_down; ++y)
#pragma unroll
    for (int j = 0; j < Width; ++j) total.at[j] += partial[y][threadIdx.x].at[j];
#pragma unroll
  for (int j = 0; j < Width; ++j) total.at[j] *= scale;
  store<Width>(dtable, word * dim + c, total);
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
  if (count > 0x7fffffff) throw CudaError("scatter_add: more than 2^31 tokens are too many");
  const auto n = static_cast<int>(count);
  auto* place = static_cast<unsigned*>(scratch(static_cast<std::size_t>(count) * 3 * sizeof(std::int32_t)));
  auto* words = reinterpret_cast<std::int32_t*>(place + count);
  std::int32_t* tokens = words + count;
  check(cudaMemsetAsync(place, 0, static_cast<std::size_t>(count) * sizeof(unsigned), stream()), "scatter_add");
  const unsigned blocks = blocks_for(count, threads);
  check(launch({dim3(blocks, blocks_for(count, compared_at_once)), dim3(threads), 0, stream()}, place_kernel, ids, place, n),
        "scatter_add");
  check(launch({dim3(blocks), dim3(threads), 0, stream()}, sort_kernel, ids, place, words, tokens, n), "scatter_add");
  with_width(dim % pack_width == 0 && aligned(dy, dtable), [&](auto width) {
    const dim3 grid(static_cast<unsigned>(n), blocks_for(dim, lanes_across * width()));
    check(launch({grid, dim3(lanes_across, lanes_down), 0, stream()}, sum_runs_kernel<width()>, words, tokens, dy, scale,
                 dtable, n, dim),
          "scatter_add");
  });
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
