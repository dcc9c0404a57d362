/// @file
/// Products of small matrices without BLAS's price per call: what attention is made of.
///
/// A tile of c stays in registers while the k loop runs: each step loads one row of b's tile and adds
/// multiples of it to every row of c's tile. Written with std::experimental::simd (Parallelism TS 2), since
/// compilers keep such a tile in registers only when told so.
#pragma once
#include <experimental/simd>

#include "core/real.hpp"
#include "core/shape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// c = alpha · a b, or c += alpha · a b when `add`. a is [m, k] and reached as a[i · a_row + l · a_col], so
/// either order will do; b is [k, n] and c [m, n], both with rows ldb and ldc apart.
struct SmallProduct {
  Index m = 0, n = 0, k = 0;
  Index a_row = 0, a_col = 1, ldb = 0, ldc = 0;
  Real alpha = 1;
  bool add = false;
};

using Vector = std::experimental::native_simd<Real>;
inline constexpr Index vector_width = static_cast<Index>(Vector::size());
/// How a vector is read from anywhere.
inline constexpr std::experimental::element_aligned_tag unaligned{};

/// The product, which begins with c's first row and column.
void small_product(const SmallProduct& p, const Real* a, const Real* b, Real* c);

/// c[r, j] = alpha · a[r] · b[j] + beta · c[r, j] for `rows` rows of a and four of b, all read along their
/// rows.
template <int rows>
inline void dot_tile(Index k, Real alpha, const Real* a, Index lda, const Real* b, Index ldb, Real beta,
                     Real* c, Index ldc) {
  Vector total[rows][4] = {};
  Index l = 0;
  for (; l + vector_width <= k; l += vector_width) {
    Vector right[4];
    for (int j = 0; j < 4; ++j) right[j].copy_from(b + j * ldb + l, unaligned);
    for (int r = 0; r < rows; ++r) {
      const Vector left(a + r * lda + l, unaligned);
      for (int j = 0; j < 4; ++j) total[r][j] += left * right[j];
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int j = 0; j < 4; ++j) {
      Real sum = std::experimental::reduce(total[r][j]);
      for (Index tail = l; tail < k; ++tail) sum += a[r * lda + tail] * b[j * ldb + tail];
      Real& to = c[r * ldc + j];
      to = beta == 0 ? alpha * sum : alpha * sum + beta * to;
    }
}

}  // namespace tenfold::inline TENFOLD_REAL
