#include "backend/small_product.hpp"

#include <array>
#include <cstddef>
#include <utility>

#include "backend/vector.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// Rows of a tile. Each row has a sum or two that wait for themselves in every step, so the more the better, as long as all
/// stay in registers: of 32 or of 16.
constexpr int most_tile_rows = sizeof(Vector) >= 64 ? 8 : 6;

/// A tile of `rows` × `vectors` · vector_width. Its sums are cleared one by one and its loops unrolled, or GCC would keep a
/// copy of it in memory; and what is told of the product is read before c is written, which might change it.
template <int rows, int vectors>
void product_tile(const SmallProduct& p, const Real* a, const Real* b, Real* c) {
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
void product_edge(const SmallProduct& p, Index cols, const Real* a, const Real* b, Real* c) {
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
void product_rows(const SmallProduct& p, const Real* a, const Real* b, Real* c) {
  Index j = 0;
  for (; j + 2 * vector_width <= p.n; j += 2 * vector_width) product_tile<rows, 2>(p, a, b + j, c + j);
  for (; j + vector_width <= p.n; j += vector_width) product_tile<rows, 1>(p, a, b + j, c + j);
  if (j < p.n) product_edge<rows>(p, p.n - j, a, b + j, c + j);
}

using ProductRows = void (*)(const SmallProduct&, const Real*, const Real*, Real*);
/// By how many rows, less one.
constexpr auto product_of = []<std::size_t... i>(std::index_sequence<i...>) {
  return std::array<ProductRows, most_tile_rows>{product_rows<static_cast<int>(i) + 1>...};
}(std::make_index_sequence<most_tile_rows>());

}  // namespace

void small_product(const SmallProduct& p, const Real* a, const Real* b, Real* c) {
  const Index tiles = (p.m + most_tile_rows - 1) / most_tile_rows;
  for (Index tile = 0; tile < tiles; ++tile) {
    const Index first = p.m * tile / tiles, rows = p.m * (tile + 1) / tiles - first;
    product_of[static_cast<std::size_t>(rows - 1)](p, a + first * p.a_row, b, c + first * p.ldc);
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
