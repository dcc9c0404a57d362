// Attention of wide heads, a warp for each row; the formulas are those of attention_backward.cu.
#include "kernels/attention_wide.cuh"

#include <cmath>

#include "cuda_kernels.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// This warp's row of [batch, heads, count], `count` of queries or of keys.
struct WarpRow {
  AttentionPart part;
  Index number, place;  // among all, and of its head

  __device__ static WarpRow of_warp(const Attention& a, Index count) {
    const Index number = Index{blockIdx.x} * (block_threads / warp_size) + threadIdx.x / warp_size,
                pair = number / count;
    return {{pair / a.heads, pair % a.heads, pair * a.queries, 0}, number, number % count};
  }
  __device__ bool exists(const Attention& a) const { return part.batch < a.batch; }
};

__device__ int lane() { return static_cast<int>(threadIdx.x) % warp_size; }

/// x·y, in every lane.
__device__ Real dot(const Real* x, const Real* y, Index n) {
  Real total = 0;
  for (Index i = lane(); i < n; i += warp_size) total += x[i] * y[i];
  return warp_reduce(total, Plus{});
}

__device__ bool is_kept(const Attention& a, Index element) {
  return a.dropout.threshold == 0 || keeps(a.dropout, element);
}

__global__ void __launch_bounds__(block_threads)
    attend_wide(AttentionCall a, const Real* __restrict__ q, const Real* __restrict__ k, const Real* __restrict__ v,
                Real* __restrict__ o, Real* __restrict__ log_sums, Real* weights) {
  const WarpRow row = WarpRow::of_warp(a, a.queries);
  if (!row.exists(a)) return;  // the whole warp
  const int seen = visible_count(a, row.part.batch, row.place);
  const Real* query = q + row.part.place(a.q, a) + row.place * a.q.row_stride;
  k += row.part.place(a.k, a);
  v += row.part.place(a.v, a);
  weights += row.number * a.keys;

  Real largest = Larger::none();
  for (int key = 0; key < seen; ++key) {
    const Real score = a.scale * dot(query, k + key * a.k.row_stride, a.head_dim);
    largest = Larger{}(largest, score);
    if (key % warp_size == lane()) weights[key] = score;
  }
  // Each lane goes on with the scores that it has written itself.
  Real total = 0;
  for (int key = lane(); key < seen; key += warp_size) total += weights[key] = std::exp(weights[key] - largest);
  total = warp_reduce(total, Plus{});
  for (int key = lane(); key < seen; key += warp_size)
    weights[key] = is_kept(a, row.number * a.keys + key) ? weights[key] * a.kept_scale / total : 0;
  __syncwarp();

  o += row.part.place(a.o, a) + row.place * a.o.row_stride;
  for (Index d = lane(); d < a.head_dim; d += warp_size) {
    Real sum = 0;
    for (int key = 0; key < seen; ++key) sum += weights[key] * v[key * a.v.row_stride + d];
    o[d] = sum;
  }
  if (lane() == 0) log_sums[row.number] = seen > 0 ? largest + std::log(total) : 0;
}

/// Weights and slopes of a query, and its dq.
__global__ void __launch_bounds__(block_threads)
    wide_query_gradients(AttentionCall a, AttentionGradients g, WideWeight* weights) {
  const WarpRow row = WarpRow::of_warp(a, a.queries);
  if (!row.exists(a)) return;  // the whole warp
  const int seen = visible_count(a, row.part.batch, row.place);
  const Index at_q = row.part.place(a.q, a) + row.place * a.q.row_stride;
  const Index at_o = row.part.place(a.o, a) + row.place * a.o.row_stride;
  const Real *k = g.k + row.part.place(a.k, a), *v = g.v + row.part.place(a.v, a);
  const Real delta = dot(g.grad_o + at_o, g.o + at_o, a.head_dim), log_sum = g.log_sums[row.number];
  weights += row.number * a.keys;

  for (int key = 0; key < seen; ++key) {
    const Real score = a.scale * dot(g.q + at_q, k + key * a.k.row_stride, a.head_dim);
    const Real dweight = dot(g.grad_o + at_o, v + key * a.v.row_stride, a.head_dim);
    if (key % warp_size != lane()) continue;
    const Real p = std::exp(score - log_sum), kept = is_kept(a, row.number * a.keys + key) ? a.kept_scale : 0;
    weights[key] = {p * kept, p * (kept * dweight - delta)};
  }
  __syncwarp();

  for (Index d = lane(); d < a.head_dim; d += warp_size) {
    Real sum = 0;
    for (int key = 0; key < seen; ++key) sum += weights[key].slope * k[key * a.k.row_stride + d];
    g.dq[at_q + d] = a.scale * sum;
  }
}

/// dk and dv of a key, from all the queries that see it.
__global__ void __launch_bounds__(block_threads)
    wide_key_gradients(AttentionCall a, AttentionGradients g, const WideWeight* weights) {
  const WarpRow row = WarpRow::of_warp(a, a.keys);
  if (!row.exists(a)) return;
  const Real *q = g.q + row.part.place(a.q, a), *grad_o = g.grad_o + row.part.place(a.o, a);
  Real* dk = g.dk + row.part.place(a.k, a) + row.place * a.k.row_stride;
  Real* dv = g.dv + row.part.place(a.v, a) + row.place * a.v.row_stride;
  weights += row.part.first_row * a.keys + row.place;
  Index first = 0;  // later queries see at least as much
  while (first < a.queries && visible_count(a, row.part.batch, first) <= row.place) ++first;

  for (Index d = lane(); d < a.head_dim; d += warp_size) {
    Real sum_k = 0, sum_v = 0;
    for (Index query = first; query < a.queries; ++query) {
      const WideWeight w = weights[query * a.keys];
      sum_k += w.slope * q[query * a.q.row_stride + d];
      sum_v += w.weight * grad_o[query * a.o.row_stride + d];
    }
    dk[d] = a.scale * sum_k;
    dv[d] = sum_v;
  }
}

/// A warp for each of `rows`.
LaunchShape warps_for(Index rows, cudaStream_t stream) {
  constexpr Index in_block = block_threads / warp_size;
  return {dim3(static_cast<unsigned>((rows + in_block - 1) / in_block)), dim3(block_threads), 0, stream};
}

}  // namespace

void queue_wide_attention(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums,
                          Real* weights, cudaStream_t stream) {
  check(launch(warps_for(a.batch * a.heads * a.queries, stream), attend_wide, AttentionCall(a), q, k, v, o, log_sums,
               weights),
        "attention");
}

void queue_wide_attention_backward(const Attention& a, const AttentionGradients& g, WideWeight* weights,
                                   cudaStream_t stream) {
  const AttentionCall call(a);
  const Index queries = a.batch * a.heads * a.queries, keys = a.batch * a.heads * a.keys;
  if (queries > 0)
    check(launch(warps_for(queries, stream), wide_query_gradients, call, g, weights), "attention_backward");
  if (keys > 0) check(launch(warps_for(keys, stream), wide_key_gradients, call, g, weights), "attention_backward");
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
