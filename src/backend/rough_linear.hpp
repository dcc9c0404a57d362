/// @file
/// RoughLinear: a linear layer on 8-bit weights (backend/byte_product.hpp). For guesses that are checked afterwards with the
/// weights themselves; see translate/incremental_decoder.hpp.
#pragma once
#include "backend/byte_product.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// What CpuKernels::prepare_roughly() makes.
class RoughLinear final : public PreparedLinear {
 public:
  /// A copy of the weights.
  explicit RoughLinear(const LinearWeights& weights);
  void run(const Real* x, Real* y, Index rows) const override;

 private:
  LinearWeights weights_;
  ByteWeights bytes_;
};

}  // namespace tenfold::inline TENFOLD_REAL
