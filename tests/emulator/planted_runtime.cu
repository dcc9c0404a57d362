/// @file
/// Planted bugs in what the host does.
#include "planted.hpp"

namespace tenfold::planted {
namespace {

__global__ void increase(float* x, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] += 1;
}
struct Rows {
  int count;
  float* x;
};
__global__ void increase_rows(Rows rows) {
  if (static_cast<int>(threadIdx.x) < rows.count) rows.x[threadIdx.x] += 1;
}

void host_pointer(bool bug) {
  std::vector<float> x(10);
  DeviceArray<float> in(x);
  must(launch({dim3(1), dim3(32)}, increase, bug ? x.data() : in.get(), 10), "increase");
}
void host_pointer_in_struct(bool bug) {
  std::vector<float> x(10);
  DeviceArray<float> in(x);
  must(launch({dim3(1), dim3(32)}, increase_rows, Rows{10, bug ? x.data() : in.get()}), "increase_rows");
}
void host_touches(bool bug) {
  DeviceArray<float> in(std::vector<float>(10));
  if (bug) in.get()[0] = 3;
}
void wrong_kind(bool bug) {
  std::vector<float> x(10);
  DeviceArray<float> in(x);
  must(cudaMemcpy(x.data(), in.get(), 40, bug ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost), "cudaMemcpy");
}
void too_long_copy(bool bug) {
  std::vector<float> x(20);
  DeviceArray<float> in(10);
  must(cudaMemcpy(in.get(), x.data(), bug ? 44 : 40, cudaMemcpyHostToDevice), "cudaMemcpy");
}
void too_many_threads(bool bug) {
  DeviceArray<float> in(std::vector<float>(10));
  must(launch({dim3(1), dim3(bug ? 2048 : 64)}, increase, in.get(), 10), "increase");
}
void too_much_dynamic(bool bug) {
  DeviceArray<float> in(std::vector<float>(10));
  if (!bug) must(cudaFuncSetAttribute(increase, cudaFuncAttributeMaxDynamicSharedMemorySize, 50000), "cudaFuncSetAttribute");
  must(launch({dim3(1), dim3(32), 50000}, increase, in.get(), 10), "increase");
}
void leak(bool bug) {
  float* memory = nullptr;
  must(cudaMalloc(&memory, 40), "cudaMalloc");
  if (!bug) must(cudaFree(memory), "cudaFree");
}
void free_twice(bool bug) {
  float* memory = nullptr;
  must(cudaMalloc(&memory, 40), "cudaMalloc");
  must(cudaFree(memory), "cudaFree");
  if (bug) must(cudaFree(memory), "cudaFree");
}
// Row-major c = a b, for which cuBLAS is asked for the transposes: b first. The bug swaps a leading dimension.
void wrong_leading_dimension(bool bug) {
  const int m = 3, n = 5, k = 4;
  DeviceArray<float> a(std::vector<float>(m * k, 1)), b(std::vector<float>(k * n, 1)), c(static_cast<std::size_t>(m * n));
  cublasHandle_t handle;
  cublasCreate(&handle);
  const float one = 1, zero = 0;
  const cublasStatus_t status = cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, n, m, k, &one, b.get(), n, a.get(),
                                            bug ? 2 * k : k, &zero, c.get(), n);
  cublasDestroy(handle);
  if (status != CUBLAS_STATUS_SUCCESS) throw CudaError(cublasGetStatusString(status));
  expect(c.download(), std::vector<double>(static_cast<std::size_t>(m * n), k));
}

}  // namespace

std::vector<Planted> runtime_cases() {
  return {{"host-pointer", host_pointer}, {"host-pointer-in-struct", host_pointer_in_struct},
          {"host-touches-device", host_touches}, {"wrong-copy-kind", wrong_kind}, {"too-long-copy", too_long_copy},
          {"too-many-threads", too_many_threads}, {"too-much-dynamic-shared", too_much_dynamic}, {"leak", leak},
          {"free-twice", free_twice}, {"wrong-leading-dimension", wrong_leading_dimension}};
}

}  // namespace tenfold::planted
