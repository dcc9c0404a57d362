/// @file
/// Mask::visible() (backend/kernels.hpp) on the device. What a row sees is always a prefix of its keys, so one number
/// says it all, and a kernel can leave out whole tiles.
#pragma once
#include "backend/kernels.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// How many leading keys, 0 … keys, query `query` of batch entry `batch` sees. Never decreases with `query`.
__device__ inline Index visible_keys(const Mask& mask, Index batch, Index query, Index keys) {
  Index count = keys;
  if (mask.causal && query + mask.offset + 1 < count) count = query + mask.offset + 1;
  if (mask.key_lengths && mask.key_lengths[batch] < count) count = mask.key_lengths[batch];
  return count > 0 ? count : 0;
}

/// The same for row `row` of a matrix whose rows are numbered [batch, heads, queries].
__device__ inline Index visible_keys(const Mask& mask, Index row, Index keys) {
  // Divisions of 64 bits are slow on a card: only where the answer depends on them.
  const Index batch = mask.key_lengths ? row / (mask.heads * mask.queries) : 0;
  const Index query = mask.causal ? row % mask.queries : 0;
  return visible_keys(mask, batch, query, keys);
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
