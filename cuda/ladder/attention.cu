/// @file
/// Attention, four times: o = softmax(q kᵀ / √width) v for each head, without masks. Heads lie one after another,
/// [heads, length, width], and are 64 wide.
#include "ladder/ladder.hpp"

namespace tenfold::inline TENFOLD_ON::ladder {
namespace {

constexpr int width = 64;

/// What one call works on, as the kernels get it.
template <template <class> class Pointer>
struct Heads {
  Pointer<const float> q, k, v;  ///< [heads, length, width]
  Pointer<float> o;              ///< likewise
  int length;                    ///< queries, and keys
  float scale;                   ///< 1 / √width
  /// Where row `row` of head blockIdx.y begins.
  __device__ std::ptrdiff_t at(int row) const {
    return (static_cast<std::ptrdiff_t>(blockIdx.y) * length + row) * width;
  }
};

/// v1, first of three: a thread per score, all of them stored: [heads, length, length].
template <template <class> class Pointer>
__global__ void scores(Heads<Pointer> h, Pointer<float> s) {
  const int key = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), query = static_cast<int>(blockIdx.z);
  if (key >= h.length) return;
  float sum = 0;
  for (int d = 0; d < width; ++d) sum += h.q[h.at(query) + d] * h.k[h.at(key) + d];
  s[(static_cast<std::ptrdiff_t>(blockIdx.y) * h.length + query) * h.length + key] = sum * h.scale;
}
/// v1, second: softmax along each row of scores, in place, a thread per row.
template <template <class> class Pointer>
__global__ void weights(Heads<Pointer> h, Pointer<float> s) {
  const int query = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (query >= h.length) return;
  const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(blockIdx.y) * h.length + query) * h.length;
  float largest = -INFINITY, total = 0;
  for (int c = 0; c < h.length; ++c) largest = fmaxf(largest, s[at + c]);
  for (int c = 0; c < h.length; ++c) total += expf(s[at + c] - largest);
  for (int c = 0; c < h.length; ++c) s[at + c] = expf(s[at + c] - largest) / total;
}
/// v1, third: a thread per number of the result.
template <template <class> class Pointer>
__global__ void weighted(Heads<Pointer> h, Pointer<float> s) {
  const int d = static_cast<int>(threadIdx.x), query = static_cast<int>(blockIdx.z);
  const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(blockIdx.y) * h.length + query) * h.length;
  float sum = 0;
  for (int key = 0; key < h.length; ++key) sum += s[at + key] * h.v[h.at(key) + d];
  h.o[h.at(query) + d] = sum;
}

/// v2: a thread per query goes through the keys once, and no score is stored: when a larger one comes, the sum and the
/// weighted values so far are rescaled (Milakov and Gimelshein 2018; Dao et al., "FlashAttention", 2022).
template <template <class> class Pointer>
__global__ void __launch_bounds__(64) thread_per_query(Heads<Pointer> h) {
  const int query = static_cast<int>(blockIdx.x * 64 + threadIdx.x);
  if (query >= h.length) return;
  float own[width], sum[width] = {}, largest = -INFINITY, total = 0;
#pragma unroll
  for (int d = 0; d < width; ++d) own[d] = h.q[h.at(query) + d];
  for (int key = 0; key < h.length; ++key) {
    float score = 0;
#pragma unroll
    for (int d = 0; d < width; ++d) score += own[d] * h.k[h.at(key) + d];
    score *= h.scale;
    const float highest = fmaxf(largest, score), rescale = expf(largest - highest), weight = expf(score - highest);
    largest = highest;
    total = total * rescale + weight;
#pragma unroll
    for (int d = 0; d < width; ++d) sum[d] = sum[d] * rescale + weight * h.v[h.at(key) + d];
  }
#pragma unroll
  for (int d = 0; d < width; ++d) h.o[h.at(query) + d] = sum[d] / total;
}

/// Copies rows first … first + Rows - 1 of a head into a tile whose rows are `Stride` long, zeros past the last; the
/// block's threads take neighbouring numbers.
template <template <class> class Pointer, int Rows, int Stride, int Threads>
__device__ void load_tile(const Heads<Pointer>& h, Pointer<const float> from, int first, Pointer<float> tile) {
#pragma unroll 4
  for (int i = static_cast<int>(threadIdx.x); i < Rows * width; i += Threads) {
    float value = 0;
    if (first + i / width < h.length) value = from[h.at(first) + i];
    tile[i / width * Stride + i % width] = value;
  }
}

