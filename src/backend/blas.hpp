/// @file
/// The few BLAS calls we make, overloaded on the scalar. Row-major.
#pragma once
#include <cblas.h>

#include <type_traits>

#include "backend/kernels.hpp"

namespace tenfold::inline TENFOLD_REAL {

inline CBLAS_TRANSPOSE blas_flag(bool transpose) { return transpose ? CblasTrans : CblasNoTrans; }
inline blasint blas_int(Index n) { return static_cast<blasint>(n); }

/// One product of the batch: c = alpha · op(a) op(b) + beta · c.
template <class T>
void blas_gemm(const Gemm& g, const T* a, const T* b, T* c) {
  const auto call = [&](auto function) {
    function(CblasRowMajor, blas_flag(g.transpose_a), blas_flag(g.transpose_b), blas_int(g.m), blas_int(g.n),
             blas_int(g.k), static_cast<T>(g.alpha), a, blas_int(g.lda), b, blas_int(g.ldb),
             static_cast<T>(g.beta), c, blas_int(g.ldc));
  };
  if constexpr (std::is_same_v<T, float>)
    call(cblas_sgemm);
  else
    call(cblas_dgemm);
}

/// y = alpha · op(a) x + beta · y with a stored as [rows, cols]; x and y have x_step and y_step between
/// entries.
template <class T>
void blas_gemv(bool transpose, Index rows, Index cols, T alpha, const T* a, Index lda, const T* x,
               Index x_step, T beta, T* y, Index y_step) {
  // Not every OpenBLAS takes beta 0 as leave to ignore a NaN in y.
  if (beta == 0)
    for (Index i = 0; i < (transpose ? cols : rows); ++i) y[i * y_step] = 0;
  const auto call = [&](auto function) {
    function(CblasRowMajor, blas_flag(transpose), blas_int(rows), blas_int(cols), alpha, a, blas_int(lda), x,
             blas_int(x_step), beta, y, blas_int(y_step));
  };
  if constexpr (std::is_same_v<T, float>)
    call(cblas_sgemv);
  else
    call(cblas_dgemv);
}

}  // namespace tenfold::inline TENFOLD_REAL
