/// @file
/// Dropout's decisions on the device: bit for bit those of Dropout::keeps() (backend/kernels.hpp), so that a mask is
/// the same on every backend. Philox gives the bits of eight neighbouring elements at once; whoever handles several
/// neighbours asks for the byte and not for each.
///
/// nvcc needs --expt-relaxed-constexpr here: philox() itself is the host's (core/philox.hpp), so that there is one.
#pragma once
#include "backend/kernels.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// Bit e, 0 … 7, says whether element 8 · group + e is kept. Elements of a Philox block are its 16-bit halves, the low
/// one of a word first.
__device__ inline unsigned keep_byte(const Dropout& d, Index group) {
  const PhiloxBlock words = philox(d.seed, d.stream, static_cast<std::uint64_t>(group));
  unsigned kept = 0;
#pragma unroll
  for (int w = 0; w < 4; ++w) {  // with constant indices, or the block would lie in memory instead of registers
    kept |= ((words[w] & 0xffffu) >= d.threshold ? 1u : 0u) << (2 * w);
    kept |= ((words[w] >> 16) >= d.threshold ? 1u : 0u) << (2 * w + 1);
  }
  return kept;
}

/// Whether element `i` is kept.
__device__ inline bool keeps(const Dropout& d, Index i) { return (keep_byte(d, i / 8) >> (i % 8)) & 1u; }

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