/// v3: the block's threads load keys and values together, tile by tile, into shared memory, where all 64 queries use
/// them.
template <template <class> class Pointer>
__global__ void __launch_bounds__(64) shared_tiles(Heads<Pointer> h) {
  constexpr int keys = 32;
  SHARED(float, memory, [2][keys * width]);
  const Pointer<float> tile_k(&memory[0][0]), tile_v(&memory[1][0]);
  const int query = static_cast<int>(blockIdx.x * 64 + threadIdx.x);
  float own[width], sum[width] = {}, largest = -INFINITY, total = 0;
#pragma unroll
  for (int d = 0; d < width; ++d) {
    own[d] = 0;
    if (query < h.length) own[d] = h.q[h.at(query) + d];
  }
  for (int first = 0; first < h.length; first += keys) {
    load_tile<Pointer, keys, width, 64>(h, h.k, first, tile_k);
    load_tile<Pointer, keys, width, 64>(h, h.v, first, tile_v);
    __syncthreads();
    for (int key = 0; key < keys && first + key < h.length; ++key) {
      float score = 0;
#pragma unroll
      for (int d = 0; d < width; ++d) score += own[d] * tile_k[key * width + d];
      score *= h.scale;
      const float highest = fmaxf(largest, score), rescale = expf(largest - highest), weight = expf(score - highest);
      largest = highest;
      total = total * rescale + weight;
#pragma unroll
      for (int d = 0; d < width; ++d) sum[d] = sum[d] * rescale + weight * tile_v[key * width + d];
    }
    __syncthreads();  // before the next tile takes the place of this one
  }
  if (query >= h.length) return;
#pragma unroll
  for (int d = 0; d < width; ++d) h.o[h.at(query) + d] = sum[d] / total;
}

