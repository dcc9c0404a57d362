/// @file
/// RoughLinear: a linear layer on 8-bit weights, a quarter of the memory to read. For guesses that are checked afterwards
/// with the weights themselves; see translate/incremental_decoder.hpp.
///
/// A row w of the weights becomes w ≈ s q with q from -127 to 127 and s = max |w| / 127, and a row x of the input likewise
/// with numbers up to 4095, so that x·w ≈ s s' Σ q q'. The sums are of integers, so their order does not matter.
#pragma once
#include <cstdint>
#include <vector>

#include "backend/aligned.hpp"
#include "backend/prepared_linear.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// What CpuKernels::prepare_roughly() makes.
class RoughLinear final : public PreparedLinear {
 public:
  /// A copy of the weights; the bias stays where it is.
  explicit RoughLinear(const LinearWeights& weights);
  void run(const Real* x, Real* y, Index rows) const override;

 private:
  LinearWeights weights_;
  Index stride_;  // between rows: `in` rounded up, zeros in between
  AlignedVector<std::int8_t> values_;
  std::vector<Real> scales_;
};

}  // namespace tenfold::inline TENFOLD_REAL
