#include "backend/packed_product.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr auto unaligned = std::experimental::element_aligned;

constexpr Index inner_block = 256;   ///< inner indices at a time
constexpr Index column_block = 512;  ///< columns of b packed at a time
constexpr Index left_stride =
    inner_block + 16;  ///< between rows of a's copy: no power of two, which caches mind

/// c = alpha · tile + beta · c, as much of the tile as there is.
struct Store {
  Real alpha, beta;
  Real* c;
  Index ldc, cols;
};

/// One tile: `left` holds rows `row_step` apart and inner indices `inner_step` apart, `right` a panel.
template <int rows, Index row_step, Index inner_step>
void tile(Index inner, const Real* left, const Real* right, const Store& to) {
  Vector total[rows][2] = {};
  for (Index l = 0; l < inner; ++l) {
    const Vector first(right, unaligned), second(right + vector_width, unaligned);
    for (int r = 0; r < rows; ++r) {
      const Vector x = left[r * row_step];
      total[r][0] += x * first;
      total[r][1] += x * second;
    }
    left += inner_step;
    right += tile_cols;
  }
  if (to.cols == tile_cols) {
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < 2; ++v) {
        Real* c = to.c + r * to.ldc + v * vector_width;
        Vector out = to.alpha * total[r][v];
        if (to.beta != 0) out += to.beta * Vector(c, unaligned);
        out.copy_to(c, unaligned);
      }
    return;
  }
  for (int r = 0; r < rows; ++r)
    for (Index j = 0; j < to.cols; ++j) {
      Real& c = to.c[r * to.ldc + j];
      const Real out = to.alpha * total[r][j / vector_width][static_cast<std::size_t>(j % vector_width)];
      c = to.beta == 0 ? out : out + to.beta * c;
    }
}

using Tile = void (*)(Index, const Real*, const Real*, const Store&);

/// Tiles of every height, for a's copy row by row or inner index by inner index.
template <Index row_step, Index inner_step, int... heights>
constexpr std::array<Tile, sizeof...(heights)> tiles(std::integer_sequence<int, heights...>) {
  return {tile<heights + 1, row_step, inner_step>...};
}
constexpr std::make_integer_sequence<int, static_cast<int>(tile_rows)> heights;
constexpr auto tiles_by_row = tiles<left_stride, 1>(heights);
constexpr auto tiles_by_inner = tiles<1, tile_rows>(heights);

/// One block of the product, and where its sides lie.
struct Block {
  const Gemm& g;
  Index l, inner;  ///< inner indices [l, l + inner)
  Index j, cols;   ///< columns [j, j + cols)
};

/// Columns of op(b) in panels [inner, tile_cols], zeros beyond the last column.
void pack_right(const Block& s, const Real* b, Real* out) {
  for (Index panel = 0; panel < s.cols; panel += tile_cols, out += s.inner * tile_cols) {
    const Index cols = std::min(tile_cols, s.cols - panel);
    if (cols < tile_cols) std::fill_n(out, s.inner * tile_cols, Real{0});
    if (s.g.transpose_b) {
      for (Index j = 0; j < cols; ++j) {
        const Real* from = b + (s.j + panel + j) * s.g.ldb + s.l;
        for (Index l = 0; l < s.inner; ++l) out[l * tile_cols + j] = from[l];
      }
    } else {
      for (Index l = 0; l < s.inner; ++l)
        std::copy_n(b + (s.l + l) * s.g.ldb + s.j + panel, cols, out + l * tile_cols);
    }
  }
}

/// Rows [i, i + rows) of op(a), as tiles_by_row or tiles_by_inner want them.
void copy_left(const Block& s, Index i, Index rows, const Real* a, Real* out) {
  if (s.g.transpose_a)
    for (Index l = 0; l < s.inner; ++l) std::copy_n(a + (s.l + l) * s.g.lda + i, rows, out + l * tile_rows);
  else
    for (Index r = 0; r < rows; ++r) std::copy_n(a + (i + r) * s.g.lda + s.l, s.inner, out + r * left_stride);
}

/// All rows of c, the block's columns, what the block's inner indices add.
void block_product(const Block& s, const Real* a, const Real* right, Real* left, Real* c) {
  const Index count = (s.g.m + tile_rows - 1) / tile_rows;  // tiles of nearly equal height
  for (Index t = 0; t < count; ++t) {
    const Index i = s.g.m * t / count, rows = s.g.m * (t + 1) / count - i;
    copy_left(s, i, rows, a, left);
    const Tile function =
        (s.g.transpose_a ? tiles_by_inner : tiles_by_row)[static_cast<std::size_t>(rows - 1)];
    for (Index j = 0; j < s.cols; j += tile_cols)
      function(s.inner, left, right + j * s.inner,
               {s.g.alpha, s.l == 0 ? s.g.beta : Real{1}, c + i * s.g.ldc + s.j + j, s.g.ldc,
                std::min(tile_cols, s.cols - j)});
  }
}

struct alignas(64) Scratch {
  Real left[tile_rows * left_stride];
  std::vector<Real> right = std::vector<Real>(inner_block * column_block);
};

}  // namespace

void packed_product(const Gemm& g, const Real* a, const Real* b, Real* c) {
  thread_local Scratch memory;
  for (Index l = 0; l < g.k; l += inner_block)
    for (Index j = 0; j < g.n; j += column_block) {
      const Block s{g, l, std::min(inner_block, g.k - l), j, std::min(column_block, g.n - j)};
      pack_right(s, b, memory.right.data());
      block_product(s, a, memory.right.data(), memory.left, c);
    }
}

}  // namespace tenfold::inline TENFOLD_REAL
