/// @file
/// The matrix product c = a b, five times; [rows, depth] times [depth, cols], all row-major. The engine leaves it to
/// cuBLAS, which goes on from where this ends.
#include "ladder/ladder.hpp"

namespace tenfold::inline TENFOLD_ON::ladder {
namespace {

/// v1: a thread per number of c, neighbouring threads below one another: each load of a and each store of c touches as
/// many pieces of memory as the warp has lanes.
template <template <class> class Pointer>
__global__ void down_columns(Pointer<const float> a, Pointer<const float> b, Pointer<float> c, Extents n) {
  const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int col = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  if (row >= n.rows || col >= n.cols) return;
  float sum = 0;
  for (int k = 0; k < n.depth; ++k) sum += a[row * n.depth + k] * b[k * n.cols + col];
  c[row * n.cols + col] = sum;
}

/// v2: neighbouring threads beside one another: a warp shares its number of a, and its 32 of b and c are neighbours.
template <template <class> class Pointer>
__global__ void along_rows(Pointer<const float> a, Pointer<const float> b, Pointer<float> c, Extents n) {
  const int col = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  if (row >= n.rows || col >= n.cols) return;
  float sum = 0;
  for (int k = 0; k < n.depth; ++k) sum += a[row * n.depth + k] * b[k * n.cols + col];
  c[row * n.cols + col] = sum;
}

/// v3: a block loads a square of a and one of b into shared memory, and every number of them serves a whole row or
/// column of the block's threads.
template <template <class> class Pointer>
__global__ void __launch_bounds__(256) tiles(Pointer<const float> a, Pointer<const float> b, Pointer<float> c, Extents n) {
  constexpr int side = 16;
  SHARED(float, memory, [2][side * side]);
  const Pointer<float> tile_a(&memory[0][0]), tile_b(&memory[1][0]);
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int col = static_cast<int>(blockIdx.x) * side + x, row = static_cast<int>(blockIdx.y) * side + y;
  float sum = 0;
  for (int first = 0; first < n.depth; first += side) {
    float from_a = 0, from_b = 0;
    if (row < n.rows && first + x < n.depth) from_a = a[row * n.depth + first + x];
    if (first + y < n.depth && col < n.cols) from_b = b[(first + y) * n.cols + col];
    tile_a[y * side + x] = from_a;
    tile_b[y * side + x] = from_b;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < side; ++k) sum += tile_a[y * side + k] * tile_b[k * side + x];
    __syncthreads();  // before the next squares take their place
  }
  if (row < n.rows && col < n.cols) c[row * n.cols + col] = sum;
}

/// v4: each thread computes 4 × 4 numbers in registers: eight loads from shared memory now serve sixteen products, not
/// one.
template <template <class> class Pointer>
__global__ void __launch_bounds__(256) registers(Pointer<const float> a, Pointer<const float> b, Pointer<float> c, Extents n) {
  constexpr int side = 64, slice = 16, each = 4, across = side / each;
  SHARED(float, memory_a, [side * slice]);
  SHARED(float, memory_b, [slice * side]);
  const Pointer<float> tile_a(&memory_a[0]), tile_b(&memory_b[0]);
  const int t = static_cast<int>(threadIdx.x), x = t % across, y = t / across;
  const int first_row = static_cast<int>(blockIdx.y) * side, first_col = static_cast<int>(blockIdx.x) * side;
  float sum[each][each] = {};
  for (int first = 0; first < n.depth; first += slice) {
#pragma unroll
    for (int i = t; i < side * slice; i += 256) {
      const int row = first_row + i / slice, k = first + i % slice;
      float value = 0;
      if (row < n.rows && k < n.depth) value = a[row * n.depth + k];
      tile_a[i] = value;
    }
#pragma unroll
    for (int i = t; i < slice * side; i += 256) {
      const int k = first + i / side, col = first_col + i % side;
      float value = 0;
      if (k < n.depth && col < n.cols) value = b[k * n.cols + col];
      tile_b[i] = value;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < slice; ++k) {
      float of_a[each], of_b[each];
#pragma unroll
      for (int i = 0; i < each; ++i) of_a[i] = tile_a[(y * each + i) * slice + k];
#pragma unroll
      for (int j = 0; j < each; ++j) of_b[j] = tile_b[k * side + x + across * j];
#pragma unroll
      for (int i = 0; i < each; ++i)
#pragma unroll
        for (int j = 0; j < each; ++j) sum[i][j] += of_a[i] * of_b[j];
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < each; ++i)
#pragma unroll
    for (int j = 0; j < each; ++j) {
      const int row = first_row + y * each + i, col = first_col + x + across * j;
      if (row < n.rows && col < n.cols) c[row * n.cols + col] = sum[i][j];
    }
}

/// Four neighbours of a row that has `count` numbers, zeros past its end; one load where the row is whole and aligned.
template <template <class> class Pointer>
__device__ float4 four(Pointer<const float> row, int first, int count) {
  float4 value = make_float4(0, 0, 0, 0);
  if (first + 3 < count && count % 4 == 0) {
    value = pointer_as<const float4>(row + first)[0];
  } else {
    if (first < count) value.x = row[first];
    if (first + 1 < count) value.y = row[first + 1];
    if (first + 2 < count) value.z = row[first + 2];
    if (first + 3 < count) value.w = row[first + 3];
  }
  return value;
}

/// v5: 8 × 8 numbers a thread, and four at a time wherever they lie side by side. The tile of a is turned on its side
/// when it is stored, so that a thread's numbers of it are neighbours as well.
template <template <class> class Pointer>
__global__ void __launch_bounds__(256) eight_by_eight(Pointer<const float> a, Pointer<const float> b, Pointer<float> c,
                                                      Extents n) {
  constexpr int side = 128, slice = 8, stride = side + 4;  // the gap spreads the turned tile over the banks
  SHARED(float4, memory_a, [slice * stride / 4]);
  SHARED(float4, memory_b, [slice * side / 4]);
  const auto tile_a = pointer_as<float>(Pointer<float4>(&memory_a[0]));
  const auto tile_b = Pointer<float4>(&memory_b[0]);
  const int t = static_cast<int>(threadIdx.x), x = t % 16, y = t / 16;
  const int first_row = static_cast<int>(blockIdx.y) * side, first_col = static_cast<int>(blockIdx.x) * side;
  const int row_a = first_row + t / 2, k_a = t % 2 * 4, k_b = t / 32, col_b = t % 32 * 4;  // what this thread loads
  float sum[8][8] = {};
  for (int first = 0; first < n.depth; first += slice) {
    float4 from_a = make_float4(0, 0, 0, 0), from_b = from_a;
    if (row_a < n.rows) from_a = four<Pointer>(a + static_cast<std::ptrdiff_t>(row_a) * n.depth, first + k_a, n.depth);
    if (first + k_b < n.depth)
      from_b = four<Pointer>(b + static_cast<std::ptrdiff_t>(first + k_b) * n.cols, first_col + col_b, n.cols);
    tile_a[k_a * stride + t / 2] = from_a.x;
    tile_a[(k_a + 1) * stride + t / 2] = from_a.y;
    tile_a[(k_a + 2) * stride + t / 2] = from_a.z;
    tile_a[(k_a + 3) * stride + t / 2] = from_a.w;
    tile_b[k_b * side / 4 + t % 32] = from_b;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < slice; ++k) {
      // Rows 4 y … and 64 + 4 y …, columns 4 x … and 64 + 4 x …: a warp's sixteen threads along x then read all banks.
      const auto quads_a = pointer_as<float4>(tile_a + k * stride);
      const float4 a0 = quads_a[y], a1 = quads_a[16 + y], b0 = tile_b[k * side / 4 + x], b1 = tile_b[k * side / 4 + 16 + x];
      const float of_a[8] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
      const float of_b[8] = {b0.x, b0.y, b0.z, b0.w, b1.x, b1.y, b1.z, b1.w};
#pragma unroll
      for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 8; ++j) sum[i][j] += of_a[i] * of_b[j];
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int row = first_row + i / 4 * 64 + 4 * y + i % 4;
    if (row >= n.rows) continue;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int col = first_col + half * 64 + 4 * x;
      const Pointer<float> to = c + static_cast<std::ptrdiff_t>(row) * n.cols;
      if (col + 3 < n.cols && n.cols % 4 == 0) {
        pointer_as<float4>(to + col)[0] =
            make_float4(sum[i][4 * half], sum[i][4 * half + 1], sum[i][4 * half + 2], sum[i][4 * half + 3]);
      } else {
#pragma unroll
        for (int j = 0; j < 4; ++j)
          if (col + j < n.cols) to[col + j] = sum[i][4 * half + j];
      }
    }
  }
}

