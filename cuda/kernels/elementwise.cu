// What is done to each number by itself: one kernel, `map`, and a small function for each operation.
//
// All of these are bound by memory: a number is read, little is computed, a number is written. So a thread takes
// sixteen bytes at a time, and a grid of a few thousand blocks strides over the rest.
#include <cmath>
#include <type_traits>

#include "cuda_kernels.hpp"
#include "kernels/activation.cuh"
#include "kernels/pack.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// out[i] = f(in[i]…). `out` may be one of the inputs: a thread reads only what it writes, before it writes it.
template <int Width, class F, class... In>
__global__ void map(F f, Real* out, Index n, const In*... in) {
  const Index step = static_cast<Index>(gridDim.x) * block_threads;
  Index i = static_cast<Index>(blockIdx.x) * block_threads + threadIdx.x;
  for (; (i + 1) * Width <= n; i += step) {
    Pack<Width> result;
    const auto compute = [&](const auto&... packs) {
#pragma unroll
      for (int j = 0; j < Width; ++j) result.at[j] = f(packs.at[j]...);
    };
    compute(load<Width>(in, i * Width)...);
    store<Width>(out, i * Width, result);
  }
  // The last numbers, fewer than a pack, are those of the one thread that would have had the next pack.
  if (i == n / Width)
    for (Index j = i * Width; j < n; ++j) out[j] = f(in[j]...);
}

template <class F, class... In>
void run_map(const char* name, cudaStream_t stream, F f, Real* out, Index n, const In*... in) {
  if (n == 0) return;
  with_width(aligned(out, in...), [&](auto width) {
    const unsigned blocks = blocks_for(n, block_threads * width(), 4096);
    check(launch({dim3(blocks), dim3(block_threads), 0, stream}, map<width(), F, In...>, f, out, n, in...), name);
  });
}

struct Constant {
  Real value;
  __device__ Real operator()() const { return value; }
};
struct Sum {
  __device__ Real operator()(Real a, Real b) const { return a + b; }
};
struct Product {
  __device__ Real operator()(Real a, Real b) const { return a * b; }
};
struct Scaled {
  Real factor;
  __device__ Real operator()(Real x) const { return x * factor; }
};
struct ActivationOf {
  Activation kind;
  __device__ Real operator()(Real x) const { return activation(kind, x); }
};
struct ActivationBack {
  Activation kind;
  Real factor;
  __device__ Real operator()(Real x, Real dy) const { return factor * dy * activation_slope(kind, x); }
};

/// x *= *factor, where a factor of 1 costs the start of a kernel and nothing else.
__global__ void scale_by_kernel(Real* x, const Real* factor, Index n) {
  const Real f = *factor;
  if (f == 1) return;
  const Index step = static_cast<Index>(gridDim.x) * block_threads;
  for (Index i = static_cast<Index>(blockIdx.x) * block_threads + threadIdx.x; i < n; i += step) x[i] *= f;
}

}  // namespace

void CudaKernels::fill(Real* out, Real value, Index n) { run_map("fill", stream(), Constant{value}, out, n); }

void CudaKernels::copy(const Real* x, Real* out, Index n) {
  if (n == 0 || x == out) return;
  check(cudaMemcpyAsync(out, x, static_cast<std::size_t>(n) * sizeof(Real), cudaMemcpyDeviceToDevice, stream()), "copy");
}

void CudaKernels::add(const Real* a, const Real* b, Real* out, Index n) {
  run_map("add", stream(), Sum{}, out, n, a, b);
}

void CudaKernels::multiply(const Real* a, const Real* b, Real* out, Index n) {
  run_map("multiply", stream(), Product{}, out, n, a, b);
}

void CudaKernels::scale(const Real* x, Real factor, Real* out, Index n) {
  run_map("scale", stream(), Scaled{factor}, out, n, x);
}

void CudaKernels::scale_by(Real* x, const Real* factor, Index n) {
  if (n == 0) return;
  check(launch({dim3(blocks_for(n, block_threads, 1024)), dim3(block_threads), 0, stream()}, scale_by_kernel, x, factor,
               n),
        "scale_by");
}

void CudaKernels::activate(Activation kind, const Real* x, Real* out, Index n) {
  run_map("activate", stream(), ActivationOf{kind}, out, n, x);
}

void CudaKernels::activate_backward(Activation kind, const Real* x, const Real* dy, Real factor, Real* dx, Index n) {
  run_map("activate_backward", stream(), ActivationBack{kind, factor}, dx, n, x, dy);
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
