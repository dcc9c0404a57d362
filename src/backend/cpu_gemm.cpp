// CpuKernels: matrix products.
#include <omp.h>

#include <algorithm>

#include "backend/blas.hpp"
#include "backend/cpu.hpp"
#include "backend/packed_product.hpp"
#include "backend/parallel.hpp"
#include "backend/small_product.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

// Taken before main(), since OpenBLAS's calls to OpenMP and our own change what it would say later.
const int all_threads = omp_get_max_threads();

/// Multiplications that make a piece worth a thread of its own.
constexpr Index least_work = 64 * 64 * 64;

/// Up to so many rows few_rows() is faster than OpenBLAS (measured for n from 512 to 8,000, k 128 and 256).
constexpr Index most_few_rows = 8;

/// c = a bᵀ for a few rows, as in decoding sentence by sentence: b is read once and nothing is packed. n is a
/// multiple of four.
void few_rows(const Gemm& g, const Real* a, const Real* b, Real* c) {
  for (Index j = 0; j < g.n; j += 4) {
    const Real* right = b + j * g.ldb;
    Index i = 0;
    for (; i + 2 <= g.m; i += 2)
      dot_tile<2>(g.k, g.alpha, a + i * g.lda, g.lda, right, g.ldb, g.beta, c + i * g.ldc + j, g.ldc);
    if (i < g.m)
      dot_tile<1>(g.k, g.alpha, a + i * g.lda, g.lda, right, g.ldb, g.beta, c + i * g.ldc + j, g.ldc);
  }
}

/// One product of the batch in the calling thread. A row or column alone goes to gemv: OpenBLAS's gemm packs
/// all of the matrix first, which takes longer than the product.
void product(const Gemm& g, const Real* a, const Real* b, Real* c) {
  if (g.m == 1) {
    blas_gemv(!g.transpose_b, g.transpose_b ? g.n : g.k, g.transpose_b ? g.k : g.n, g.alpha, b, g.ldb, a,
              g.transpose_a ? g.lda : 1, g.beta, c, 1);
  } else if (g.n == 1) {
    blas_gemv(g.transpose_a, g.transpose_a ? g.k : g.m, g.transpose_a ? g.m : g.k, g.alpha, a, g.lda, b,
              g.transpose_b ? 1 : g.ldb, g.beta, c, g.ldc);
  } else if (g.m <= most_few_rows && g.transpose_b && !g.transpose_a && g.n % 4 == 0) {
    few_rows(g, a, b, c);
  } else if (packed_product_pays) {
    packed_product(g, a, b, c);
  } else {
    blas_gemm(g, a, b, c);
  }
}

}  // namespace

CpuKernels::CpuKernels(int threads) : threads_(threads > 0 ? threads : all_threads) {
  openblas_set_num_threads(1);  // its pthreads build; the OpenMP build asks OpenMP, see gemm()
}

std::unique_ptr<Kernels> make_cpu_kernels(int threads) { return std::make_unique<CpuKernels>(threads); }

// The longer side of c is cut, at multiples of 16 so that no micro-kernel of OpenBLAS works on half a tile.
void CpuKernels::gemm(const Gemm& g, const Real* a, const Real* b, Real* c) {
  if (g.m == 0 || g.n == 0 || g.k == 0) return ReferenceKernels::gemm(g, a, b, c);
  omp_set_num_threads(1);
  if (g.batch != 1) {
    const Index least = std::max<Index>(1, least_work / (g.m * g.n * g.k));
    parallel_ranges(threads_, g.batch, least, 1, [&](Index begin, Index end, int) {
      for (Index p = begin; p < end; ++p)
        product(g, a + p * g.stride_a, b + p * g.stride_b, c + p * g.stride_c);
    });
  } else if (g.m >= g.n) {
    parallel_ranges(threads_, g.m, std::max<Index>(16, least_work / (g.n * g.k)), 16,
                    [&](Index i, Index end, int) {
                      Gemm piece = g;
                      piece.m = end - i;
                      product(piece, a + (g.transpose_a ? i : i * g.lda), b, c + i * g.ldc);
                    });
  } else {
    parallel_ranges(threads_, g.n, std::max<Index>(16, least_work / (g.m * g.k)), 16,
                    [&](Index j, Index end, int) {
                      Gemm piece = g;
                      piece.n = end - j;
                      product(piece, a, b + (g.transpose_b ? j * g.ldb : j), c + j);
                    });
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
