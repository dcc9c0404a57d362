/// @file
/// TensorOf<T>: a cheap handle to contiguous row-major storage with a shape.
///
/// Copies share storage. A tensor is immutable once shared: mutable_data() throws unless this handle is the only one.
/// There are no strides; reshaped() and rows() give other views of the same storage. A default tensor is undefined.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "core/device.hpp"
#include "core/errors.hpp"
#include "core/shape.hpp"

namespace tenfold {

/// Values of type T on a device; see the head of this file for sharing.
template <class T>
class TensorOf {
 public:
  TensorOf() = default;

  /// Storage of the given shape with unspecified values.
  static TensorOf empty(Device& device, const Shape& shape) {
    TensorOf t;
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<std::size_t>(shape.size()), sizeof(T), &bytes))
      throw ShapeError("tensor: " + to_string(shape) + " overflows the address space");
    t.storage_ = std::make_shared<Storage>(device, bytes);
    t.shape_ = shape;
    return t;
  }
  /// A copy of host values. Throws ShapeError when their number is not the shape's.
  static TensorOf from(Device& device, const Shape& shape, std::span<const T> values) {
    if (static_cast<Index>(values.size()) != shape.size())
      throw ShapeError("tensor: " + to_string(shape) + " needs " + std::to_string(shape.size()) + " values, got " +
                       std::to_string(values.size()));
    TensorOf t = empty(device, shape);
    device.upload(t.storage_->data, values.data(), values.size_bytes());
    return t;
  }
  /// Every entry `value`.
  static TensorOf full(Device& device, const Shape& shape, T value) {
    return from(device, shape, std::vector<T>(static_cast<std::size_t>(shape.size()), value));
  }

  /// Whether it has storage at all.
  bool defined() const { return storage_ != nullptr; }
  /// Whether this handle is the only one to its storage.
  bool unique() const { return storage_.use_count() == 1; }
  /// Its extents; of rank 0 when undefined.
  const Shape& shape() const { return shape_; }
  /// Extent of one axis, a negative one counting from the end. Throws ShapeError if there is none.
  Index dim(int axis) const { return shape_[axis]; }
  /// How many values.
  Index size() const { return shape_.size(); }
  /// Where it lives; it must be defined.
  Device& device() const { return storage_->device; }

  /// The device's pointer to the first value: not for the host unless the device says so.
  const T* data() const { return static_cast<const T*>(storage_->data) + offset_; }
  /// Throws std::logic_error when another handle shares the storage.
  T* mutable_data() {
    if (!unique()) throw std::logic_error("tensor: mutable_data() on shared storage");
    return static_cast<T*>(storage_->data) + offset_;
  }

  /// The same values under another shape of equal size; shares storage.
  TensorOf reshaped(const Shape& shape) const {
    if (shape.size() != size())
      throw ShapeError("reshape: sizes must agree, got " + to_string(shape_) + " to " + to_string(shape));
    TensorOf t = *this;
    t.shape_ = shape;
    return t;
  }
  /// Entries [first, first + count) of the outermost axis; shares storage.
  TensorOf rows(Index first, Index count) const {
    if (first < 0 || count < 0 || first + count > shape_[0])
      throw ShapeError("rows: [" + std::to_string(first) + ", " + std::to_string(first + count) + ") is outside " +
                       to_string(shape_));
    TensorOf t = *this;
    t.shape_ = shape_.with(0, count);
    t.offset_ += first * (shape_.size() / std::max<Index>(shape_[0], 1));
    return t;
  }

  /// A copy of the values, row-major; waits for the work that writes them.
  std::vector<T> to_host() const {
    std::vector<T> values(static_cast<std::size_t>(size()));
    device().download(values.data(), data(), values.size() * sizeof(T));
    return values;
  }
  /// The values for the host to read: where they lie, if the host can reach them there, else a copy in `copy`. Waits as
  /// to_host() does.
  std::span<const T> host_values(std::vector<T>& copy) const {
    if (device().memory().host_accessible()) return {data(), static_cast<std::size_t>(size())};
    return copy = to_host();
  }
  /// The only value of a tensor of size one.
  T item() const {
    if (size() != 1) throw ShapeError("item: one value expected, got " + to_string(shape_));
    T value;
    device().download(&value, data(), sizeof(T));
    return value;
  }

 private:
  struct Storage {
    Storage(Device& owner, std::size_t bytes) : device(owner), data(owner.memory().allocate(bytes)) {}
    ~Storage() { device.memory().release(data); }
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;
    Device& device;
    void* data;
  };

  std::shared_ptr<Storage> storage_;
  Shape shape_;
  Index offset_ = 0;
};

/// Token ids, targets, lengths: what is not differentiated.
using IdTensor = TensorOf<std::int32_t>;

}  // namespace tenfold
