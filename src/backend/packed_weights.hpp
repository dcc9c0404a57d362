/// @file
/// PackedWeights: the weights of a linear layer in the order in which tiles read them (backend/packed_product.hpp).
///
/// A product of few rows, as in decoding, then packs nothing and streams through the weights once. Every entry of the
/// result is summed as packed_product() sums it, in an order that depends on k alone: so its bits do not depend on how
/// many rows are multiplied together, and a sentence is translated to the same words alone and in company.
#pragma once
#include "backend/packed_product.hpp"
#include "backend/prepared_linear.hpp"
#include "backend/sparse_product.hpp"
#include "core/tensor.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// What CpuKernels::prepare() makes.
class PackedWeights final : public PreparedLinear {
 public:
  /// A copy of the weights, on `threads` threads when it is run; the bias stays where it is.
  PackedWeights(Device& device, const LinearWeights& weights, int threads);
  void run(const Real* x, Real* y, Index rows) const override;
  bool run_summarized(const Real* x, Real* y, Index rows, OutputSummary& summary) const override;

 private:
  void panels(const TileRows& tiles, Index t, Index last, const Real* x, Real* y, Index first, Index end) const;
  void sparse_panels(const NonZeros& nonzeros, const Real* x, Real* y, Index rows, Index first, Index end) const;

  LinearWeights weights_;
  Panels panels_;
  int threads_;
  bool takes_zeros_;  // whether zeros among the inputs may be left out: not where a weight is not finite
  TensorOf<Real> values_;  // panel after panel, each [in, its width]
};

/// x = x Φ(x) for n values.
void apply_gelu(Real* x, Index n);

}  // namespace tenfold::inline TENFOLD_REAL
