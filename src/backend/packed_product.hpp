/// @file
/// Products of large matrices, from registers outwards.
///
/// A tile of c, tile_rows × tile_cols, stays in registers while the inner index runs; each step loads one row
/// of b's panel and adds multiples of it to every row of the tile. So that all loads are of neighbours, both
/// sides are copied first: b in panels of tile_cols columns, a block of `inner_block` × `column_block` at a
/// time, which stays in the second-level cache while all of a passes by; and of a the rows of one tile, which
/// stay in the first-level one. The order of summation depends on k alone, so the bits depend neither on
/// threads nor on how c is cut. The scheme is that of Goto and van de Geijn, "Anatomy of High-Performance
/// Matrix Multiplication" (2008).
#pragma once
#include "backend/kernels.hpp"
#include "backend/small_product.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Rows of a tile. The registers hold it: of 32 it takes 28, of 16 it takes 12.
inline constexpr Index tile_rows = sizeof(Vector) >= 64 ? 14 : 6;
/// Columns of a tile.
inline constexpr Index tile_cols = 2 * vector_width;

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
};

/// A tile of so many inner indices: its rows of a, left_stride apart, and its panel of b, [inner, tile_cols].
using Tile = void (*)(Index inner, const Real* left, const Real* right, const Store& to);
/// The tile of 1 to tile_rows rows, its panels read from wherever a model's weights are.
Tile tile_of_weights(Index rows);

/// Columns of bᵀ, which are rows of b and ldb apart, as a panel [inner, tile_cols], zeros beyond the last.
void pack_panel(const Real* b, Index ldb, Index inner, Index cols, Real* out);

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
