// Rows of a matrix and a vector of one row's length: bias, bias and activation, and the sum of all rows.
#include "cuda_kernels.hpp"
#include "kernels/activation.cuh"
#include "kernels/columns.cuh"
#include "kernels/pack.cuh"
#include "kernels/row_grid.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// out[r, c] = f(x[r, c], bias[c], more[r, c]…): a thread reads its piece of the bias once and walks down the rows.
template <int Width, class F, class... More>
__global__ void map_rows(F f, const Real* x, const Real* bias, Real* out, Index rows, Index cols, const More*... more) {
  const Index c = grid_column() * Width;
  if (c >= cols) return;
  const Pack<Width> b = load<Width>(bias, c);
  for (Index r = grid_row(); r < rows; r += grid_row_step()) {
    const Pack<Width> in = load<Width>(x, r * cols + c);
    Pack<Width> result;
    const auto compute = [&](const auto&... packs) {
#pragma unroll
      for (int j = 0; j < Width; ++j) result.at[j] = f(in.at[j], b.at[j], packs.at[j]...);
    };
    compute(load<Width>(more, r * cols + c)...);
    store<Width>(out, r * cols + c, result);
  }
}

template <class F, class... More>
void run_rows(const char* name, cudaStream_t stream, F f, const Real* x, const Real* bias, Real* out, Index rows,
              Index cols, const More*... more) {
  if (rows == 0 || cols == 0) return;
  // Each row begins at a multiple of the pack only if its length is one.
  with_width(cols % pack_width == 0 && aligned(x, bias, out, more...), [&](auto width) {
    check(launch(row_grid(rows, (cols + width() - 1) / width(), stream), map_rows<width(), F, More...>, f, x, bias, out,
                 rows, cols, more...),
          name);
  });
}

struct AddBias {
  __device__ Real operator()(Real x, Real bias) const { return x + bias; }
};
struct BiasActivation {
  Activation kind;
  __device__ Real operator()(Real x, Real bias) const { return activation(kind, x + bias); }
};
struct BiasActivationBack {
  Activation kind;
  __device__ Real operator()(Real x, Real bias, Real dy) const { return dy * activation_slope(kind, x + bias); }
};

constexpr int tile = 32, lanes_down = 8;

/// out[chunk, c] = Σ of x[r, c] over the chunk's rows. A warp reads 32 neighbouring columns of a row; the eight warps
/// of a block take every eighth row and add up what they have in a fixed order, so the result does not depend on who
/// was first.
__global__ void sum_rows_kernel(const Real* x, Real* out, Index rows, Index cols, Index chunk) {
  SHARED(Real, partial, [lanes_down][tile]);
  const Index c = static_cast<Index>(blockIdx.x) * tile + threadIdx.x;
  const Index first = blockIdx.y * chunk, last = first + chunk < rows ? first + chunk : rows;
  Real total = 0;
  if (c < cols) {
#pragma unroll 4
    for (Index r = first + threadIdx.y; r < last; r += lanes_down) total += x[r * cols + c];
  }
  partial[threadIdx.y][threadIdx.x] = total;
  __syncthreads();
  if (threadIdx.y > 0 || c >= cols) return;
#pragma unroll
  for (int y = 1; y < lanes_down; ++y) total += partial[y][threadIdx.x];
  out[blockIdx.y * cols + c] = total;
}

}  // namespace

void CudaKernels::add_bias(const Real* x, const Real* bias, Real* out, Index rows, Index cols) {
  run_rows("add_bias", stream(), AddBias{}, x, bias, out, rows, cols);
}

void CudaKernels::bias_activate(Activation kind, const Real* x, const Real* bias, Real* out, Index rows, Index cols) {
  run_rows("bias_activate", stream(), BiasActivation{kind}, x, bias, out, rows, cols);
}

void CudaKernels::bias_activate_backward(Activation kind, const Real* x, const Real* bias, const Real* dy, Real* dx,
                                         Index rows, Index cols) {
  run_rows("bias_activate_backward", stream(), BiasActivationBack{kind}, x, bias, dx, rows, cols, dy);
}

// Many rows and few columns would leave most of the card idle, so the rows are cut into chunks, whose sums are added in
// a second stage (columns.cuh).
void CudaKernels::sum_rows(const Real* x, Real* out, Index rows, Index cols) {
  if (cols == 0) return;
  const Index across = (cols + tile - 1) / tile;
  const Index most = std::clamp<Index>(1024 / across, 1, 64);  // chunks that are of use
  const Index chunk = std::max<Index>(64, (rows + most - 1) / most);
  const Index chunks = std::max<Index>(1, (rows + chunk - 1) / chunk);
  Real* sums = chunks == 1 ? out : static_cast<Real*>(scratch(static_cast<std::size_t>(chunks * cols) * sizeof(Real)));
  const dim3 grid(static_cast<unsigned>(across), static_cast<unsigned>(chunks)), block(tile, lanes_down);
  check(launch({grid, block, 0, stream()}, sum_rows_kernel, x, sums, rows, cols, chunk), "sum_rows");
  if (chunks > 1) check(sum_shares(sums, out, static_cast<unsigned>(chunks), cols, stream()), "sum_rows");
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
