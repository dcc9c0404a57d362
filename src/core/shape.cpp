#include "core/shape.hpp"

#include "core/errors.hpp"

namespace tenfold {

Shape::Shape(std::span<const Index> extents) {
  if (extents.size() > max_rank)
    throw ShapeError("shape: at most " + std::to_string(max_rank) + " axes, got " + std::to_string(extents.size()));
  Index product = 1;
  for (Index extent : extents) {
    if (extent < 0) throw ShapeError("shape: extents must not be negative, got " + std::to_string(extent));
    if (__builtin_mul_overflow(product, extent, &product))
      throw ShapeError("shape: the number of elements overflows 64 bits");
    extents_[rank_++] = extent;
  }
}

int Shape::axis(int i) const {
  const int at = i < 0 ? i + rank_ : i;
  if (at < 0 || at >= rank_)
    throw ShapeError("shape: no axis " + std::to_string(i) + " in " + to_string(*this));
  return at;
}

Index Shape::operator[](int i) const { return extents_[axis(i)]; }

Index Shape::size() const {
  Index product = 1;
  for (Index extent : *this) product *= extent;
  return product;
}

Index Shape::rows() const {
  Index product = 1;
  for (int i = 0; i + 1 < rank_; ++i) product *= extents_[i];
  return product;
}

Shape Shape::with(int i, Index extent) const {
  Shape out = *this;
  out.extents_[axis(i)] = extent;
  return Shape(std::span<const Index>(out.begin(), out.rank_));
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (Index extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

}  // namespace tenfold
