/// @file
/// Layer norm along the rows of a matrix, four times: y = (x - mean) / √(variance + ε) · gamma + beta. The mean comes
/// first and the deviations from it after: Σx² - mean² would need one pass less, and cancel.
#include "ladder/ladder.hpp"

namespace tenfold::inline TENFOLD_ON::ladder {
namespace {

constexpr int block_threads = 256;
constexpr float epsilon = 1e-5f;

/// v1: a thread per row, three passes.
template <template <class> class Pointer>
__global__ void thread_per_row(Pointer<const float> x, Pointer<const float> gamma, Pointer<const float> beta,
                               Pointer<float> y, int rows, int cols) {
  const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (row >= rows) return;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * cols;
  float total = 0, squares = 0;
  for (int c = 0; c < cols; ++c) total += x[at + c];
  const float mean = total / static_cast<float>(cols);
  for (int c = 0; c < cols; ++c) {
    const float deviation = x[at + c] - mean;
    squares += deviation * deviation;
  }
  const float factor = 1 / sqrtf(squares / static_cast<float>(cols) + epsilon);
  for (int c = 0; c < cols; ++c) y[at + c] = (x[at + c] - mean) * factor * gamma[c] + beta[c];
}

/// v2: a warp per row: neighbouring lanes read neighbouring numbers, and sums are found by shuffles.
template <template <class> class Pointer>
__global__ void __launch_bounds__(block_threads)
    warp_per_row(Pointer<const float> x, Pointer<const float> gamma, Pointer<const float> beta, Pointer<float> y, int rows,
                 int cols) {
  const int row = static_cast<int>((blockIdx.x * block_threads + threadIdx.x) / 32);
  if (row >= rows) return;  // the whole warp
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * cols;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float total = 0, squares = 0;
  for (int c = lane; c < cols; c += 32) total += x[at + c];
  const float mean = warp_sum(total) / static_cast<float>(cols);
  for (int c = lane; c < cols; c += 32) {
    const float deviation = x[at + c] - mean;
    squares += deviation * deviation;
  }
  const float factor = 1 / sqrtf(warp_sum(squares) / static_cast<float>(cols) + epsilon);
  for (int c = lane; c < cols; c += 32) y[at + c] = (x[at + c] - mean) * factor * gamma[c] + beta[c];
}

/// v3: the row stays in the warp's registers and is read once. The engine's way.
template <template <class> class Pointer, int Held>
__global__ void __launch_bounds__(block_threads)
    in_registers(Pointer<const float> x, Pointer<const float> gamma, Pointer<const float> beta, Pointer<float> y, int rows,
                 int cols) {
  const int row = static_cast<int>((blockIdx.x * block_threads + threadIdx.x) / 32);
  if (row >= rows) return;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * cols;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float value[Held], total = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] = 0;
    if (lane + 32 * i < cols) value[i] = x[at + lane + 32 * i];
    total += value[i];
  }
  const float mean = warp_sum(total) / static_cast<float>(cols);
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] -= mean;
    if (lane + 32 * i < cols) squares += value[i] * value[i];
  }
  const float factor = 1 / sqrtf(warp_sum(squares) / static_cast<float>(cols) + epsilon);
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    const int c = lane + 32 * i;
    if (c < cols) y[at + c] = value[i] * factor * gamma[c] + beta[c];
  }
}

/// v4: sixteen bytes at a time, a quarter of the loads and stores. Rows must be a multiple of four long; others are
/// left to v3.
template <template <class> class Pointer, int Held>
__global__ void __launch_bounds__(block_threads)
    by_four(Pointer<const float> x, Pointer<const float> gamma, Pointer<const float> beta, Pointer<float> y, int rows,
            int cols) {
  const int row = static_cast<int>((blockIdx.x * block_threads + threadIdx.x) / 32), quads = cols / 4;
  if (row >= rows) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const auto x4 = pointer_as<const float4>(x) + static_cast<std::ptrdiff_t>(row) * quads;
  const auto gamma4 = pointer_as<const float4>(gamma), beta4 = pointer_as<const float4>(beta);
  const auto y4 = pointer_as<float4>(y) + static_cast<std::ptrdiff_t>(row) * quads;
  float4 value[Held];
  float total = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] = make_float4(0, 0, 0, 0);
    if (lane + 32 * i < quads) value[i] = x4[lane + 32 * i];
    total += value[i].x + value[i].y + value[i].z + value[i].w;
  }
  const float mean = warp_sum(total) / static_cast<float>(cols);
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    float4& v = value[i];
    v = make_float4(v.x - mean, v.y - mean, v.z - mean, v.w - mean);
    if (lane + 32 * i < quads) squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
  }
  const float factor = 1 / sqrtf(warp_sum(squares) / static_cast<float>(cols) + epsilon);
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    const int c = lane + 32 * i;
    if (c >= quads) continue;
    const float4 v = value[i], g = gamma4[c], b = beta4[c];
    y4[c] = make_float4(v.x * factor * g.x + b.x, v.y * factor * g.y + b.y, v.z * factor * g.z + b.z,
                        v.w * factor * g.w + b.w);
  }
}

/// Queues a kernel, `rows_per_block` rows to a block of `threads`.
template <template <class> class Pointer, class Kernel>
void queue(Kernel kernel, const Arrays& a, int rows_per_block, int threads) {
  must(launch({blocks(a.extents.rows, rows_per_block), dim3(static_cast<unsigned>(threads))}, kernel,
              Pointer<const float>(a.in[0]), Pointer<const float>(a.in[1]), Pointer<const float>(a.in[2]),
              Pointer<float>(a.out), a.extents.rows, a.extents.cols), "layer norm");
}
constexpr int rows_per_block = block_threads / 32;

}  // namespace

template <template <class> class Pointer>
std::vector<Version> layer_norm_versions() {
  return {
      {"v1", "a thread per row", [](const Arrays& a) { queue<Pointer>(thread_per_row<Pointer>, a, 64, 64); }},
      {"v2", "a warp per row",
       [](const Arrays& a) { queue<Pointer>(warp_per_row<Pointer>, a, rows_per_block, block_threads); }},
      {"v3", "the row in registers",
       [](const Arrays& a) { queue<Pointer>(in_registers<Pointer, 16>, a, rows_per_block, block_threads); }},
      {"v4", "sixteen bytes at a time",
       [](const Arrays& a) {
         if (a.extents.cols % 4 == 0)
           queue<Pointer>(by_four<Pointer, 4>, a, rows_per_block, block_threads);
         else
           queue<Pointer>(in_registers<Pointer, 16>, a, rows_per_block, block_threads);
       }},
  };
}

template std::vector<Version> layer_norm_versions<Plain>();
#if !defined(__CUDACC__)
template std::vector<Version> layer_norm_versions<Counted>();
#endif

}  // namespace tenfold::inline TENFOLD_ON::ladder
