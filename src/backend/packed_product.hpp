/// @file
/// Products of large matrices, from registers outwards.
///
/// A tile of c, tile_rows high and as wide as a panel of b, stays in registers while the inner index runs; each step loads
/// one row of the panel and adds multiples of it to every row of the tile. So that all loads are of neighbours, both
/// sides are copied first: b in panels, a block of `inner_block` × `column_block` at a
/// time, which stays in the second-level cache while all of a passes by; and of a the rows of one tile, which
/// stay in the first-level one. The order of summation depends on k alone, so the bits depend neither on
/// threads nor on how c is cut. The scheme is that of Goto and van de Geijn, "Anatomy of High-Performance
/// Matrix Multiplication" (2008).
#pragma once
#include <algorithm>

#include "backend/kernels.hpp"
#include "backend/small_product.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Rows of a tile. The registers hold it, a row of b's panel and a number of a: of 32 that is 27 and four, of 16 twelve
/// and four.
inline constexpr Index tile_rows = sizeof(Vector) >= 64 ? 9 : 4;

/// How columns are cut into panels: of three vectors as far as they go, and at the end of two, so that what is a multiple of
/// a vector is multiplied with no zeros. (Alone a vector counts as two.) A panel is stored as [inner, width], with zeros
/// beyond the last column, and the panels one after the other.
struct Panels {
  Index cols;  ///< columns
  Index vectors = std::max<Index>(2, (cols + vector_width - 1) / vector_width);  ///< that cover them
  Index narrow = (3 - vectors % 3) % 3;         ///< panels of two vectors
  Index wide = (vectors - 2 * narrow) / 3;      ///< panels of three
  Index count = wide + narrow;                  ///< panels
  Index stored = vectors * vector_width;        ///< columns with what fills them up
  /// First column of a panel, the last one's end for `count`.
  Index begin(Index panel) const { return (2 * panel + std::min(panel, wide)) * vector_width; }
  /// Its columns, zeros included: a multiple of a vector.
  Index width(Index panel) const { return (panel < wide ? 3 : 2) * vector_width; }
  /// Its columns without them.
  Index filled(Index panel) const { return std::min(width(panel), cols - begin(panel)); }
};

/// Whether these tiles are worth having: with vectors of 16 bytes OpenBLAS, which picks its code when it
/// starts, is faster than what this was compiled for.
inline constexpr bool packed_product_pays = sizeof(Vector) >= 32;

/// One product of g's batch in the calling thread.
void packed_product(const Gemm& g, const Real* a, const Real* b, Real* c);

/// Inner indices at a time: what a tile sums in registers.
inline constexpr Index inner_block = 256;
/// Between the rows of a's copy: no power of two, which caches mind.
inline constexpr Index left_stride = inner_block + 16;

/// c = alpha · tile + beta · c, as much of the tile as there is; then the bias is added, and relu taken.
struct Store {
  Real alpha, beta;            ///< as in Gemm
  Real* c;                     ///< where the tile begins
  Index ldc, cols;             ///< between c's rows; columns of the tile that are c's
  const Real* bias = nullptr;  ///< of the tile's columns, or null
  bool relu = false;           ///< whether negative results become 0
  const Real* next = nullptr;  ///< where to begin fetching what is read after this; need not be memory
  Index step = 0;              ///< how far to go on with it in a turn
};

/// A tile of so many inner indices: its rows of a, left_stride apart, and its panel of b, [inner, width].
using Tile = void (*)(Index inner, const Real* left, const Real* right, const Store& to);
/// The tile of 1 to tile_rows rows and a panel of that width, which is read from wherever a model's weights are.
Tile tile_of_weights(Index rows, Index width, Index tiles);

/// Columns of bᵀ, which are rows of b and ldb apart, as a panel [inner, width], zeros beyond the last.
void pack_panel(const Real* b, Index ldb, Index inner, Index cols, Index width, Real* out);

/// How the rows of c are cut into tiles of nearly equal height.
struct TileRows {
  Index all;                                        ///< rows
  Index tiles = (all + tile_rows - 1) / tile_rows;  ///< how many tiles
  /// First row of a tile.
  Index begin(Index tile) const { return all * tile / tiles; }
  /// Its rows.
  Index count(Index tile) const { return begin(tile + 1) - begin(tile); }
};

}  // namespace tenfold::inline TENFOLD_REAL
