#include "cublas.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/errors.hpp"

#if defined(__CUDACC__)
#include <dlfcn.h>
#endif

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

/// The S or the D function, as Real is.
template <class Single, class Double>
constexpr auto by_precision(Single* single, Double* twice) {
  if constexpr (std::is_same_v<Real, float>) return single;
  else return twice;
}

/// What we use of the library.
struct Functions {
  decltype(&cublasCreate) create;
  decltype(&cublasDestroy) destroy;
  decltype(&cublasSetStream) set_stream;
  decltype(&cublasSetMathMode) set_math_mode;
  decltype(&cublasGetStatusString) status_string;
  decltype(by_precision(&cublasSgemm, &cublasDgemm)) gemm;
  decltype(by_precision(&cublasSgemmStridedBatched, &cublasDgemmStridedBatched)) gemm_batched;
};

#if defined(__CUDACC__)
#define TENFOLD_TEXT_OF(x) #x
#define TENFOLD_TEXT(x) TENFOLD_TEXT_OF(x)

template <class F>
void find(void* library, F& function, const char* name) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (!function) throw CudaError(std::string("cuBLAS has no function ") + name + ": is it another version?");
}

Functions loaded() {
  // By its name, where the system looks for libraries; else where it was when this program was built.
  constexpr const char* name = "libcublas.so." TENFOLD_TEXT(CUBLAS_VER_MAJOR);
  void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) library = dlopen((std::string(TENFOLD_CUBLAS_DIR "/") + name).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw CudaError(std::string("cannot load ") + name + ", which multiplies matrices on the card: install cuBLAS, or name its folder "
                    "in LD_LIBRARY_PATH");
  Functions f{};
  constexpr bool single = std::is_same_v<Real, float>;
  find(library, f.create, "cublasCreate_v2");
  find(library, f.destroy, "cublasDestroy_v2");
  find(library, f.set_stream, "cublasSetStream_v2");
  find(library, f.set_math_mode, "cublasSetMathMode");
  find(library, f.status_string, "cublasGetStatusString");
  find(library, f.gemm, single ? "cublasSgemm_v2" : "cublasDgemm_v2");
  find(library, f.gemm_batched, single ? "cublasSgemmStridedBatched" : "cublasDgemmStridedBatched");
  return f;
}
#else
Functions loaded() {
  return {cublasCreate, cublasDestroy, cublasSetStream, cublasSetMathMode, cublasGetStatusString,
          by_precision(&cublasSgemm, &cublasDgemm), by_precision(&cublasSgemmStridedBatched, &cublasDgemmStridedBatched)};
}
#endif

const Functions& blas() {
  static const Functions functions = loaded();
  return functions;
}

void check_status(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) throw CudaError(std::string(what) + ": cuBLAS says " + blas().status_string(status));
}

bool tf32_wanted() {
  const char* wish = std::getenv("TENFOLD_TF32");
  const std::string_view text = wish ? wish : "";
  if (text != "" && text != "0" && text != "1") throw UsageError("TENFOLD_TF32 must be 0 or 1, got \"" + std::string(text) + "\"");
  return text == "1";
}

int to_int(Index n) {
  if (n > 0x7fffffff) throw CudaError("gemm: an extent of more than 2^31 is too much for cuBLAS");
  return static_cast<int>(n);
}

/// A distance between rows, which cuBLAS wants to be at least 1 even where there is only one.
int distance(Index ld) { return to_int(std::max<Index>(ld, 1)); }

}  // namespace

Cublas::Cublas(cudaStream_t stream) {
  const bool tf32 = tf32_wanted();
  cublasHandle_t handle = nullptr;
  check_status(blas().create(&handle), "start of cuBLAS");
  handle_.reset(handle);
  check_status(blas().set_stream(handle, stream), "start of cuBLAS");
  check_status(blas().set_math_mode(handle, tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH), "start of cuBLAS");
}

void Cublas::Destroy::operator()(cublasHandle_t handle) const {
  // At the end of the program CUDA may be gone before us, and the library with it.
  int device = 0;
  if (cudaGetDevice(&device) == cudaSuccess) blas().destroy(handle);
}

// cuBLAS counts along columns. What it takes for the matrix M stored with distance ld is our Mᵀ, and Cᵀ = op(B)ᵀ
// op(A)ᵀ: so the factors change places, as do m and n, and the flags stay as they are.
void Cublas::gemm(const Gemm& g, const Real* a, const Real* b, Real* c) const {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return;
  const auto flag = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  const int m = to_int(g.m), n = to_int(g.n), k = to_int(g.k);
  const int lda = distance(g.lda), ldb = distance(g.ldb), ldc = distance(g.ldc);
  if (g.batch == 1)
    check_status(blas().gemm(handle_.get(), flag(g.transpose_b), flag(g.transpose_a), n, m, k, &g.alpha, b, ldb, a, lda, &g.beta,
                             c, ldc),
                 "gemm");
  else
    check_status(blas().gemm_batched(handle_.get(), flag(g.transpose_b), flag(g.transpose_a), n, m, k, &g.alpha, b,
                                     ldb, g.stride_b, a, lda, g.stride_a, &g.beta, c, ldc, g.stride_c, to_int(g.batch)),
                 "gemm");
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
