/// @file
/// The processor's widest vectors of Real, by std::experimental::simd (Parallelism TS 2).
#pragma once
#include <experimental/simd>

#include "core/real.hpp"
#include "core/shape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// As many numbers as a register holds.
using Vector = std::experimental::native_simd<Real>;
/// How many those are.
inline constexpr Index vector_width = static_cast<Index>(Vector::size());
/// How a vector is read from anywhere, and written.
inline constexpr std::experimental::element_aligned_tag unaligned{};

}  // namespace tenfold::inline TENFOLD_REAL
