// Dropout: a thread takes the eight neighbouring elements whose bits one Philox block holds, so that the 128 random
// bits are made once and used up.
#include "cuda_kernels.hpp"
#include "kernels/pack.cuh"
#include "kernels/random.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

constexpr int group = 8;  // elements per Philox block

/// out = dropout(y), or x + dropout(y) where Residual.
template <int Width, bool Residual>
__global__ void dropout_kernel(Dropout d, Real scale, const Real* x, const Real* y, Real* out, Index n) {
  const Index step = static_cast<Index>(gridDim.x) * block_threads;
  for (Index g = static_cast<Index>(blockIdx.x) * block_threads + threadIdx.x; g * group < n; g += step) {
    const unsigned kept = keep_byte(d, g);
    if ((g + 1) * group <= n) {
#pragma unroll
      for (int p = 0; p < group; p += Width) {
        const Index i = g * group + p;
        Pack<Width> in = load<Width>(y, i), sum{};
        if constexpr (Residual) sum = load<Width>(x, i);
#pragma unroll
        for (int j = 0; j < Width; ++j) {
          // What is dropped may be infinite, so it is left out, not multiplied by 0.
          const Real share = (kept >> (p + j)) & 1u ? in.at[j] * scale : 0;
          sum.at[j] = Residual ? sum.at[j] + share : share;
        }
        store<Width>(out, i, sum);
      }
    } else {
      for (Index i = g * group; i < n; ++i) {
        const Real share = (kept >> (i - g * group)) & 1u ? y[i] * scale : 0;
        out[i] = Residual ? x[i] + share : share;
      }
    }
  }
}

template <bool Residual>
void run_dropout(const char* name, cudaStream_t stream, const Dropout& d, const Real* x, const Real* y, Real* out,
                 Index n) {
  if (n == 0) return;
  with_width(Residual ? aligned(x, y, out) : aligned(y, out), [&](auto width) {
    const unsigned blocks = blocks_for(n, block_threads * group, 4096);
    check(launch({dim3(blocks), dim3(block_threads), 0, stream}, dropout_kernel<width(), Residual>, d, d.scale(), x, y,
                 out, n),
          name);
  });
}

}  // namespace

void CudaKernels::dropout(const Dropout& d, const Real* x, Real* out, Index n) {
  run_dropout<false>("dropout", stream(), d, nullptr, x, out, n);
}

void CudaKernels::residual_dropout(const Dropout& d, const Real* x, const Real* y, Real* out, Index n) {
  run_dropout<true>("residual_dropout", stream(), d, x, y, out, n);
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
