/// @file
/// Layer norm along rows (Ba, Kiros, Hinton 2016) and its gradient. A row that fits belongs to a warp and stays in its
/// registers: read once, the mean first and the deviations from it after, since Σx² - mean² would cancel. A longer one
/// belongs to a block, which finds it in the cache the second time.
///
/// The gradients of gamma and beta are sums over all rows. They are taken in two stages, so that no order depends on
/// chance: each block adds the rows of its own share, and a second kernel adds what the blocks found.
#include <algorithm>
#include <cmath>

#include "cuda_kernels.hpp"
#include "kernels/columns.cuh"
#include "kernels/reduce.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// A row per warp, each lane with `Held` values of it: column lane + 32 i is value i.
template <int Held>
__global__ void __launch_bounds__(block_threads)
    norm_short(const Real* __restrict__ x, const Real* __restrict__ gamma, const Real* __restrict__ beta, Real epsilon,
               Real* __restrict__ y, Real* __restrict__ mean, Real* __restrict__ rstd, Index rows, int cols) {
  const Index row = Index{blockIdx.x} * block_warps + threadIdx.x / 32;
  if (row >= rows) return;  // the whole warp
  const int lane = threadIdx.x % 32;
  x += row * cols;
  y += row * cols;
  Real value[Held], total = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] = lane + 32 * i < cols ? x[lane + 32 * i] : 0;
    total += value[i];
  }
  const Real m = team_sum<32>(total) / static_cast<Real>(cols);
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    value[i] -= m;
    if (lane + 32 * i < cols) squares += value[i] * value[i];
  }
  const Real r = 1 / std::sqrt(team_sum<32>(squares) / static_cast<Real>(cols) + epsilon);
#pragma unroll
  for (int i = 0; i < Held; ++i) {
    const int c = lane + 32 * i;
    if (c < cols) y[c] = value[i] * r * gamma[c] + beta[c];
  }
  if (lane == 0) {
    mean[row] = m;
    rstd[row] = r;
  }
}

/// A row per block, of any length. Four blocks at once leave each thread 64 registers; left to itself, ptxas makes do
/// with 32 and spills.
__global__ void __launch_bounds__(block_threads, 4)
    norm_long(const Real* __restrict__ x, const Real* __restrict__ gamma, const Real* __restrict__ beta, Real epsilon,
              Real* __restrict__ y, Real* __restrict__ mean, Real* __restrict__ rstd, Index cols) {
  x += blockIdx.x * cols;
  y += blockIdx.x * cols;
  Real total = 0, squares = 0;
  for (Index c = threadIdx.x; c < cols; c += block_threads) total += x[c];
  const Real m = team_sum<block_threads>(total) / static_cast<Real>(cols);
  for (Index c = threadIdx.x; c < cols; c += block_threads) squares += (x[c] - m) * (x[c] - m);
  const Real r = 1 / std::sqrt(team_sum<block_threads>(squares) / static_cast<Real>(cols) + epsilon);
  if (threadIdx.x == 0) {
    mean[blockIdx.x] = m;
    rstd[blockIdx.x] = r;
  }
  for (Index c = threadIdx.x; c < cols; c += block_threads) y[c] = (x[c] - m) * r * gamma[c] + beta[c];
}

/// What backward reads and writes. `partial` is [2, blocks, cols]: each block's share of dgamma, then of dbeta.
struct Slope {
  const Real *x, *gamma, *mean, *rstd, *dy;
  Real *dx, *partial;
  Index rows, cols;
};

// With n = (x - mean) rstd and g = dy gamma: dx = rstd (g - mean(g) - n mean(g n)), dgamma = Σ_r dy n, dbeta = Σ_r dy
// (derived beside ReferenceKernels::layer_norm_backward).

/// A row per warp, and warps stride over the rows; each lane adds up dgamma and dbeta of its columns on the way. The
/// block's warps are then added through shared memory, one after another.
template <int Held>
__global__ void __launch_bounds__(block_threads) slope_short(Slope s) {
  SHARED(Real, sums, [2][Held * 32]);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, cols = static_cast<int>(s.cols);
  Real dgamma[Held], dbeta[Held];
#pragma unroll
  for (int i = 0; i < Held; ++i) dgamma[i] = dbeta[i] = 0;
  for (Index row = Index{blockIdx.x} * block_warps + warp; row < s.rows; row += Index{gridDim.x} * block_warps) {
    const Real m = s.mean[row], r = s.rstd[row];
    Real n[Held], g[Held], sum_g = 0, sum_gn = 0;
#pragma unroll
    for (int i = 0; i < Held; ++i) {
      const int c = lane + 32 * i;
      n[i] = c < cols ? (s.x[row * cols + c] - m) * r : 0;
      const Real up = c < cols ? s.dy[row * cols + c] : 0;
      g[i] = c < cols ? up * s.gamma[c] : 0;
      sum_g += g[i];
      sum_gn += g[i] * n[i];
      dgamma[i] += up * n[i];
      dbeta[i] += up;
    }
    const Real mean_g = team_sum<32>(sum_g) / static_cast<Real>(cols);
    const Real mean_gn = team_sum<32>(sum_gn) / static_cast<Real>(cols);
#pragma unroll
    for (int i = 0; i < Held; ++i)
      if (lane + 32 * i < cols) s.dx[row * cols + lane + 32 * i] = r * (g[i] - mean_g - n[i] * mean_gn);
  }
  for (int turn = 0; turn < block_warps; ++turn) {
    if (warp == turn) {
#pragma unroll
      for (int i = 0; i < Held; ++i) {
        const int c = lane + 32 * i;
        sums[0][c] = (turn > 0 ? sums[0][c] : 0) + dgamma[i];
        sums[1][c] = (turn > 0 ? sums[1][c] : 0) + dbeta[i];
      }
    }
    __syncthreads();
  }
  for (int c = threadIdx.x; c < cols; c += block_threads) {
    s.partial[Index{blockIdx.x} * cols + c] = sums[0][c];
    s.partial[Index{gridDim.x + blockIdx.x} * cols + c] = sums[1][c];
  }
}

