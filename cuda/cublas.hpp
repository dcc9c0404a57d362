/// @file
/// Cublas: the matrix products of NVIDIA's library, for row-major matrices.
///
/// On a card the library is loaded when the first Cublas is made, not when the program starts: it is half a gigabyte
/// with what it needs, and a program that computes on the processor should neither wait for it nor need it.
/// On the emulator its functions stand on CBLAS (cuda/emulator/).
#pragma once
#include <memory>
#include <type_traits>

#include "backend/kernels.hpp"
#include "device.hpp"
#if defined(__CUDACC__)  // a large header, for this file alone; the emulator's comes with the rest
#include <cublas_v2.h>
#endif

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// A handle to the library on one stream. Not copied.
class Cublas {
 public:
  /// Throws CudaError where the library is not found, or does not start. With the environment's TENFOLD_TF32=1, float
  /// products round their factors to TF32 (10 bits after the point): several times as fast on the cards that have it.
  explicit Cublas(cudaStream_t stream);

  /// Kernels::gemm(). Throws CudaError.
  void gemm(const Gemm& g, const Real* a, const Real* b, Real* c) const;

 private:
  struct Destroy {
    void operator()(cublasHandle_t handle) const;
  };
  std::unique_ptr<std::remove_pointer_t<cublasHandle_t>, Destroy> handle_;
};

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
