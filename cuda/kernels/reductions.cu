// Sums of a whole tensor, in double: a float sum of millions of squares would lose what the small ones add.
//
// First every block sums a share of its own, then one block sums the blocks' sums. Who adds what to what depends on n
// alone, so the same values give the same bits.
#include "cuda_kernels.hpp"
#include "kernels/double_sum.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

constexpr Index most_blocks = 1024;

struct AsItIs {
  __device__ double operator()(Real x) const { return static_cast<double>(x); }
};
struct Squared {
  __device__ double operator()(Real x) const { return static_cast<double>(x) * static_cast<double>(x); }
};

template <class F>
__global__ void partial_sums(F f, const Real* x, Index n, double* partial) {
  const Index step = static_cast<Index>(gridDim.x) * sum_threads;
  double total = 0;
#pragma unroll 4
  for (Index i = static_cast<Index>(blockIdx.x) * sum_threads + threadIdx.x; i < n; i += step) total += f(x[i]);
  total = block_sum(total);
  if (threadIdx.x == 0) partial[blockIdx.x] = total;
}

/// *out = Σ partial / divisor; T is double for the host, Real where the result stays on the card.
template <class T>
__global__ void finish_sum(const double* partial, int count, Real divisor, T* out) {
  const double total = block_sum_of(partial, count);
  if (threadIdx.x == 0) *out = static_cast<T>(total / static_cast<double>(divisor));
}

}  // namespace

template <class F, class T>
void CudaKernels::queue_sum(const char* name, F f, const Real* x, Index n, Real divisor, double* partial, T* out) {
  const unsigned blocks = blocks_for(n, 4 * sum_threads, most_blocks);
  check(launch({dim3(blocks), dim3(sum_threads), 0, stream()}, partial_sums<F>, f, x, n, partial), name);
  check(launch({dim3(1), dim3(sum_threads), 0, stream()}, finish_sum<T>, partial, static_cast<int>(blocks), divisor, out),
        name);
}

double CudaKernels::sum(const Real* x, Index n) {
  auto* partial = static_cast<double*>(scratch((most_blocks + 1) * sizeof(double)));
  queue_sum("sum", AsItIs{}, x, n, 1, partial, partial + most_blocks);
  double total = 0;
  download(&total, partial + most_blocks, sizeof total);
  return total;
}

double CudaKernels::sum_squares(const Real* x, Index n) {
  auto* partial = static_cast<double*>(scratch((most_blocks + 1) * sizeof(double)));
  queue_sum("sum_squares", Squared{}, x, n, 1, partial, partial + most_blocks);
  double total = 0;
  download(&total, partial + most_blocks, sizeof total);
  return total;
}

void CudaKernels::sum_to(const Real* x, Real divisor, Real* out, Index n) {
  queue_sum("sum_to", AsItIs{}, x, n, divisor, static_cast<double*>(scratch(most_blocks * sizeof(double))), out);
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
