/// @file
/// Products of rows that hold many zeros, as ReLU leaves them: only what is not zero is multiplied.
///
/// Of a feed-forward layer's hidden values half are zero when training begins and more when it ends (Li et al., "The Lazy Neuron
/// Phenomenon", 2022), so about a quarter of a decoder's multiplications add nothing. Which they are differs from row to row, and
/// a tile of several rows (backend/tiles.hpp) cannot leave them out. Here a row is gone through alone: a block of the weights
/// that the first-level cache holds meets one row after the other, and of each the numbers that a mask of 64 bits names. The
/// sums are made in the order of the tiles and lack only what would add zero: their bits are the same.
#pragma once
#include <cstdint>
#include <vector>

#include "backend/packed_product.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Where rows are not zero.
class NonZeros {
 public:
  static constexpr Index block = 64;  ///< numbers of a row that a mask tells about

  /// Looks through x [rows, in].
  void assign(const Real* x, Index rows, Index in);
  /// The share of numbers that are not zero, what is no number among them.
  double share() const { return share_; }
  /// Bit i: whether number 64 · `at` + i of a row is not zero; none beyond its end.
  std::uint64_t mask(Index row, Index at) const { return masks_[static_cast<std::size_t>(row * blocks_ + at)]; }

 private:
  Index blocks_ = 0;
  double share_ = 1;
  std::vector<std::uint64_t> masks_;
};

/// Where the product of PackedWeights goes, and what is done to it last.
struct SparseOutput {
  Real* y;           ///< [rows, out]
  Index out;         ///< its width
  const Real* bias;  ///< [out], or null
  bool relu;         ///< whether negative results become 0
};

/// Whether sparse_product() can multiply such panels: when they end with the last column.
inline bool sparse_product_fits(const Panels& panels) { return panels.cols == panels.stored; }

/// Rows of x [rows, in] times the panels [first, end) of `weights` (panel after panel, each [in, its width]), which are finite.
void sparse_product(const NonZeros& nonzeros, const Real* x, Index rows, Index in, const Panels& panels, Index first, Index end,
                    const Real* weights, const SparseOutput& to);

}  // namespace tenfold::inline TENFOLD_REAL