/// dx alone, a row per block, of any length.
__global__ void __launch_bounds__(block_threads) slope_long(Slope s) {
  const Index at = Index{blockIdx.x} * s.cols;
  const Real m = s.mean[blockIdx.x], r = s.rstd[blockIdx.x];
  Real sum_g = 0, sum_gn = 0;
  for (Index c = threadIdx.x; c < s.cols; c += block_threads) {
    const Real g = s.dy[at + c] * s.gamma[c];
    sum_g += g;
    sum_gn += g * ((s.x[at + c] - m) * r);
  }
  const Real mean_g = team_sum<block_threads>(sum_g) / static_cast<Real>(s.cols);
  const Real mean_gn = team_sum<block_threads>(sum_gn) / static_cast<Real>(s.cols);
  for (Index c = threadIdx.x; c < s.cols; c += block_threads)
    s.dx[at + c] = r * (s.dy[at + c] * s.gamma[c] - mean_g - (s.x[at + c] - m) * r * mean_gn);
}

/// The shares of dgamma and dbeta for rows of any length: a thread per column, block (x, y) taking rows
/// y, y + shares, ….
__global__ void __launch_bounds__(block_threads) slope_long_columns(Slope s) {
  const Index c = Index{blockIdx.x} * block_threads + threadIdx.x;
  if (c >= s.cols) return;
  Real dgamma = 0, dbeta = 0;
  for (Index row = blockIdx.y; row < s.rows; row += gridDim.y) {
    const Real up = s.dy[row * s.cols + c];
    dgamma += up * ((s.x[row * s.cols + c] - s.mean[row]) * s.rstd[row]);
    dbeta += up;
  }
  s.partial[Index{blockIdx.y} * s.cols + c] = dgamma;
  s.partial[Index{gridDim.y + blockIdx.y} * s.cols + c] = dbeta;
}

/// The longest row that backward keeps in registers: n, g and both sums are four values a column.
constexpr Index longest_slope = sizeof(Real) == 4 ? 1024 : 512;

/// Blocks among which the rows are shared. It depends on nothing but their number, or the sums would not be the same on
/// every card.
unsigned shares_of(Index rows) { return blocks_for(rows, 2 * block_warps, 256); }

}  // namespace

void CudaKernels::layer_norm(const Real* x, const Real* gamma, const Real* beta, Real epsilon, Real* y, Real* mean,
                             Real* rstd, Index rows, Index cols) {
  if (rows == 0) return;
  const LaunchShape warps{dim3(static_cast<unsigned>((rows + block_warps - 1) / block_warps)), dim3(block_threads), 0,
                          stream()};
  const auto run = [&](auto kernel) {
    check(launch(warps, kernel, x, gamma, beta, epsilon, y, mean, rstd, rows, cols), "layer_norm");
  };
  if (cols <= 128)
    run(norm_short<4>);
  else if (cols <= 256)
    run(norm_short<8>);
  else if (cols <= 512)
    run(norm_short<16>);
  else if (cols <= 1024)
    run(norm_short<32>);
  else
    check(launch({dim3(static_cast<unsigned>(rows)), dim3(block_threads), 0, stream()}, norm_long, x, gamma, beta,
                 epsilon, y, mean, rstd, cols),
          "layer_norm");
}

void CudaKernels::layer_norm_backward(const Real* x, const Real* gamma, const Real* mean, const Real* rstd,
                                      const Real* dy, Real* dx, Real* dgamma, Real* dbeta, Index rows, Index cols) {
  if (cols == 0) return;
  const unsigned shares = shares_of(rows);
  const Index partial_size = Index{shares} * cols;
  auto* partial = static_cast<Real*>(scratch(static_cast<std::size_t>(2 * partial_size) * sizeof(Real)));
  const Slope slope{x, gamma, mean, rstd, dy, dx, partial, rows, cols};
  const dim3 threads(block_threads);
  const auto run = [&](auto kernel, dim3 grid) {
    check(launch({grid, threads, 0, stream()}, kernel, slope), "layer_norm_backward");
  };
  if (cols <= 128) {
    run(slope_short<4>, dim3(shares));
  } else if (cols <= 256) {
    run(slope_short<8>, dim3(shares));
  } else if (cols <= 512) {
    run(slope_short<16>, dim3(shares));
  } else if (cols <= longest_slope) {
    run(slope_short<longest_slope / 32>, dim3(shares));
  } else {
    if (rows > 0) run(slope_long, dim3(static_cast<unsigned>(rows)));
    run(slope_long_columns, dim3(blocks_for(cols, block_threads, 0x7fffffff), shares));
  }
  check(sum_shares(partial, dgamma, shares, cols, stream()), "layer_norm_backward");
  check(sum_shares(partial + partial_size, dbeta, shares, cols, stream()), "layer_norm_backward");
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