/// Queues a kernel with one block of `threads` for `down` × `across` numbers of c, x counting along `x_is_down`.
template <template <class> class Pointer, class Kernel>
void queue(Kernel kernel, const Arrays& s, dim3 threads, int across, int down, bool x_is_down = false) {
  const unsigned columns = blocks(s.extents.cols, across).x, rows = blocks(s.extents.rows, down).x;
  const dim3 grid = x_is_down ? dim3(rows, columns) : dim3(columns, rows);
  must(launch({grid, threads}, kernel, Pointer<const float>(s.in[0]), Pointer<const float>(s.in[1]),
              Pointer<float>(s.out), s.extents), "product");
}

}  // namespace

template <template <class> class Pointer>
std::vector<Version> product_versions() {
  return {
      {"v1", "neighbours below one another",
       [](const Arrays& s) { queue<Pointer>(down_columns<Pointer>, s, dim3(32, 8), 8, 32, true); }},
      {"v2", "neighbours side by side", [](const Arrays& s) { queue<Pointer>(along_rows<Pointer>, s, dim3(32, 8), 32, 8); }},
      {"v3", "tiles in shared memory", [](const Arrays& s) { queue<Pointer>(tiles<Pointer>, s, dim3(16, 16), 16, 16); }},
      {"v4", "4 x 4 a thread in registers", [](const Arrays& s) { queue<Pointer>(registers<Pointer>, s, dim3(256), 64, 64); }},
      {"v5", "8 x 8 a thread, four at a time",
       [](const Arrays& s) { queue<Pointer>(eight_by_eight<Pointer>, s, dim3(256), 128, 128); }},
  };
}

template std::vector<Version> product_versions<Plain>();
#if !defined(__CUDACC__)
template std::vector<Version> product_versions<Counted>();
#endif

}  // namespace tenfold::inline TENFOLD_ON::ladder
