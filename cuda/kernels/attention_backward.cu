/// @file
/// The gradient of attention, again without a matrix of weights: they are made once more, tile by tile, from the log of
/// each row's sum that the forward pass kept, p = exp(score - log_sum). The formulas are derived beside
/// ReferenceKernels::attention_backward (Dao et al., "FlashAttention", 2022, appendix B.2):
///   dv_j = Σ_i p_ij r_ij do_i,  ds_ij = p_ij (r_ij do_i·v_j - delta_i),  delta_i = do_i·o_i,
///   dq_i = scale Σ_j ds_ij k_j,  dk_j = scale Σ_i ds_ij q_i,
/// with r the dropout's scale where a weight is kept and 0 elsewhere.
///
/// Three kernels: the deltas; dq, a block for a tile of queries going through the keys; dk and dv, a block for a tile
/// of keys going through the queries. The scores are so computed twice, but no two blocks add to one number: the order
/// of every sum is fixed, and atomics are not needed.
#include <cmath>
#include <type_traits>

#include "cuda_kernels.hpp"
#include "kernels/attention_tile.cuh"
#include "kernels/attention_wide.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// What backward reads and writes.
struct Gradients : AttentionGradients {
  Real* delta;  // [batch, heads, queries]
};

constexpr int delta_threads = 256;
/// Blocks that a multiprocessor should have registers for. Left to itself, ptxas wants as many as there is shared
/// memory for, and spills.
constexpr int blocks_at_once = 4;

/// delta, a warp for each row.
__global__ void __launch_bounds__(delta_threads) sum_deltas(AttentionCall a, Gradients g) {
  const Index row = Index{blockIdx.x} * (delta_threads / 32) + threadIdx.x / 32;
  if (row >= a.batch * a.heads * a.queries) return;  // the whole warp
  const Index pair = row / a.queries, query = row - pair * a.queries, batch = pair / a.heads;
  const Index at = batch * a.o.batch_stride + query * a.o.row_stride + (pair - batch * a.heads) * a.head_dim;
  Real total = 0;
  for (Index d = threadIdx.x % 32; d < a.head_dim; d += 32) total += g.grad_o[at + d] * g.o[at + d];
  total = warp_reduce(total, Plus{});
  if (threadIdx.x % 32 == 0) g.delta[row] = total;
}

/// dq: rows of a tile are queries, columns are keys.
template <class T>
__global__ void __launch_bounds__(T::threads, blocks_at_once) query_gradients(AttentionCall a, Index tiles, Gradients g) {
  using Kept = KeptTile<T::rows, T::columns>;
  SHARED(typename T::RowTile, queries);
  SHARED(typename T::RowTile, grads);
  SHARED(typename T::ColumnTile, keys);
  SHARED(typename T::ColumnTile, values);
  SHARED(typename T::WeightTile, slopes);
  SHARED(Kept, kept);

  const AttentionPart part = AttentionPart::of_block(a, tiles);
  const Index first = part.tile * T::rows, row = part.first_row + first;
  const Index at_k = part.place(a.k, a), at_v = part.place(a.v, a);
  const int head_dim = static_cast<int>(a.head_dim);
  queries.template load<T::threads>(g.q + part.place(a.q, a), a.q.row_stride, first, a.queries, head_dim);
  grads.template load<T::threads>(g.grad_o + part.place(a.o, a), a.o.row_stride, first, a.queries, head_dim);
  const Index last = first + T::rows < a.queries ? first + T::rows - 1 : a.queries - 1;
  const int limit = visible_count(a, part.batch, last);

  typename T::Sums dq;
  T::clear(dq);
  Real log_sum[T::RowsEach], delta[T::RowsEach];
  int seen[T::RowsEach];
#pragma unroll
  for (int i = 0; i < T::RowsEach; ++i) {
    const bool there = first + T::row(i) < a.queries;
    seen[i] = there ? visible_count(a, part.batch, first + T::row(i)) : 0;
    log_sum[i] = there ? g.log_sums[row + T::row(i)] : 0;
    delta[i] = there ? g.delta[row + T::row(i)] : 0;
  }

  for (int key = 0; key < limit; key += T::columns) {
    keys.template load<T::threads>(g.k + at_k, a.k.row_stride, key, limit, head_dim);
    values.template load<T::threads>(g.v + at_v, a.v.row_stride, key, limit, head_dim);
    if (a.dropout.threshold > 0) kept.template load<T::threads>(a, row, key);
    __syncthreads();
    typename T::Products score, dweight;
    T::dot_products(queries, keys, score);
    T::dot_products(grads, values, dweight);
#pragma unroll
    for (int i = 0; i < T::RowsEach; ++i)
#pragma unroll
      for (int j = 0; j < T::ColumnsEach; ++j) {
        const Real p = std::exp(a.scale * score[i][j] - log_sum[i]);
        const bool keep = a.dropout.threshold == 0 || kept.keeps(a, row, key, T::row(i), T::column(j));
        const Real slope = p * ((keep ? a.kept_scale * dweight[i][j] : 0) - delta[i]);
        slopes.at[T::row(i)][T::column(j)] = key + T::column(j) < seen[i] ? slope : 0;
      }
    __syncwarp();  // a row's slopes come from lanes of one warp
    T::add_products(slopes, keys, dq);
    __syncthreads();  // before the next tile takes the place of this one
  }

  Real* to = g.dq + part.place(a.q, a);
#pragma unroll
  for (int i = 0; i < T::RowsEach; ++i)
    if (first + T::row(i) < a.queries) T::store(dq, i, a.scale, to + (first + T::row(i)) * a.q.row_stride, head_dim);
}

