/// @file
/// Matrices whose rows become columns: keys for attention, panels for products.
#pragma once
#include "core/real.hpp"
#include "core/shape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// out[l · out_stride + j] = x[j · x_stride + l] for l < rows and j < cols, by way of square pieces that registers hold.
void turn(const Real* x, Index x_stride, Index rows, Index cols, Real* out, Index out_stride);

}  // namespace tenfold::inline TENFOLD_REAL
