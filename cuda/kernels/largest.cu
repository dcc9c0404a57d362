/// @file
/// The largest output of a linear layer, found where the outputs are: what greedy search waits for at every word.
/// cuBLAS computes all of them, a block looks through each row, and only where the largest stood goes to the host.
#include "backend/prepared_linear.hpp"
#include "core/tensor.hpp"
#include "cuda_kernels.hpp"
#include "kernels/reduce.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

constexpr int at_once = 8;  ///< outputs of a thread that are on their way together: a row alone waits for nothing else

/// An output and where it stands: -1 for none yet, which is behind all others.
struct Found {
  Real value = Larger::none();
  std::int32_t at = -1;

  /// The larger of the two, of equal ones the first. Whoever asks in whatever order finds the same.
  __device__ void take(Real other, std::int32_t other_at) {
    const bool earlier = static_cast<std::uint32_t>(other_at) < static_cast<std::uint32_t>(at);
    if (other > value || (other == value && earlier)) {
      value = other;
      at = other_at;
    }
  }
  /// That of `Width` neighbouring lanes.
  template <int Width>
  __device__ void take_neighbours() {
#pragma unroll
    for (int distance = Width / 2; distance > 0; distance /= 2)
      take(__shfl_xor_sync(whole_warp, value, distance), __shfl_xor_sync(whole_warp, at, distance));
  }
};

/// found[row] = where the largest of x[row] + bias stands. A row per block. What is no number or minus infinity is
/// never larger than the nothing that a thread begins with.
__global__ void __launch_bounds__(block_threads)
    find_largest(const Real* __restrict__ x, const Real* __restrict__ bias, int outputs,
                 std::int32_t* __restrict__ found) {
  x += static_cast<Index>(blockIdx.x) * outputs;
  Found best;
  for (int first = static_cast<int>(threadIdx.x); first < outputs; first += at_once * block_threads) {
    Real values[at_once];
#pragma unroll
    for (int i = 0; i < at_once; ++i) {
      const int o = first + i * block_threads;
      values[i] = o < outputs ? x[o] + bias[o] : Larger::none();
    }
#pragma unroll
    for (int i = 0; i < at_once; ++i) {
      const int o = first + i * block_threads;
      if (values[i] > best.value) best = {values[i], o};
    }
  }
  best.take_neighbours<32>();
  SHARED(Real, largest, [block_warps]);
  SHARED(std::int32_t, places, [block_warps]);
  if (threadIdx.x % 32 == 0) {
    largest[threadIdx.x / 32] = best.value;
    places[threadIdx.x / 32] = best.at;
  }
  __syncthreads();
  if (threadIdx.x >= 32) return;
  best = {largest[threadIdx.x % block_warps], places[threadIdx.x % block_warps]};
  best.take_neighbours<block_warps>();
  if (threadIdx.x == 0) found[blockIdx.x] = best.at;
}

/// The layer's bias, which keeps barred outputs below all others; zeros where it has none.
std::vector<Real> barring_bias(CudaKernels& kernels, const LinearWeights& weights,
                               std::span<const std::int32_t> barred) {
  std::vector<Real> bias(static_cast<std::size_t>(weights.out));
  if (weights.bias) kernels.download(bias.data(), weights.bias, bias.size() * sizeof(Real));
  for (std::int32_t output : barred) bias[static_cast<std::size_t>(output)] = Larger::none();
  return bias;
}

class CudaLargestOutput final : public LargestOutput {
 public:
  CudaLargestOutput(CudaKernels& kernels, const LinearWeights& weights, std::span<const std::int32_t> barred)
      : kernels_(kernels), weights_(weights),
        bias_(TensorOf<Real>::from(kernels, {weights.out}, barring_bias(kernels, weights, barred))) {}

  void find(const Real* x, Index rows, std::int32_t* found) const override {
    if (rows == 0) return;
    const Index in = weights_.in, out = weights_.out;
    TensorOf<Real> outputs = TensorOf<Real>::empty(kernels_, {rows, out});
    TensorOf<std::int32_t> places = TensorOf<std::int32_t>::empty(kernels_, {rows});
    kernels_.gemm({.transpose_b = true, .m = rows, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out}, x,
                  weights_.weight, outputs.mutable_data());
    const LaunchShape a_block_per_row{dim3(static_cast<unsigned>(rows)), dim3(block_threads), 0, kernels_.stream()};
    check(launch(a_block_per_row, find_largest, outputs.data(), bias_.data(), static_cast<int>(out), places.mutable_data()),
          "largest output");
    kernels_.download(found, places.data(), static_cast<std::size_t>(rows) * sizeof *found);
  }

  std::int32_t guess(const Real* x) const override {
    std::int32_t found = -1;
    find(x, 1, &found);
    return found;
  }

 private:
  CudaKernels& kernels_;
  LinearWeights weights_;
  TensorOf<Real> bias_;
};

}  // namespace

std::unique_ptr<LargestOutput> CudaKernels::prepare_largest(const LinearWeights& weights,
                                                            std::span<const std::int32_t> barred) {
  return std::make_unique<CudaLargestOutput>(*this, weights, barred);
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
