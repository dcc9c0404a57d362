/// @file
/// cuBLAS over cblas: the same column-major convention, so that how rows and columns are mapped is really tested.
#include "emulator/cublas.hpp"

#include <fmt/format.h>
#include <cblas.h>

#include <algorithm>

#include "emulator/device_memory.hpp"
#include "emulator/refusals.hpp"
#include "emulator/streams.hpp"

inline namespace cuda_emulated {
struct EmulatedBlas {
  cudaStream_t stream = nullptr;
};
}  // namespace cuda_emulated

namespace {

using tenfold::emulator::Call;
using tenfold::emulator::device_memory;
using tenfold::emulator::DeviceMemory;
using tenfold::emulator::refusal;
using tenfold::emulator::streams;

CBLAS_TRANSPOSE as_cblas(cublasOperation_t op) { return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans; }

void multiply(cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, float alpha, const float* a, int lda,
              const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasColMajor, as_cblas(ta), as_cblas(tb), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void multiply(cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, double alpha, const double* a, int lda,
              const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasColMajor, as_cblas(ta), as_cblas(tb), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// All of a stored matrix, rows × cols with `ld` from column to column, must be in one allocation.
template <class T>
void check(const char* name, const T* matrix, int rows, int cols, int ld) {
  if (rows == 0 || cols == 0) return;
  const std::size_t bytes = (static_cast<std::size_t>(ld) * (cols - 1) + rows) * sizeof(T);
  if (!device_memory().covers(matrix, bytes))
    tenfold::emulator::broken_rule(fmt::format("emulator: cublas gemm: {} [{} x {}, leading dimension {}] is not all in device "
                                         "memory, {}", name, rows, cols, ld, device_memory().describe(matrix)));
}

template <class T>
cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                    const T* alpha, const T* a, int lda, long long sa, const T* b, int ldb, long long sb, const T* beta,
                    T* c, int ldc, long long sc, int batch) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  const int rows_a = ta == CUBLAS_OP_N ? m : k, rows_b = tb == CUBLAS_OP_N ? k : n;
  if (m < 0 || n < 0 || k < 0 || batch < 0 || !alpha || !beta || lda < std::max(1, rows_a) ||
      ldb < std::max(1, rows_b) || ldc < std::max(1, m))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  for (long long i = 0; i < batch; ++i) {
    check("a", a + i * sa, rows_a, ta == CUBLAS_OP_N ? k : m, lda);
    check("b", b + i * sb, rows_b, tb == CUBLAS_OP_N ? n : k, ldb);
    check("c", c + i * sc, m, n, ldc);
  }
  streams().submit(handle->stream, [=, alpha_now = *alpha, beta_now = *beta] {
    const DeviceMemory::KernelAccess access;
    for (long long i = 0; i < batch; ++i)
      multiply(ta, tb, m, n, k, alpha_now, a + i * sa, lda, b + i * sb, ldb, beta_now, c + i * sc, ldc);
  });
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

inline namespace cuda_emulated {

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  if (refusal(Call::acquire)) return CUBLAS_STATUS_ALLOC_FAILED;
  return *handle = new EmulatedBlas, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) { return delete handle, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  if (refusal(Call::acquire)) return CUBLAS_STATUS_NOT_INITIALIZED;
  return handle->stream = stream, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }
const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED: return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "the GPU program failed to execute";
    case CUBLAS_STATUS_INTERNAL_ERROR: return "an internal operation failed";
  }
  return "unknown status";
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                           const float* alpha, const float* a, int lda, const float* b, int ldb, const float* beta,
                           float* c, int ldc) {
  return gemm(handle, op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}
cublasStatus_t cublasDgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                           const double* alpha, const double* a, int lda, const double* b, int ldb, const double* beta,
                           double* c, int ldc) {
  return gemm(handle, op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}
cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                                         int n, int k, const float* alpha, const float* a, int lda, long long stride_a,
                                         const float* b, int ldb, long long stride_b, const float* beta, float* c,
                                         int ldc, long long stride_c, int batch) {
  return gemm(handle, op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc, stride_c, batch);
}
cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                                         int n, int k, const double* alpha, const double* a, int lda, long long stride_a,
                                         const double* b, int ldb, long long stride_b, const double* beta, double* c,
                                         int ldc, long long stride_c, int batch) {
  return gemm(handle, op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc, stride_c, batch);
}

}  // namespace cuda_emulated
