#include "backend/packed_product.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "backend/aligned.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr auto unaligned = std::experimental::element_aligned;

constexpr Index line_values = 64 / sizeof(Real);  ///< in a line of the cache
constexpr Index turns_ahead = 16;  ///< of the inner loop, that b is fetched into the first-level cache
constexpr Index column_block = 512;  ///< columns of b packed at a time
constexpr Index strip_tiles = 12;  ///< tiles of op(a) packed at a time when a is transposed

/// One tile: `left` holds rows `row_step` apart and inner indices `inner_step` apart, `right` a panel. It was just packed, and
/// is in the second-level cache, from where it is fetched some turns ahead; or it comes from afar, and `lines` a turn are
/// fetched of what follows it.
template <int rows, int vectors, Index row_step, Index inner_step, int lines>
void tile(Index inner, const Real* left, const Real* right, const Store& to) {
  constexpr Index width = vectors * vector_width;
  Vector total[rows][vectors] = {};
  for (int r = 0; r < rows; ++r)  // by the time the sums are made, what they are added to is there
    for (int v = 0; v < vectors; ++v) __builtin_prefetch(to.c + r * to.ldc + v * vector_width, 1, 3);
  for (Index l = 0; l < inner; ++l) {
    if constexpr (lines == 0)
      for (Index line = 0; line < width; line += line_values)
        __builtin_prefetch(right + turns_ahead * width + line, 0, 3);
    else if constexpr (rows > 1)  // one row leaves that to the processor
      for (int line = 0; line < lines; ++line) __builtin_prefetch(to.next + l * to.step + line * line_values, 0, 2);
    Vector panel[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) panel[v].copy_from(right + v * vector_width, unaligned);
    // Without being told, GCC takes two turns of the outer loop at once instead, and keeps the tile in memory.
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const Vector x = left[r * row_step];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) total[r][v] += x * panel[v];
    }
    left += inner_step;
    right += width;
  }
  if (to.cols == width) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        Real* c = to.c + r * to.ldc + v * vector_width;
        Vector out = to.alpha * total[r][v];
        if (to.beta != 0) out += to.beta * Vector(c, unaligned);
        if (to.bias) out += Vector(to.bias + v * vector_width, unaligned);
        if (to.relu) where(out < 0, out) = 0;
        out.copy_to(c, unaligned);
      }
    return;
  }
  // By way of memory of its own: an index that is known only now would keep the whole tile in memory.
  Real edge[rows][width];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) (to.alpha * total[r][v]).copy_to(edge[r] + v * vector_width, unaligned);
  for (int r = 0; r < rows; ++r)
    for (Index j = 0; j < to.cols; ++j) {
      Real out = edge[r][j];
      if (to.beta != 0) out += to.beta * to.c[r * to.ldc + j];
      if (to.bias) out += to.bias[j];
      to.c[r * to.ldc + j] = to.relu && out < 0 ? 0 : out;
    }
}

/// Tiles of every height and of both widths, for a's copy row by row or inner index by inner index.
template <Index row_step, Index inner_step, int lines>
struct Tiles {
  template <int vectors, int... heights>
  static constexpr std::array<Tile, sizeof...(heights)> of(std::integer_sequence<int, heights...>) {
    return {tile<heights + 1, vectors, row_step, inner_step, lines>...};
  }
  static constexpr std::make_integer_sequence<int, static_cast<int>(tile_rows)> heights{};
  static constexpr auto narrow = of<2>(heights), wide = of<3>(heights);

  static Tile get(Index rows, Index width) {
    return (width == 3 * vector_width ? wide : narrow)[static_cast<std::size_t>(rows - 1)];
  }
};
using TilesByRow = Tiles<left_stride, 1, 0>;
using TilesByInner = Tiles<1, tile_rows, 0>;

/// One block of the product, and where its sides lie.
struct Block {
  const Gemm& g;
  Index l, inner;  ///< inner indices [l, l + inner)
  Index j;         ///< first column
  Panels panels;   ///< its columns
};

/// out[l · out_stride + j] = x[j · x_stride + l] for l < rows, j < cols: a turn of square pieces, which registers hold.
void turn(const Real* x, Index x_stride, Index rows, Index cols, Real* out, Index out_stride) {
  constexpr Index side = 8;
  Index j = 0;
  for (; j + side <= cols; j += side) {
    Index l = 0;
    for (; l + side <= rows; l += side) {
      Real square[side][side];
      for (Index r = 0; r < side; ++r)
        for (Index c = 0; c < side; ++c) square[c][r] = x[(j + r) * x_stride + l + c];
      for (Index c = 0; c < side; ++c) std::copy_n(square[c], side, out + (l + c) * out_stride + j);
    }
    for (; l < rows; ++l)
      for (Index r = 0; r < side; ++r) out[l * out_stride + j + r] = x[(j + r) * x_stride + l];
  }
  for (; j < cols; ++j)
    for (Index l = 0; l < rows; ++l) out[l * out_stride + j] = x[j * x_stride + l];
}