/// dk and dv: rows of a tile are keys, columns are queries.
template <class T>
__global__ void __launch_bounds__(T::threads, blocks_at_once) key_gradients(AttentionCall a, Index tiles, Gradients g) {
  using Kept = KeptTile<T::columns, T::rows>;
  SHARED(typename T::RowTile, keys);
  SHARED(typename T::RowTile, values);
  SHARED(typename T::ColumnTile, queries);
  SHARED(typename T::ColumnTile, grads);
  SHARED(typename T::WeightTile, weights);
  SHARED(typename T::WeightTile, slopes);
  SHARED(Kept, kept);

  const AttentionPart part = AttentionPart::of_block(a, tiles);
  const int key = static_cast<int>(part.tile * T::rows), head_dim = static_cast<int>(a.head_dim);
  const Index at_q = part.place(a.q, a), at_o = part.place(a.o, a);
  const int limit = a.queries > 0 ? visible_count(a, part.batch, a.queries - 1) : 0;
  keys.template load<T::threads>(g.k + part.place(a.k, a), a.k.row_stride, key, limit, head_dim);
  values.template load<T::threads>(g.v + part.place(a.v, a), a.v.row_stride, key, limit, head_dim);

  typename T::Sums dk, dv;
  T::clear(dk);
  T::clear(dv);
  for (Index first = 0; first < a.queries; first += T::columns) {
    // What the last of these queries does not see, none of them does.
    const Index last = first + T::columns < a.queries ? first + T::columns - 1 : a.queries - 1;
    if (visible_count(a, part.batch, last) <= key) continue;  // the whole block
    const Index row = part.first_row + first;
    queries.template load<T::threads>(g.q + at_q, a.q.row_stride, first, a.queries, head_dim);
    grads.template load<T::threads>(g.grad_o + at_o, a.o.row_stride, first, a.queries, head_dim);
    if (a.dropout.threshold > 0) kept.template load<T::threads>(a, row, key);
    __syncthreads();
    typename T::Products score, dweight;
    T::dot_products(keys, queries, score);
    T::dot_products(values, grads, dweight);
#pragma unroll
    for (int j = 0; j < T::ColumnsEach; ++j) {
      const int query = T::column(j);
      const bool there = first + query < a.queries;
      const int seen = there ? visible_count(a, part.batch, first + query) : 0;
      const Real log_sum = there ? g.log_sums[row + query] : 0, delta = there ? g.delta[row + query] : 0;
#pragma unroll
      for (int i = 0; i < T::RowsEach; ++i) {
        const bool visible = key + T::row(i) < seen;
        const Real p = std::exp(a.scale * score[i][j] - log_sum);
        const bool keep = a.dropout.threshold == 0 || kept.keeps(a, row, key, query, T::row(i));
        const Real slope = p * ((keep ? a.kept_scale * dweight[i][j] : 0) - delta);
        weights.at[T::row(i)][query] = visible && keep ? p * a.kept_scale : 0;
        slopes.at[T::row(i)][query] = visible ? slope : 0;
      }
    }
    __syncwarp();  // a row's weights come from lanes of one warp
    T::add_products(weights, grads, dv);
    T::add_products(slopes, queries, dk);
    __syncthreads();  // before the next tile takes the place of this one
  }

  Real *to_k = g.dk + part.place(a.k, a), *to_v = g.dv + part.place(a.v, a);
#pragma unroll
  for (int i = 0; i < T::RowsEach; ++i) {
    if (key + T::row(i) >= a.keys) continue;
    T::store(dk, i, a.scale, to_k + (key + T::row(i)) * a.k.row_stride, head_dim);
    T::store(dv, i, 1, to_v + (key + T::row(i)) * a.v.row_stride, head_dim);
  }
}

