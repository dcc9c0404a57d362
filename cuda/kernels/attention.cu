/// @file
/// Scaled dot-product attention without the matrix of weights ever being stored (Dao et al., "FlashAttention", 2022): a
/// block takes a tile of queries and goes through the keys tile by tile, keeping for each query the largest score so
/// far, the sum of exp(score - largest) and the weighted sum of values. When a tile brings a larger score, both sums
/// are rescaled (Milakov and Gimelshein 2018). Tiles that the mask hides from all the queries are left out.
#include <cmath>
#include <type_traits>

#include "cuda_kernels.hpp"
#include "kernels/attention_tile.cuh"
#include "kernels/attention_wide.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// Three blocks at once leave each thread 168 registers; left to itself, ptxas wants as many as there is shared memory
/// for, and on some cards spills.
template <class T>
__global__ void __launch_bounds__(T::threads, 3)
    attend(AttentionCall a, Index tiles, const Real* __restrict__ q, const Real* __restrict__ k,
           const Real* __restrict__ v, Real* __restrict__ o, Real* __restrict__ log_sums) {
  using Kept = KeptTile<T::rows, T::columns>;
  SHARED(typename T::RowTile, queries);
  SHARED(typename T::ColumnTile, keys);
  SHARED(typename T::ColumnTile, values);
  SHARED(typename T::WeightTile, weights);
  SHARED(Kept, kept);

  const AttentionPart part = AttentionPart::of_block(a, tiles);
  const Index first = part.tile * T::rows, at_k = part.place(a.k, a), at_v = part.place(a.v, a);
  const int head_dim = static_cast<int>(a.head_dim);
  queries.template load<T::threads>(q + part.place(a.q, a), a.q.row_stride, first, a.queries, head_dim);
  // Later queries see at least as much, so the tile's last says how far the tile must go.
  const Index last = first + T::rows < a.queries ? first + T::rows - 1 : a.queries - 1;
  const int limit = visible_count(a, part.batch, last);

  typename T::Sums sums;
  T::clear(sums);
  Real largest[T::RowsEach], total[T::RowsEach];
  int seen[T::RowsEach];
#pragma unroll
  for (int i = 0; i < T::RowsEach; ++i) {
    const Index query = first + T::row(i);
    seen[i] = query < a.queries ? visible_count(a, part.batch, query) : 0;
    largest[i] = Larger::none();
    total[i] = 0;
  }

  for (int key = 0; key < limit; key += T::columns) {
    keys.template load<T::threads>(k + at_k, a.k.row_stride, key, limit, head_dim);
    values.template load<T::threads>(v + at_v, a.v.row_stride, key, limit, head_dim);
    if (a.dropout.threshold > 0) kept.template load<T::threads>(a, part.first_row + first, key);
    __syncthreads();
    typename T::Products score;
    T::dot_products(queries, keys, score);
#pragma unroll
    for (int i = 0; i < T::RowsEach; ++i) {
      Real highest = largest[i];
#pragma unroll
      for (int j = 0; j < T::ColumnsEach; ++j) {
        score[i][j] *= a.scale;
        if (key + T::column(j) < seen[i]) highest = Larger{}(highest, score[i][j]);
      }
      highest = warp_reduce<8>(highest, Larger{});
      // Equal also when the row has seen nothing yet: -∞ - -∞ would be no number.
      const Real rescale = highest == largest[i] ? 1 : std::exp(largest[i] - highest);
      largest[i] = highest;
      total[i] *= rescale;
#pragma unroll
      for (int n = 0; n < T::dims; ++n) sums[i][n] *= rescale;
#pragma unroll
      for (int j = 0; j < T::ColumnsEach; ++j) {
        Real weight = key + T::column(j) < seen[i] ? std::exp(score[i][j] - highest) : 0;
        total[i] += weight;
        if (a.dropout.threshold > 0 && !kept.keeps(a, part.first_row + first, key, T::row(i), T::column(j))) weight = 0;
        weights.at[T::row(i)][T::column(j)] = weight;
      }
    }
    __syncwarp();  // a row's weights come from lanes of one warp
    T::add_products(weights, values, sums);
    __syncthreads();  // before the next tile takes the place of this one
  }

#pragma unroll
  for (int i = 0; i < T::RowsEach; ++i) {
    const Real whole = warp_reduce<8>(total[i], Plus{});  // each lane has added up its own columns
    const Index query = first + T::row(i);
    if (query >= a.queries) continue;
    Real* to = o + part.place(a.o, a) + query * a.o.row_stride;
    T::store(sums, i, seen[i] > 0 ? a.kept_scale / whole : 0, to, head_dim);
    if (T::column(0) == 0) log_sums[part.first_row + query] = seen[i] > 0 ? largest[i] + std::log(whole) : 0;
  }
}

/// Queues the kernel for one way to tile.
template <class T>
cudaError_t queue_tiling(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums,
                         cudaStream_t stream) {
  const Index tiles = (a.queries + T::rows - 1) / T::rows;
  const dim3 grid(static_cast<unsigned>(tiles * a.heads * a.batch));
  return launch({grid, dim3(T::threads), 0, stream}, attend<T>, AttentionCall(a), tiles, q, k, v, o, log_sums);
}

/// Queues it for heads of up to `Width`: as large tiles as 48 KiB hold, or smaller ones where
/// there are few queries (one, or as many as there are beams, when words are generated one by one).
template <int Width>
void queue_width(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums,
                 cudaStream_t stream) {
  constexpr int bytes = Width * static_cast<int>(sizeof(Real));
  using Few = Tiling<Width, 8, 1, bytes <= 512 ? 4 : 2>;
  using Many = std::conditional_t<
      bytes <= 256 && Width * sizeof(Real) * sizeof(Real) <= 1024, Tiling<Width, 16, 4, 4>,
      std::conditional_t<bytes <= 512, Tiling<Width, 16, 2, 2>, Tiling<Width, 16, 1, 1>>>;
  const auto queue = a.queries <= Few::rows ? queue_tiling<Few> : queue_tiling<Many>;
  check(queue(a, q, k, v, o, log_sums, stream), "attention");
}

}  // namespace

void CudaKernels::attention(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums) {
  const Index rows = a.batch * a.heads * a.queries;
  if (rows == 0) return;
  if (a.head_dim > widest_tile) {
    auto* weights = static_cast<Real*>(scratch(static_cast<std::size_t>(rows * a.keys) * sizeof(Real)));
    return queue_wide_attention(a, q, k, v, o, log_sums, weights, stream());
  }
  const auto queue_any = a.head_dim <= 16   ? queue_width<16>
                         : a.head_dim <= 32 ? queue_width<32>
                         : a.head_dim <= 64 ? queue_width<64>
                                            : queue_width<128>;
  queue_any(a, q, k, v, o, log_sums, stream());
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
