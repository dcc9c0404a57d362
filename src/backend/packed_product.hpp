/// @file
/// Products of large matrices, from registers outwards.
///
/// A tile of c, tile_rows high and as wide as a panel of b, stays in registers while the inner index runs; each step loads
/// one row of the panel and adds multiples of it to every row of the tile. So that all loads are of neighbours, both sides
/// are copied first: b in panels, a block of `inner_block` × `column_block` at a time, which stays in the second-level cache
/// while all of a passes by; and of a the rows of one tile, which stay in the first-level one. The order of summation depends
/// on k alone, so the bits depend neither on threads nor on how c is cut. The scheme is that of Goto and van de Geijn,
/// "Anatomy of High-Performance Matrix Multiplication" (2008).
///
/// Where two rows say that one side holds many zeros, these are left out (backend/sparse_product.hpp), to the same bits.
#pragma once
#include <algorithm>

#include "backend/kernels.hpp"
#include "backend/tiles.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// How columns are cut into panels: of three vectors as far as they go, and of two at the end, so that what is a multiple of
/// a vector is multiplied with no zeros. (One vector alone counts as two.) A panel is stored as [inner, width], with zeros
/// beyond the last column, and the panels one after the other.
struct Panels {
  Index cols;                                                                    ///< columns
  Index vectors = std::max<Index>(2, (cols + vector_width - 1) / vector_width);  ///< that cover them
  Index narrow = (3 - vectors % 3) % 3;                                          ///< panels of two vectors
  Index wide = (vectors - 2 * narrow) / 3;                                       ///< panels of three
  Index count = wide + narrow;                                                   ///< panels
  Index stored = vectors * vector_width;                                         ///< columns with what fills them up
  /// First column of a panel, the last one's end for `count`.
  Index begin(Index panel) const { return (2 * panel + std::min(panel, wide)) * vector_width; }
  /// Its columns, zeros included: a multiple of a vector.
  Index width(Index panel) const { return (panel < wide ? 3 : 2) * vector_width; }
  /// Its columns without them.
  Index filled(Index panel) const { return std::min(width(panel), cols - begin(panel)); }
};

/// Whether these tiles are worth having: with vectors of 16 bytes OpenBLAS, which picks its code when it starts, is faster
/// than what this was compiled for. (With 32 it makes large ones up to a tenth faster, but cannot leave zeros out.)
inline constexpr bool packed_product_pays = sizeof(Vector) >= 32;

/// One product of g's batch in the calling thread.
void packed_product(const Gemm& g, const Real* a, const Real* b, Real* c);

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
