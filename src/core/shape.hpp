/// @file
/// Shape: the extents of a row-major tensor, outermost first, at most six. A value type that never allocates.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace tenfold {

/// Extents, positions, counts.
using Index = std::int64_t;

/// Extents, outermost first: `Shape{2, 3}` is two rows of three.
class Shape {
 public:
  /// The most extents there may be.
  static constexpr int max_rank = 6;

  Shape() = default;
  /// Throws ShapeError when there are more than max_rank extents, one is negative, or their product overflows.
  Shape(std::initializer_list<Index> extents) : Shape(std::span<const Index>(extents.begin(), extents.size())) {}
  /// Throws as the constructor from a list.
  explicit Shape(std::span<const Index> extents);

  /// How many extents; 0 for a single value.
  int rank() const { return rank_; }
  /// Extent of axis `i`; negative counts from the end (-1 is the innermost). Throws ShapeError if there is none.
  Index operator[](int i) const;
  /// The innermost extent. Throws ShapeError for rank 0.
  Index back() const { return (*this)[-1]; }
  /// Product of the extents; 1 for rank 0.
  Index size() const;
  /// Product of all extents but the last: how many rows a row-wise operation sees.
  Index rows() const;
  /// The same shape with axis `i` replaced.
  Shape with(int i, Index extent) const;
  /// To iterate over the extents.
  const Index* begin() const { return extents_.data(); }
  /// One past the innermost.
  const Index* end() const { return extents_.data() + rank_; }

  /// Equal rank and equal extents.
  friend bool operator==(const Shape& a, const Shape& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  int axis(int i) const;

  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
};

/// "[2, 3]"
std::string to_string(const Shape& shape);

}  // namespace tenfold
