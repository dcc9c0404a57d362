/// @file
/// Softmax along the rows of a matrix, six times. All of them subtract the row's largest value first.
#include "ladder/ladder.hpp"

namespace tenfold::inline TENFOLD_ON::ladder {
namespace {

constexpr int block_threads = 256;
constexpr float below_all = -INFINITY;

/// v1: a thread per row, three passes. Neighbouring threads are a whole row apart, so each load of a warp touches 32
/// different pieces of memory.
template <template <class> class Pointer>
__global__ void thread_per_row(Pointer<const float> x, Pointer<float> y, int rows, int cols) {
  const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (row >= rows) return;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * cols;
  float largest = below_all, total = 0;
  for (int c = 0; c < cols; ++c) largest = fmaxf(largest, x[at + c]);
  for (int c = 0; c < cols; ++c) total += expf(x[at + c] - largest);
  for (int c = 0; c < cols; ++c) y[at + c] = expf(x[at + c] - largest) / total;
}

/// Combines one value of each thread in a tree in shared memory; a barrier for each level, and one before the buffer is
/// used again.
template <template <class> class Pointer, class Operation>
__device__ float tree(Pointer<float> buffer, float value, Operation operation) {
  const int t = static_cast<int>(threadIdx.x);
  buffer[t] = value;
  __syncthreads();
  for (int half = block_threads / 2; half > 0; half /= 2) {
    if (t < half) buffer[t] = operation(buffer[t], buffer[t + half]);
    __syncthreads();
  }
  const float result = buffer[0];
  __syncthreads();
  return result;
}

/// v2: a block per row. Neighbouring threads read neighbouring numbers; the row's maximum and sum are found in trees.
template <template <class> class Pointer>
__global__ void __launch_bounds__(block_threads) block_per_row(Pointer<const float> x, Pointer<float> y, int cols) {
  SHARED(float, memory, [block_threads]);
  const Pointer<float> buffer(&memory[0]);
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(blockIdx.x) * cols;
  const int t = static_cast<int>(threadIdx.x);
  float largest = below_all, total = 0;
  for (int c = t; c < cols; c += block_threads) largest = fmaxf(largest, x[at + c]);
  largest = tree<Pointer>(buffer, largest, [](float a, float b) { return fmaxf(a, b); });
  for (int c = t; c < cols; c += block_threads) total += expf(x[at + c] - largest);
  total = tree<Pointer>(buffer, total, [](float a, float b) { return a + b; });
  for (int c = t; c < cols; c += block_threads) y[at + c] = expf(x[at + c] - largest) / total;
}

/// v3: the same, but each warp combines its own values by shuffles, and only the warps' results pass through memory.
template <template <class> class Pointer>
__global__ void __launch_bounds__(block_threads) block_of_warps(Pointer<const float> x, Pointer<float> y, int cols) {
  constexpr int warps = block_threads / 32;
  SHARED(float, memory, [2][warps]);
  const Pointer<float> maxima(&memory[0][0]), sums(&memory[1][0]);
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(blockIdx.x) * cols;
  const int t = static_cast<int>(threadIdx.x), lane = t % 32, warp = t / 32;
  float largest = below_all, total = 0;
  for (int c = t; c < cols; c += block_threads) largest = fmaxf(largest, x[at + c]);
  largest = warp_max(largest);
  if (lane == 0) maxima[warp] = largest;
  __syncthreads();
  largest = warp_max(lane < warps ? maxima[lane] : below_all);
  for (int c = t; c < cols; c += block_threads) total += expf(x[at + c] - largest);
  total = warp_sum(total);
  if (lane == 0) sums[warp] = total;
  __syncthreads();
  total = warp_sum(lane < warps ? sums[lane] : 0.0f);
  for (int c = t; c < cols; c += block_threads) y[at + c] = expf(x[at + c] - largest) / total;
}

/// v4: a warp per row needs neither shared memory nor a barrier.
template <template <class> class Pointer>
__global__ void __launch_bounds__(block_threads)
    warp_per_row(Pointer<const float> x, Pointer<float> y, int rows, int cols) {
  const int row = static_cast<int>((blockIdx.x * block_threads + threadIdx.x) / 32);
  if (row >= rows) return;  // the whole warp
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * cols;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float largest = below_all, total = 0;
  for (int c = lane; c < cols; c += 32) largest = fmaxf(largest, x[at + c]);
  largest = warp_max(largest);
  for (int c = lane; c < cols; c += 32) total += expf(x[at + c] - largest);
  total = warp_sum(total);
  for (int c = lane; c < cols; c += 32) y[at + c] = expf(x[at + c] - largest) / total;
}

/// v5: maximum and sum in one pass. When a larger value comes, the sum so far is rescaled: Σ exp(x - old) · exp(old -
/// new) (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018). The engine's way for long rows.
template <template <class> class Pointer>
__global__ void __launch_bounds__(block_threads) online(Pointer<const float> x, Pointer<float> y, int rows, int cols) {
  const int row = static_cast<int>((blockIdx.x * block_threads + threadIdx.x) / 32);
  if (row >= rows) return;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * cols;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float largest = below_all, total = 0;
  for (int c = lane; c < cols; c += 32) {
    const float value = x[at + c];
    if (value > largest) {
      total = total * expf(largest - value) + 1;
      largest = value;
    } else {
      total += expf(value - largest);
    }
  }
  const float all = warp_max(largest);
  // A lane that saw nothing has no largest value: its share is 0, and not exp(-∞ + ∞).
  total = warp_sum(largest == all ? total : total * expf(largest - all));
  for (int c = lane; c < cols; c += 32) y[at + c] = expf(x[at + c] - all) / total;
}

/// v6: the row stays in the warp's registers: every number is read once, and exp is taken once. The engine's way for
/// rows of up to 32 · Held.
template <template <class> class Pointer, int Held>
__global__ void __launch_bounds__(block_threads) in_registers(Pointer<const float> x, Pointer<float> y, int rows, int cols) {
  const int row = static_cast<int>((blockIdx.x * block_threads + threadIdx.x) / 32);
  if (row >= rows) return;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * cols;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float value[Held], largest = below_all, total = 0;
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] = below_all;
    if (lane + 32 * i < cols) value[i] = x[at + lane + 32 * i];
    largest = fmaxf(largest, value[i]);
  }
  largest = warp_max(largest);
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] = expf(value[i] - largest);  // exp(-∞) = 0 past the row's end
    total += value[i];
  }
  const float factor = 1 / warp_sum(total);
