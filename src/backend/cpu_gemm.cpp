// CpuKernels: matrix products.
#include <omp.h>

#include <algorithm>

#include "backend/blas.hpp"
#include "backend/cpu.hpp"
#include "backend/packed_product.hpp"
#include "backend/parallel.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

// Taken before main(), since OpenBLAS's calls to OpenMP and our own change what it would say later.
const int all_threads = omp_get_max_threads();

/// Multiplications that make a piece worth a thread of its own.
constexpr Index least_work = 64 * 64 * 64;

/// One product of the batch in the calling thread, whose c has one row. That goes to gemv: OpenBLAS's gemm packs all of the
/// matrix first, which takes longer than the product.
void row_product(const Gemm& g, const Real* a, const Real* b, Real* c) {
  blas_gemv(!g.transpose_b, g.transpose_b ? g.n : g.k, g.transpose_b ? g.k : g.n, g.alpha, b, g.ldb, a,
            g.transpose_a ? g.lda : 1, g.beta, c, 1);
}

/// The same for a c of one column.
void column_product(const Gemm& g, const Real* a, const Real* b, Real* c) {
  blas_gemv(g.transpose_a, g.transpose_a ? g.k : g.m, g.transpose_a ? g.m : g.k, g.alpha, a, g.lda, b,
            g.transpose_b ? 1 : g.ldb, g.beta, c, g.ldc);
}

}  // namespace

CpuKernels::CpuKernels(int threads) : threads_(threads > 0 ? threads : all_threads) {
  openblas_set_num_threads(1);  // its pthreads build; the OpenMP build asks OpenMP, see gemm()
}

std::unique_ptr<Kernels> make_cpu_kernels(int threads) { return std::make_unique<CpuKernels>(threads); }

// The longer side of c is cut, at multiples of 16 so that no micro-kernel of OpenBLAS works on half a tile. What computes the
// pieces depends on the whole: a row left over comes, by our tiles, to the bits it would have in company.
void CpuKernels::gemm(const Gemm& g, const Real* a, const Real* b, Real* c) {
  if (g.m == 0 || g.n == 0 || g.k == 0) return ReferenceKernels::gemm(g, a, b, c);
  omp_set_num_threads(1);
  constexpr auto matrix_product = packed_product_pays ? packed_product : blas_gemm<Real>;
  const auto product = g.m == 1 ? row_product : g.n == 1 ? column_product : matrix_product;
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
