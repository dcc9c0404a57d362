/// @file
/// Planted bugs in kernels that share memory between the threads of a block.
#include "planted.hpp"

namespace tenfold::planted {
namespace {

__device__ inline float warp_max(float v) {
  for (int bit = 16; bit > 0; bit >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, bit));
  return v;
}
__device__ inline float warp_sum(float v) {
  for (int bit = 16; bit > 0; bit >>= 1) v += __shfl_xor_sync(0xffffffffu, v, bit);
  return v;
}

// One block a row. The warps' results pass through one buffer twice; without a barrier between, a quick warp's sum
// overwrites a maximum that a slow warp has yet to read.
__global__ void softmax(const float* x, float* y, int cols, bool bug) {
  SHARED(float, partial, [32]);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  x += blockIdx.x * static_cast<std::size_t>(cols);
  y += blockIdx.x * static_cast<std::size_t>(cols);
  float most = -INFINITY;
  for (int c = threadIdx.x; c < cols; c += blockDim.x) most = fmaxf(most, x[c]);
  most = warp_max(most);
  if (lane == 0) partial[warp] = most;
  __syncthreads();
  most = warp_max(lane < warps ? partial[lane] : -INFINITY);
  if (!bug) __syncthreads();
  float sum = 0;
  for (int c = threadIdx.x; c < cols; c += blockDim.x) sum += expf(x[c] - most);
  sum = warp_sum(sum);
  if (lane == 0) partial[warp] = sum;
  __syncthreads();
  sum = warp_sum(lane < warps ? partial[lane] : 0);
  for (int c = threadIdx.x; c < cols; c += blockDim.x) y[c] = expf(x[c] - most) / sum;
}

void reused_buffer(bool bug) {
  const int rows = 8, cols = 301;
  const std::vector<float> x = random_values(static_cast<std::size_t>(rows) * cols);
  DeviceArray<float> in(x), out(x.size());
  must(launch({dim3(rows), dim3(128)}, softmax, in.get(), out.get(), cols, bug), "softmax");
  std::vector<double> want(x.size());
  for (int r = 0; r < rows; ++r) {
    double sum = 0;
    for (int c = 0; c < cols; ++c) sum += std::exp(static_cast<double>(x[r * cols + c]));
    for (int c = 0; c < cols; ++c) want[r * cols + c] = std::exp(static_cast<double>(x[r * cols + c])) / sum;
  }
  expect(out.download(), want);
}

// A tree: every step reads what the step before wrote.
__global__ void tree_sum(const float* x, float* sum, int n, bool bug) {
  DYN_SHARED(float, buffer);
  const int t = threadIdx.x;
  buffer[t] = t < n ? x[t] : 0;
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) buffer[t] += buffer[t + half];
    if (!bug) __syncthreads();
  }
  if (t == 0) *sum = buffer[0];
}

void tree(bool bug) {
  const std::vector<float> x = random_values(100);
  DeviceArray<float> in(x), out(1);
  must(launch({dim3(1), dim3(128), 128 * sizeof(float)}, tree_sum, in.get(), out.get(), 100, bug), "tree_sum");
  double want = 0;
  for (const float v : x) want += v;
  expect(out.download(), {want});
}

// Tiles of keys pass through shared memory as in the fused attention; the next may not come before all have read this.
__global__ void tiled_scores(const float* query, const float* keys, float* out, int count, bool bug) {
  constexpr int tile_rows = 16, dim = 8;
  SHARED(float, tile, [tile_rows][dim + 1]);
  float best = -INFINITY;
  for (int first = 0; first < count; first += tile_rows) {
    for (unsigned i = threadIdx.x; i < tile_rows * dim; i += blockDim.x) {
      const int row = first + static_cast<int>(i) / dim;
      tile[i / dim][i % dim] = row < count ? keys[row * dim + static_cast<int>(i) % dim] : 0;
    }
    __syncthreads();
    for (int r = 0; r < tile_rows && first + r < count; ++r) {
      float score = 0;
      for (int d = 0; d < dim; ++d) score += query[threadIdx.x * dim + d] * tile[r][d];
      best = fmaxf(best, score);
    }
    if (!bug) __syncthreads();
  }
  out[threadIdx.x] = best;
}

void tile(bool bug) {
  const int queries = 64, keys = 75, dim = 8;
  const std::vector<float> all = random_values(static_cast<std::size_t>(queries + keys) * dim);
  const std::vector<float> q(all.begin(), all.begin() + queries * dim), k(all.begin() + queries * dim, all.end());
  DeviceArray<float> dq(q), dk(k), out(queries);
  must(launch({dim3(1), dim3(queries)}, tiled_scores, dq.get(), dk.get(), out.get(), keys, bug), "tiled_scores");
  std::vector<double> want(queries, -INFINITY);
  for (int i = 0; i < queries; ++i)
    for (int j = 0; j < keys; ++j) {
      double score = 0;
      for (int d = 0; d < dim; ++d) score += static_cast<double>(q[i * dim + d]) * k[j * dim + d];
      want[i] = std::max(want[i], score);
    }
  expect(out.download(), want);
}

// Reverses what each block loaded.
enum class Reverse { right, exits_early, diverges };
__global__ void reverse(const float* x, float* y, int n, Reverse how) {
  SHARED(float, copy, [64]);
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (how == Reverse::exits_early && i >= n) return;
  copy[threadIdx.x] = i < n ? x[i] : 0;
  if (how == Reverse::diverges && threadIdx.x % 2 == 1)
    __syncthreads();
  else
    __syncthreads();
  if (i < n) y[i] = copy[blockDim.x - 1 - threadIdx.x];
}

void run_reverse(Reverse how) {
  const std::vector<float> x = random_values(100);
  DeviceArray<float> in(x), out(x.size());
  must(launch({dim3(2), dim3(64)}, reverse, in.get(), out.get(), 100, how), "reverse");
  std::vector<double> want(100);
  for (int i = 0; i < 100; ++i) want[i] = i < 64 ? x[63 - i] : (127 - i + 64 < 100 ? x[127 - i + 64] : 0);
  expect(out.download(), want);
}
void early_exit(bool bug) { run_reverse(bug ? Reverse::exits_early : Reverse::right); }
void divergence(bool bug) { run_reverse(bug ? Reverse::diverges : Reverse::right); }

}  // namespace

std::vector<Planted> barrier_cases() {
  return {{"no-barrier-reused-buffer", reused_buffer}, {"no-barrier-tree", tree}, {"no-barrier-tile", tile},
          {"exit-before-barrier", early_exit}, {"divergent-barrier", divergence}};
}

}  // namespace tenfold::planted