/// Queues all for heads of up to `Width`, with as large tiles as 48 KiB hold: two of rows, two of columns, and one or
/// two of weights.
template <int Width>
void queue_backward_width(const Attention& a, const Gradients& g, cudaStream_t stream) {
  constexpr int bytes = Width * static_cast<int>(sizeof(Real));
  using T = std::conditional_t<bytes <= 256 && Width * sizeof(Real) * sizeof(Real) <= 1024, Tiling<Width, 16, 2, 4>,
                               std::conditional_t<bytes <= 512, Tiling<Width, 16, 1, 2>, Tiling<Width, 8, 1, 1>>>;
  const AttentionCall call(a);
  const Index rows = a.batch * a.heads * a.queries;
  const Index query_tiles = (a.queries + T::rows - 1) / T::rows, key_tiles = (a.keys + T::rows - 1) / T::rows;
  const auto grid = [&](Index tiles) { return dim3(static_cast<unsigned>(tiles * a.heads * a.batch)); };
  if (rows > 0) {
    const dim3 delta_grid(static_cast<unsigned>((rows + delta_threads / 32 - 1) / (delta_threads / 32)));
    check(launch({delta_grid, dim3(delta_threads), 0, stream}, sum_deltas, call, g), "attention_backward");
    check(launch({grid(query_tiles), dim3(T::threads), 0, stream}, query_gradients<T>, call, query_tiles, g),
          "attention_backward");
  }
  if (a.batch * a.heads * a.keys > 0)
    check(launch({grid(key_tiles), dim3(T::threads), 0, stream}, key_gradients<T>, call, key_tiles, g),
          "attention_backward");
}

}  // namespace

void CudaKernels::attention_backward(const Attention& a, const Real* q, const Real* k, const Real* v, const Real* o,
                                     const Real* log_sums, const Real* grad_o, Real* dq, Real* dk, Real* dv) {
  const auto rows = static_cast<std::size_t>(a.batch * a.heads * a.queries);
  if (a.head_dim > widest_tile) {
    const std::size_t bytes = rows * static_cast<std::size_t>(a.keys) * sizeof(WideWeight);
    return queue_wide_attention_backward(a, {q, k, v, o, log_sums, grad_o, dq, dk, dv},
                                         static_cast<WideWeight*>(scratch(bytes)), stream());
  }
  auto* delta = static_cast<Real*>(scratch(rows * sizeof(Real)));
  const Gradients g{{q, k, v, o, log_sums, grad_o, dq, dk, dv}, delta};
  const auto queue_any = a.head_dim <= 16   ? queue_backward_width<16>
                         : a.head_dim <= 32 ? queue_backward_width<32>
                         : a.head_dim <= 64 ? queue_backward_width<64>
                                            : queue_backward_width<128>;
  queue_any(a, g, stream());
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
