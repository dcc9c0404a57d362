#include "backend/tiles.hpp"

#include <array>
#include <utility>

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index line_values = 64 / sizeof(Real);  ///< in a line of the cache
constexpr Index turns_ahead = 16;  ///< of the inner loop, that b is fetched into the first-level cache

/// What a tile's sums come to where it is wider than what is left of c.
void store_edge(const Real* totals, Index rows, Index width, const Store& to) {
  for (Index r = 0; r < rows; ++r)
    for (Index j = 0; j < to.cols; ++j) {
      Real out = to.alpha * totals[r * width + j];
      if (to.beta != 0) out += to.beta * to.c[r * to.ldc + j];
      if (to.bias) out += to.bias[j];
      to.c[r * to.ldc + j] = to.relu && out < 0 ? 0 : out;
    }
}

/// One tile: `left` holds rows `row_step` apart, or to.left_step where that is 0, and inner indices `inner_step` apart,
/// `right` a panel. It was just packed, and is in the second-level cache, from where it is fetched some turns ahead; or
/// it came `from_afar`, and of what follows it a share is fetched.
template <int rows, int vectors, Index row_step, Index inner_step, bool from_afar>
void tile(Index inner, const Real* left, const Real* right, const Store& to) {
  constexpr Index width = vectors * vector_width;
  Vector total[rows][vectors];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)  // one by one: as a whole GCC would clear it in memory first
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) total[r][v] = 0;
  const Index left_step = row_step > 0 ? row_step : to.left_step;
  for (Index l = 0; l < inner; ++l) {
    if (l < rows)  // by the time the sums are made, what they are added to is there; of few inner indices not all of it
      for (int v = 0; v < vectors; ++v) __builtin_prefetch(to.c + l * to.ldc + v * vector_width, 1, 3);
    if constexpr (!from_afar) {
      for (Index line = 0; line < width; line += line_values)
        __builtin_prefetch(right + turns_ahead * width + line, 0, 3);
    } else if constexpr (rows > 1) {  // one row leaves that to the processor
      const Real* next = to.next + l * to.step;
      __builtin_prefetch(next, 0, 2);
      if (to.step > line_values) __builtin_prefetch(next + line_values, 0, 2);
      if (to.step > 2 * line_values) __builtin_prefetch(next + 2 * line_values, 0, 2);
    }
    Vector panel[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) panel[v].copy_from(right + v * vector_width, unaligned);
    // Without being told, GCC takes two turns of the outer loop at once instead, and keeps the tile in memory.
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const Vector x = left[r * left_step];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) total[r][v] += x * panel[v];
    }
    left += inner_step;
    right += width;
  }
  if (to.cols == width) {
    const Store of = to;  // a copy: for all the compiler knows, writing c changes what is told of it
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        Real* c = of.c + r * of.ldc + v * vector_width;
        finished<from_afar>(total[r][v], of, c, of.bias ? of.bias + v * vector_width : nullptr).copy_to(c, unaligned);
      }
    return;
  }
  // By way of memory of its own: an index that is known only now would keep the whole tile in memory.
  Real edge[rows * width];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) total[r][v].copy_to(edge + r * width + v * vector_width, unaligned);
  store_edge(edge, rows, width, to);
}

/// Tiles of every height and of both widths, for a row by row or inner index by inner index.
template <Index row_step, Index inner_step, bool from_afar>
struct Tiles {
  template <int vectors, int... heights>
  static constexpr std::array<Tile, sizeof...(heights)> of(std::integer_sequence<int, heights...>) {
    return {tile<heights + 1, vectors, row_step, inner_step, from_afar>...};
  }
  static constexpr std::make_integer_sequence<int, static_cast<int>(tile_rows)> heights{};
  static constexpr auto narrow = of<2>(heights), wide = of<3>(heights);

  static Tile get(Index rows, Index width) {
    return (width == 3 * vector_width ? wide : narrow)[static_cast<std::size_t>(rows - 1)];
  }
};
}  // namespace

Tile tile_by_row(Index rows, Index width) { return Tiles<left_stride, 1, false>::get(rows, width); }
Tile tile_by_inner(Index rows, Index width) { return Tiles<1, tile_rows, false>::get(rows, width); }
Tile tile_of_weights(Index rows, Index width) { return Tiles<0, 1, true>::get(rows, width); }

}  // namespace tenfold::inline TENFOLD_REAL
