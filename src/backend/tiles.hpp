/// @file
/// The innermost part of large products: a few rows of a, times a panel of b.
///
/// The sums of a tile stay in registers while the inner index runs. What surrounds them is in
/// backend/packed_product.hpp.
#pragma once
#include "backend/vector.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Rows of a tile. The registers hold it, a row of b's panel and a number of a: of 32 that is 27 and four, of 16 twelve
/// and four.
inline constexpr Index tile_rows = sizeof(Vector) >= 64 ? 9 : 4;

/// Inner indices at a time: what a tile sums in registers.
inline constexpr Index inner_block = 256;
/// Between the rows of a's copy: no power of two, which caches mind.
inline constexpr Index left_stride = inner_block + 16;

/// c = alpha · tile + beta · c, as much of the tile as there is; then the bias is added, and relu taken. Bias and relu are a
/// layer's, for tile_of_weights() and sparse_product(); what is below them is for tile_of_weights() only.
struct Store {
  Real alpha, beta;            ///< as in Gemm
  Real* c;                     ///< where the tile begins
  Index ldc, cols;             ///< between c's rows; columns of the tile that are c's
  const Real* bias = nullptr;  ///< of the tile's columns, or null
  bool relu = false;           ///< whether negative results become 0
  Index left_step = 0;         ///< between a's rows
  const Real* next = nullptr;  ///< where to begin fetching what is read after this; need not be memory
  Index step = 0;              ///< how far to go on with it in a turn, at most three lines of the cache
};

/// What `total`, a vector of a tile's sums, becomes at c; `bias` is that of its columns, and like relu only a layer's.
/// Were it called, all sums would have to be in memory.
template <bool of_layer>
[[gnu::always_inline]] inline Vector finished(const Vector& total, const Store& to, const Real* c, const Real* bias) {
  Vector out = to.alpha * total;
  if (to.beta != 0) out += to.beta * Vector(c, unaligned);
  if constexpr (of_layer) {
    if (bias) out += Vector(bias, unaligned);
    if (to.relu) where(out < 0, out) = 0;
  }
  return out;
}

/// A tile of so many inner indices: its rows of a, left_stride or Store::left_step apart, and its panel of b, [inner,
/// width].
using Tile = void (*)(Index inner, const Real* left, const Real* right, const Store& to);
/// The tile of 1 to tile_rows rows and a panel of two or three vectors, whose panel was just packed and is near.
Tile tile_by_row(Index rows, Index width);
/// The same for rows of a that were copied inner index by inner index, each [tile_rows].
Tile tile_by_inner(Index rows, Index width);
/// The same, its panels read from wherever a model's weights are, and a where it is.
Tile tile_of_weights(Index rows, Index width);

}  // namespace tenfold::inline TENFOLD_REAL