/// A copy of up to `whole` values; that many is the common case, and one for which nothing need be called.
template <Index whole>
void copy_run(const Real* x, Index count, Real* out) {
  if (count == whole)
    std::memcpy(out, x, whole * sizeof(Real));
  else
    std::copy_n(x, count, out);
}

/// A panel of op(b) that begins with column j.
template <Index width>
void pack_rows(const Block& s, const Real* b, Index j, Index cols, Real* out) {
  if (cols < width) std::fill_n(out, s.inner * width, Real{0});
  for (Index l = 0; l < s.inner; ++l) copy_run<width>(b + (s.l + l) * s.g.ldb + j, cols, out + l * width);
}

/// The block's panels of op(b).
void pack_right(const Block& s, const Real* b, Real* out) {
  for (Index p = 0; p < s.panels.count; ++p) {
    const Index j = s.j + s.panels.begin(p), cols = s.panels.filled(p), width = s.panels.width(p);
    Real* panel = out + s.panels.begin(p) * s.inner;
    if (s.g.transpose_b)
      pack_panel(b + j * s.g.ldb + s.l, s.g.ldb, s.inner, cols, width, panel);
    else if (width == 3 * vector_width)
      pack_rows<3 * vector_width>(s, b, j, cols, panel);
    else
      pack_rows<2 * vector_width>(s, b, j, cols, panel);
  }
}

/// Tiles [first, end) of op(a) from columns of a, one after the other as tiles_by_inner want them. Several at once, since
/// every inner index is a row of a, and perhaps a page of memory, of its own. What a tile is too short for is not read.
void pack_left(const Block& s, const TileRows& rows, Index first, Index end, const Real* a, Real* out) {
  for (Index l = 0; l < s.inner; ++l) {
    const Real* from = a + (s.l + l) * s.g.lda;
    for (Index t = first; t < end; ++t) {
      const Index i = rows.begin(t);
      copy_run<tile_rows>(from + i, std::min(tile_rows, rows.all - i), out + ((t - first) * s.inner + l) * tile_rows);
    }
  }
}

/// Rows [i, i + rows) of a, one tile's, as tiles_by_row want them.
void copy_left(const Block& s, Index i, Index rows, const Real* a, Real* out) {
  for (Index r = 0; r < rows; ++r) std::copy_n(a + (i + r) * s.g.lda + s.l, s.inner, out + r * left_stride);
}

/// Rows [i, i + rows) of c, one tile's; the block's columns; what the block's inner indices add.
void row_of_tiles(const Block& s, Index i, Index rows, const Real* left, const Real* right, Real* c) {
  for (Index p = 0; p < s.panels.count; ++p) {
    const Index j = s.panels.begin(p), width = s.panels.width(p);
    (s.g.transpose_a ? TilesByInner::get(rows, width) : TilesByRow::get(rows, width))(
        s.inner, left, right + j * s.inner,
        {s.g.alpha, s.l == 0 ? s.g.beta : Real{1}, c + i * s.g.ldc + s.j + j, s.g.ldc, s.panels.filled(p)});
  }
}

/// All rows of c, the block's columns, what the block's inner indices add.
void block_product(const Block& s, const Real* a, const Real* right, Real* left, Real* c) {
  const TileRows rows{s.g.m};
  const Index together = s.g.transpose_a ? strip_tiles : 1;
  for (Index first = 0; first < rows.tiles; first += together) {
    const Index end = std::min(rows.tiles, first + together);
    if (s.g.transpose_a)
      pack_left(s, rows, first, end, a, left);
    else
      copy_left(s, rows.begin(first), rows.count(first), a, left);
    for (Index t = first; t < end; ++t)
      row_of_tiles(s, rows.begin(t), rows.count(t), left + (t - first) * tile_rows * s.inner, right, c);
  }
}

struct alignas(64) Scratch {
  Real left[std::max(tile_rows * left_stride, strip_tiles * tile_rows * inner_block)];
  AlignedVector<Real> right = AlignedVector<Real>(inner_block * column_block);
};

}  // namespace

Tile tile_of_weights(Index rows, Index width, Index tiles) {
  if (tiles == 1) return Tiles<left_stride, 1, 3>::get(rows, width);
  return tiles == 2 ? Tiles<left_stride, 1, 2>::get(rows, width) : Tiles<left_stride, 1, 1>::get(rows, width);
}

void pack_panel(const Real* b, Index ldb, Index inner, Index cols, Index width, Real* out) {
  if (cols < width) std::fill_n(out, inner * width, Real{0});
  turn(b, ldb, inner, cols, out, width);
}

void packed_product(const Gemm& g, const Real* a, const Real* b, Real* c) {
  thread_local Scratch memory;
  for (Index l = 0; l < g.k; l += inner_block)
    for (Index j = 0; j < g.n; j += column_block) {
      const Block s{g, l, std::min(inner_block, g.k - l), j, Panels{std::min(column_block, g.n - j)}};
      pack_right(s, b, memory.right.data());
      block_product(s, a, memory.right.data(), memory.left, c);
    }
}

}  // namespace tenfold::inline TENFOLD_REAL
