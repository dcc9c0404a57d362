/// @file
/// Sixteen bytes at a time: a card moves memory fastest when each thread of a warp asks for 16 neighbouring bytes.
/// Kernels are templates over Width, the numbers in such a pack, and over 1 for memory that is not aligned to it.
#pragma once
#include <cstdint>

#include "core/real.hpp"
#include "core/shape.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// `Width` neighbouring numbers, moved as one.
template <int Width>
struct alignas(Width * sizeof(Real)) Pack {
  Real at[Width];  ///< in the order of memory
};

/// How many numbers sixteen bytes hold: 4 floats or 2 doubles.
inline constexpr int pack_width = 16 / sizeof(Real);

/// The pack that begins at x[i]; x + i must be aligned to it.
template <int Width>
__device__ inline Pack<Width> load(const Real* x, Index i) {
  return *reinterpret_cast<const Pack<Width>*>(x + i);
}
/// The same to write.
template <int Width>
__device__ inline void store(Real* x, Index i, const Pack<Width>& pack) {
  *reinterpret_cast<Pack<Width>*>(x + i) = pack;
}

/// Whether all pointers stand at a multiple of sixteen bytes.
template <class... P>
inline bool aligned(const P*... pointers) {
  return ((reinterpret_cast<std::uintptr_t>(pointers) % 16 == 0) && ...);
}

/// Calls body(constant Width) with pack_width where `fits`, else with 1: chooses between two instances of a kernel.
template <class Body>
inline void with_width(bool fits, const Body& body) {
  if (fits)
    body(std::integral_constant<int, pack_width>());
  else
    body(std::integral_constant<int, 1>());
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
