/// @file
/// Cross-entropy with integer targets, label smoothing and rows that do not count; its gradient; and both with the bias
/// of the layer before, in two passes over the logits: one that reads them for each row's sum, one that turns them into
/// the gradient and adds up the bias's.
#include <cmath>

#include "cuda_kernels.hpp"
#include "kernels/columns.cuh"
#include "kernels/reduce.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// Rows that a thread of the second pass reads before it writes the first of them, so that it waits for memory once.
constexpr int rows_together = 4;

/// The first pass, a row per team. With L = log Σ exp(z) and the smoothed target q = (1-s) onehot(t) + s/C, the loss
/// -Σ q (z - L) is L - (1-s) z_t - s mean(z), since q sums to one. `bias` may be null.
template <int Team>
__global__ void __launch_bounds__(block_threads)
    row_losses(CrossEntropyRows rows, const Real* __restrict__ logits, const Real* __restrict__ bias,
               const std::int32_t* __restrict__ targets, Real* __restrict__ losses, Real* __restrict__ log_sums) {
  const Index row = Index{blockIdx.x} * (block_threads / Team) + threadIdx.x / Team;
  if (row >= rows.rows) return;  // the whole team, and so it is below
  const int lane = threadIdx.x % Team;
  const std::int32_t target = targets[row];
  if (target == rows.ignore) {
    if (lane == 0) losses[row] = log_sums[row] = 0;
    return;
  }
  const Real* z = logits + row * rows.classes;
  OnlineSoftmax exps;
  Real total = 0;
#pragma unroll 4
  for (Index c = lane; c < rows.classes; c += Team) {
    const Real logit = bias ? z[c] + bias[c] : z[c];
    exps.add(logit);
    total += logit;
  }
  exps = exps.over_team<Team>();
  total = team_sum<Team>(total);
  if (lane > 0) return;
  const Real at_target = bias ? z[target] + bias[target] : z[target], s = rows.smoothing;
  const Real log_sum = exps.largest + std::log(exps.total);
  log_sums[row] = log_sum;
  losses[row] = log_sum - (1 - s) * at_target - s * (total / static_cast<Real>(rows.classes));
}

/// The second pass: dz = factor (exp(z - L) - q), from ∂L/∂z_c = softmax(z)_c and ∂(Σ q z)/∂z_c = q_c. A thread has a
/// column and goes down its block's share of the rows, so that neighbours read neighbours and the column's sum needs no
/// other thread. dlogits may be logits. With `WithBias` the logits lack theirs, and `partial` [shares, classes] gets
/// each share's column sums.
template <bool WithBias>
__global__ void __launch_bounds__(block_threads)
    logit_gradients(CrossEntropyRows rows, const Real* logits, const Real* __restrict__ bias,
                    const std::int32_t* __restrict__ targets, const Real* __restrict__ log_sums, Real factor,
                    Real* dlogits, Real* __restrict__ partial) {
  const Index c = Index{blockIdx.x} * block_threads + threadIdx.x, classes = rows.classes;
  if (c >= classes) return;
  const Index share = (rows.rows + gridDim.y - 1) / gridDim.y, begin = share * blockIdx.y;
  const Index end = begin + share < rows.rows ? begin + share : rows.rows;
  const Real smoothed = rows.smoothing / static_cast<Real>(classes), add = WithBias ? bias[c] : 0;
  Real total = 0;
  for (Index first = begin; first < end; first += rows_together) {
    Real z[rows_together];
#pragma unroll
    for (int i = 0; i < rows_together; ++i) z[i] = first + i < end ? logits[(first + i) * classes + c] : 0;
#pragma unroll
    for (int i = 0; i < rows_together; ++i) {
      const Index row = first + i;
      if (row >= end) break;
      const std::int32_t target = targets[row];
      const Real q = (c == target ? 1 - rows.smoothing : 0) + smoothed;
      const Real dz = target == rows.ignore ? 0 : factor * (std::exp(z[i] + add - log_sums[row]) - q);
      dlogits[row * classes + c] = dz;
      total += dz;
    }
  }
  if (WithBias) partial[Index{blockIdx.y} * classes + c] = total;
}

/// Queues the first pass.
cudaError_t queue_losses(const CrossEntropyRows& rows, const Real* logits, const Real* bias,
                         const std::int32_t* targets, Real* losses, Real* log_sums, cudaStream_t stream) {
  const Index teams = rows.classes <= 512 ? block_threads / 32 : 1;
  const LaunchShape shape{dim3(static_cast<unsigned>((rows.rows + teams - 1) / teams)), dim3(block_threads), 0, stream};
  if (teams > 1) return launch(shape, row_losses<32>, rows, logits, bias, targets, losses, log_sums);
  return launch(shape, row_losses<block_threads>, rows, logits, bias, targets, losses, log_sums);
}

}  // namespace

void CudaKernels::cross_entropy(const CrossEntropyRows& rows, const Real* logits, const std::int32_t* targets,
                                Real* losses, Real* log_sums) {
  if (rows.rows == 0) return;
  check(queue_losses(rows, logits, nullptr, targets, losses, log_sums, stream()), "cross_entropy");
}

void CudaKernels::cross_entropy_backward(const CrossEntropyRows& rows, const Real* logits,
                                         const std::int32_t* targets, const Real* log_sums, Real factor,
                                         Real* dlogits) {
  if (rows.rows == 0 || rows.classes == 0) return;
  const dim3 grid(blocks_for(rows.classes, block_threads, 0x7fffffff), blocks_for(rows.rows, 4 * rows_together));
  check(launch({grid, dim3(block_threads), 0, stream()}, logit_gradients<false>, rows, logits, nullptr, targets,
               log_sums, factor, dlogits, nullptr),
        "cross_entropy_backward");
}

void CudaKernels::cross_entropy_gradient(const CrossEntropyRows& rows, const Real* bias, const std::int32_t* targets,
                                         Real factor, Real* logits, Real* losses, Real* log_sums, Real* dbias) {
  if (rows.classes == 0) return;
  // How the rows are shared depends on nothing but their number, or the sums would not be the same on every card.
  const unsigned shares = blocks_for(rows.rows, 8 * rows_together, 64);
  auto* partial = static_cast<Real*>(scratch(static_cast<std::size_t>(shares * rows.classes) * sizeof(Real)));
  if (rows.rows > 0)
    check(queue_losses(rows, logits, bias, targets, losses, log_sums, stream()), "cross_entropy_gradient");
  const dim3 grid(blocks_for(rows.classes, block_threads, 0x7fffffff), shares);
  check(launch({grid, dim3(block_threads), 0, stream()}, logit_gradients<true>, rows, logits, bias, targets, log_sums,
               factor, logits, partial),
        "cross_entropy_gradient");
  check(sum_shares(partial, dbias, shares, rows.classes, stream()), "cross_entropy_gradient");
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