#pragma unroll
  for (int i = 0; i < Held; ++i)
    if (lane + 32 * i < cols) y[at + lane + 32 * i] = value[i] * factor;
}

/// Queues a version whose kernel takes one row per warp.
template <template <class> class Pointer, class Kernel>
void queue_warps(Kernel kernel, const Arrays& a) {
  must(launch({blocks(a.extents.rows, block_threads / 32), dim3(block_threads)}, kernel, Pointer<const float>(a.in[0]),
              Pointer<float>(a.out), a.extents.rows, a.extents.cols), "softmax");
}

}  // namespace

template <template <class> class Pointer>
std::vector<Version> softmax_versions() {
  return {
      {"v1", "a thread per row", [](const Arrays& a) {
         must(launch({blocks(a.extents.rows, 64), dim3(64)}, thread_per_row<Pointer>, Pointer<const float>(a.in[0]),
                     Pointer<float>(a.out), a.extents.rows, a.extents.cols), "softmax v1");
       }},
      {"v2", "a block per row, trees", [](const Arrays& a) {
         must(launch({dim3(static_cast<unsigned>(a.extents.rows)), dim3(block_threads)}, block_per_row<Pointer>,
                     Pointer<const float>(a.in[0]), Pointer<float>(a.out), a.extents.cols), "softmax v2");
       }},
      {"v3", "warps shuffle", [](const Arrays& a) {
         must(launch({dim3(static_cast<unsigned>(a.extents.rows)), dim3(block_threads)}, block_of_warps<Pointer>,
                     Pointer<const float>(a.in[0]), Pointer<float>(a.out), a.extents.cols), "softmax v3");
       }},
      {"v4", "a warp per row", [](const Arrays& a) { queue_warps<Pointer>(warp_per_row<Pointer>, a); }},
      {"v5", "maximum and sum in one pass", [](const Arrays& a) { queue_warps<Pointer>(online<Pointer>, a); }},
      {"v6", "the row in registers", [](const Arrays& a) { queue_warps<Pointer>(in_registers<Pointer, 16>, a); }},
  };
}

template std::vector<Version> softmax_versions<Plain>();
#if !defined(__CUDACC__)
template std::vector<Version> softmax_versions<Counted>();
#endif

}  // namespace tenfold::inline TENFOLD_ON::ladder
