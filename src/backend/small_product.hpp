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

/// A tile of `rows` × `vectors` · vector_width. Its sums are cleared one by one and its loops unrolled, or GCC would keep a
/// copy of it in memory; and what is told of the product is read before c is written, which might change it.
template <int rows, int vectors>
inline void product_tile(const SmallProduct& p, const Real* a, const Real* b, Real* c) {
  const Index k = p.k, a_row = p.a_row, a_col = p.a_col, ldb = p.ldb, ldc = p.ldc;
  const Real alpha = p.alpha;
  const bool add = p.add;
  Vector total[rows][vectors];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) total[r][v] = 0;
  for (Index l = 0; l < k; ++l) {
    Vector right[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) right[v].copy_from(b + l * ldb + v * vector_width, unaligned);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const Vector left = a[r * a_row + l * a_col];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) total[r][v] += left * right[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      Real* to = c + r * ldc + v * vector_width;
      Vector out = alpha * total[r][v];
      if (add) out += Vector(to, unaligned);
      out.copy_to(to, unaligned);
    }
}

/// The columns left over, fewer than vector_width.
template <int rows>
inline void product_edge(const SmallProduct& p, Index cols, const Real* a, const Real* b, Real* c) {
  for (int r = 0; r < rows; ++r) {
    Real total[vector_width] = {};
    for (Index l = 0; l < p.k; ++l)
      for (Index j = 0; j < cols; ++j) total[j] += a[r * p.a_row + l * p.a_col] * b[l * p.ldb + j];
    for (Index j = 0; j < cols; ++j) {
      Real& to = c[r * p.ldc + j];
      to = p.add ? to + p.alpha * total[j] : p.alpha * total[j];
    }
  }
}

/// `rows` rows of c, two vectors of columns at a time while there are as many.
template <int rows>
inline void product_rows(const SmallProduct& p, const Real* a, const Real* b, Real* c) {
  Index j = 0;
  for (; j + 2 * vector_width <= p.n; j += 2 * vector_width) product_tile<rows, 2>(p, a, b + j, c + j);
  for (; j + vector_width <= p.n; j += vector_width) product_tile<rows, 1>(p, a, b + j, c + j);
  if (j < p.n) product_edge<rows>(p, p.n - j, a, b + j, c + j);
}

inline void small_product(const SmallProduct& p, const Real* a, const Real* b, Real* c) {
  Index i = 0;
  for (; i + 4 <= p.m; i += 4) product_rows<4>(p, a + i * p.a_row, b, c + i * p.ldc);
  for (; i < p.m; ++i) product_rows<1>(p, a + i * p.a_row, b, c + i * p.ldc);
}

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
