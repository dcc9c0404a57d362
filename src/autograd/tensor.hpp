/// @file
/// Tensor of this build's Real, and the way from a tensor to the kernels of its device.
#pragma once
#include "backend/kernels.hpp"
#include "core/tensor.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// What operations compute on.
using Tensor = TensorOf<Real>;

/// The kernels of the device a tensor lives on: every Device of this engine is a Kernels.
inline Kernels& kernels(const Tensor& t) { return static_cast<Kernels&>(t.device()); }

/// The same shape on the same device, values unspecified.
inline Tensor empty_like(const Tensor& t) { return Tensor::empty(t.device(), t.shape()); }

/// Every entry `value`.
inline Tensor filled(Kernels& k, const Shape& shape, Real value) {
  Tensor t = Tensor::empty(k, shape);
  k.fill(t.mutable_data(), value, t.size());
  return t;
}

/// a + b for equal shapes.
inline Tensor sum_of(const Tensor& a, const Tensor& b) {
  Tensor out = empty_like(a);
  kernels(a).add(a.data(), b.data(), out.mutable_data(), a.size());
  return out;
}

/// A deep copy, sole owner of its storage.
inline Tensor copy_of(const Tensor& t) {
  Tensor out = empty_like(t);
  kernels(t).copy(t.data(), out.mutable_data(), t.size());
  return out;
}

}  // namespace tenfold::inline TENFOLD_REAL