/// v4: eight lanes share a query, and each holds 4 × 4 scores and 4 × 8 sums in registers: a load of four numbers from
/// shared memory serves four rows or columns. The engine's way, which adds masks and dropout.
template <template <class> class Pointer>
__global__ void __launch_bounds__(128) register_tiles(Heads<Pointer> h) {
  constexpr int threads = 128, groups = threads / 8, each = 4, rows = groups * each, keys = 8 * each, gap = 4;
  constexpr int stride = width + gap, weight_stride = keys + gap;  // the gap spreads the rows over the banks
  SHARED(float4, memory_q, [rows * stride / 4]);
  SHARED(float4, memory_k, [keys * stride / 4]);
  SHARED(float4, memory_v, [keys * stride / 4]);
  SHARED(float4, memory_w, [rows * weight_stride / 4]);
  const auto tile_q = pointer_as<float>(Pointer<float4>(&memory_q[0])), tile_k = pointer_as<float>(Pointer<float4>(&memory_k[0]));
  const auto tile_v = pointer_as<float>(Pointer<float4>(&memory_v[0])), tile_w = pointer_as<float>(Pointer<float4>(&memory_w[0]));
  const int lane = static_cast<int>(threadIdx.x) % 8, group = static_cast<int>(threadIdx.x) / 8;
  const int first_row = static_cast<int>(blockIdx.x) * rows;
  load_tile<Pointer, rows, stride, threads>(h, h.q, first_row, tile_q);
  float sum[each][8] = {}, largest[each], total[each] = {};
#pragma unroll
  for (int i = 0; i < each; ++i) largest[i] = -INFINITY;

  for (int first = 0; first < h.length; first += keys) {
    load_tile<Pointer, keys, stride, threads>(h, h.k, first, tile_k);
    load_tile<Pointer, keys, stride, threads>(h, h.v, first, tile_v);
    __syncthreads();
    float score[each][each] = {};  // rows group + 16 i, keys lane + 8 j
#pragma unroll 2
    for (int d = 0; d < width; d += 4) {
      float4 of_q[each], of_k[each];
#pragma unroll
      for (int i = 0; i < each; ++i) of_q[i] = pointer_as<const float4>(tile_q + (group + groups * i) * stride + d)[0];
#pragma unroll
      for (int j = 0; j < each; ++j) of_k[j] = pointer_as<const float4>(tile_k + (lane + 8 * j) * stride + d)[0];
#pragma unroll
      for (int i = 0; i < each; ++i)
#pragma unroll
        for (int j = 0; j < each; ++j)
          score[i][j] += of_q[i].x * of_k[j].x + of_q[i].y * of_k[j].y + of_q[i].z * of_k[j].z + of_q[i].w * of_k[j].w;
    }
#pragma unroll
    for (int i = 0; i < each; ++i) {
      float highest = largest[i];
#pragma unroll
      for (int j = 0; j < each; ++j) {
        score[i][j] = first + lane + 8 * j < h.length ? score[i][j] * h.scale : -INFINITY;
        highest = fmaxf(highest, score[i][j]);
      }
#pragma unroll
      for (int bit = 4; bit > 0; bit /= 2) highest = fmaxf(highest, __shfl_xor_sync(0xffffffffu, highest, bit));
      const float rescale = expf(largest[i] - highest);
      largest[i] = highest;
      total[i] *= rescale;
#pragma unroll
      for (int n = 0; n < 8; ++n) sum[i][n] *= rescale;
#pragma unroll
      for (int j = 0; j < each; ++j) {
        const float weight = expf(score[i][j] - highest);
        total[i] += weight;
        tile_w[(group + groups * i) * weight_stride + lane + 8 * j] = weight;
      }
    }
    __syncwarp();  // a row's weights come from lanes of one warp
#pragma unroll 2
    for (int key = 0; key < keys; key += 4) {
      float4 of_w[each];
#pragma unroll
      for (int i = 0; i < each; ++i)
        of_w[i] = pointer_as<const float4>(tile_w + (group + groups * i) * weight_stride + key)[0];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        // Numbers 4 lane … and 32 + 4 lane … of a head.
        const float4 v0 = pointer_as<const float4>(tile_v + (key + e) * stride)[lane];
        const float4 v1 = pointer_as<const float4>(tile_v + (key + e) * stride)[8 + lane];
        const float of_v[8] = {v0.x, v0.y, v0.z, v0.w, v1.x, v1.y, v1.z, v1.w};
#pragma unroll
        for (int i = 0; i < each; ++i) {
          const float weight = e == 0 ? of_w[i].x : e == 1 ? of_w[i].y : e == 2 ? of_w[i].z : of_w[i].w;
#pragma unroll
          for (int n = 0; n < 8; ++n) sum[i][n] += weight * of_v[n];
        }
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < each; ++i) {
    float whole = total[i];
#pragma unroll
    for (int bit = 4; bit > 0; bit /= 2) whole += __shfl_xor_sync(0xffffffffu, whole, bit);
    const int query = first_row + group + groups * i;
    if (query >= h.length) continue;
    const auto to = pointer_as<float4>(h.o + h.at(query));
    to[lane] = make_float4(sum[i][0] / whole, sum[i][1] / whole, sum[i][2] / whole, sum[i][3] / whole);
    to[8 + lane] = make_float4(sum[i][4] / whole, sum[i][5] / whole, sum[i][6] / whole, sum[i][7] / whole);
  }
}

template <template <class> class Pointer>
Heads<Pointer> heads(const Arrays& a) {
  return {Pointer<const float>(a.in[0]), Pointer<const float>(a.in[1]), Pointer<const float>(a.in[2]),
          Pointer<float>(a.out), a.extents.rows, 0.125f};
}
/// A grid of blocks of `per_block` rows, for each head.
dim3 grid(const Arrays& a, int per_block) {
  return dim3(blocks(a.extents.rows, per_block).x, static_cast<unsigned>(a.extents.depth));
}

template <template <class> class Pointer>
void stored_scores(const Arrays& a) {
  const Heads<Pointer> h = heads<Pointer>(a);
  const Pointer<float> s(a.scratch);
  const auto length = static_cast<unsigned>(a.extents.rows), count = static_cast<unsigned>(a.extents.depth);
  must(launch({dim3(blocks(a.extents.rows, 64).x, count, length), dim3(64)}, scores<Pointer>, h, s), "scores");
  must(launch({grid(a, 64), dim3(64)}, weights<Pointer>, h, s), "weights");
  must(launch({dim3(1, count, length), dim3(width)}, weighted<Pointer>, h, s), "weighted");
}

}  // namespace

template <template <class> class Pointer>
std::vector<Version> attention_versions() {
  return {
      {"v1", "all scores stored", stored_scores<Pointer>},
      {"v2", "a thread per query, nothing stored", [](const Arrays& a) {
         must(launch({grid(a, 64), dim3(64)}, thread_per_query<Pointer>, heads<Pointer>(a)), "attention v2");
       }},
      {"v3", "tiles in shared memory", [](const Arrays& a) {
         must(launch({grid(a, 64), dim3(64)}, shared_tiles<Pointer>, heads<Pointer>(a)), "attention v3");
       }},
      {"v4", "tiles in registers", [](const Arrays& a) {
         must(launch({grid(a, 64), dim3(128)}, register_tiles<Pointer>, heads<Pointer>(a)), "attention v4");
       }},
  };
}

template std::vector<Version> attention_versions<Plain>();
#if !defined(__CUDACC__)
template std::vector<Version> attention_versions<Counted>();
#endif

}  // namespace tenfold::inline TENFOLD_ON::ladder
