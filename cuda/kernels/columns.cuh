/// @file
/// The second stage of every sum over rows: blocks have each left their share of a column's sum, [shares, cols], and
/// here the shares are added, always in the same order. Atomics would add them as the blocks happen to end.
#pragma once
#include "core/shape.hpp"
#include "cuda_kernels.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// out[c] = Σ_s partial[s, c]. A block has 32 columns, and eight threads for each of them.
__global__ void __launch_bounds__(256) add_shares(const Real* __restrict__ partial, Real* __restrict__ out, int shares,
                                                  Index cols) {
  SHARED(Real, sums, [8][32]);
  const int lane = threadIdx.x % 32, part = threadIdx.x / 32;
  const Index c = Index{blockIdx.x} * 32 + lane;
  Real total = 0;
  if (c < cols)
    for (int s = part; s < shares; s += 8) total += partial[s * cols + c];
  sums[part][lane] = total;
  __syncthreads();
  if (part > 0 || c >= cols) return;
  for (int other = 1; other < 8; ++other) total += sums[other][lane];
  out[c] = total;
}

/// Queues add_shares() on `stream`; cols > 0.
[[nodiscard]] inline cudaError_t sum_shares(const Real* partial, Real* out, unsigned shares, Index cols,
                                            cudaStream_t stream) {
  return launch({dim3(static_cast<unsigned>((cols + 31) / 32)), dim3(256), 0, stream}, add_shares, partial, out, shares,
                cols);
}

}  // namespace
}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
