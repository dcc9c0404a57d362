/// @file
/// Products of one row with weights of four bits, half of what bytes take to read: near enough to say which few outputs of a
/// layer may be its largest, for guesses (backend/largest_output.hpp).
///
/// As in backend/byte_product.hpp, with numbers from -7 to 7, to which 8 is added so that two fit in a byte without signs.
#pragma once
#include "backend/byte_product.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// A linear layer's weights as half bytes.
class NibbleWeights {
 public:
  /// A copy of weights and bias.
  explicit NibbleWeights(const LinearWeights& weights);
  /// y [out] ≈ x Wᵀ + b; the activation is not taken.
  void run(const Real* x, Real* y) const;
  /// By how much an output may well be wrong, as a share of ‖x‖: rarely more, where errors are independent.
  Real likely_error() const { return likely_error_; }

 private:
  Index in_, out_;
  AlignedVector<std::uint8_t> values_;  // panel after panel of outputs, each [in / 8, outputs, 4]
  AlignedVector<Real> scales_, biases_;
  AlignedVector<std::int32_t> sums_;  // of each output's numbers, 8 added to each
  Real likely_error_ = 0;
};

}  // namespace tenfold::inline TENFOLD_REAL
