/// @file
/// Products of rows that hold many zeros, as ReLU leaves them: only what is not zero is multiplied.
///
/// Of a feed-forward layer's hidden values half are zero when training begins, and more the longer it goes on (Li et al., "The
/// Lazy Neuron Phenomenon", 2022; docs/performance.md), so a good part of all multiplications adds nothing. Which they are
/// differs from row to row, and a tile of several rows (backend/tiles.hpp) cannot leave them out. Here a row is gone through
/// alone: a block of the right side that the first-level cache nearly holds meets one row after the other, and of each the
/// numbers that a mask of 64 bits names. The sums are made in the order of the tiles and lack only what would add zero: their
/// bits are the same, except that a sum that underflows may be -0 where tiles make +0.
#pragma once
#include <cstdint>
#include <vector>

#include "backend/packed_product.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Where rows are not zero.
class NonZeros {
 public:
  static constexpr Index block = 64;  ///< numbers of a row that a mask tells about

  /// Looks through x, `rows` rows of `in` numbers, `stride` apart.
  void assign(const Real* x, Index rows, Index in, Index stride);
  /// The same for a matrix stored by columns: x holds its `in` columns, `stride` apart, each of `rows` numbers, at most `block`.
  void assign_columns(const Real* x, Index rows, Index in, Index stride);
  /// The share of numbers that are not zero, what is no number among them.
  double share() const { return share_; }
  /// Bit i: whether number 64 · `at` + i of a row is not zero; none beyond its end.
  std::uint64_t mask(Index row, Index at) const { return masks_[static_cast<std::size_t>(row * blocks_ + at)]; }

 private:
  void shape(Index rows, Index in);
  void measure_share(Index rows, Index in);

  Index blocks_ = 0;
  double share_ = 1;
  std::vector<std::uint64_t> masks_;
};

/// Rows of a left side.
struct SparseRows {
  const NonZeros& nonzeros;  ///< of more inner indices than these perhaps
  Index row, at;             ///< which of its rows is the first here, and which of its blocks
  const Real* x;             ///< the first number of that block
  Index rows, stride;        ///< how many rows, and how far apart
  Index step = 1;            ///< between the numbers of a row
};

/// Panels of a right side that is finite.
struct SparsePanels {
  const Panels& panels;  ///< all of them
  Index first, end;      ///< those that are multiplied
  const Real* values;    ///< panel after panel, each [inner, its width]
  Index inner;           ///< inner indices of every panel
  Index l;               ///< the first of them that is multiplied
};

/// Whether sparse_product() can multiply such panels: when they end with the last column.
inline bool sparse_product_fits(const Panels& panels) { return panels.cols == panels.stored; }
/// Whether x [n] is finite.
bool all_finite(const Real* x, Index n);

/// As tiles of `inner` inner indices, at most inner_block, would multiply them; to.c is the first row's, of the first of all
/// panels, to.bias likewise.
void sparse_product(const SparseRows& left, const SparsePanels& right, Index inner, const Store& to);

}  // namespace tenfold::inline TENFOLD_REAL
