/// @file
/// Attention for heads that no tile of shared memory holds, of any width. Plain and slow: a warp computes a row by
/// itself, and the weights are stored. What the mask hides is never read, as by the tiled kernels.
#pragma once
#include "kernels/attention_tile.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// What is kept of a query and a key on the way back.
struct WideWeight {
  Real weight;  ///< after dropout
  Real slope;   ///< the gradient of the score
};

/// Queues Kernels::attention(). `weights` has room for [batch, heads, queries, keys]; there is at least one query.
void queue_wide_attention(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums,
                          Real* weights, cudaStream_t stream);
/// Queues Kernels::attention_backward(). `weights` has room for [batch, heads, queries, keys].
void queue_wide_attention_backward(const Attention& a, const AttentionGradients& g, WideWeight* weights,
                                   cudaStream_t stream);

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
