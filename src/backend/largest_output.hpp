/// @file
/// The largest output of a linear layer, without computing most of them: what greedy search asks of the output layer.
///
/// All outputs are found nearly, by bytes (backend/byte_product.hpp), each with a bound on how far it may be from what the
/// layer itself would give. Most of them cannot be the largest; the few that can are computed as the layer computes them, to
/// the same bits, and so is the choice among them. With x̂ and ŵ for the rounded x and w, and γ for what rounding takes from a
/// sum of n products (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1),
///
///     |computed(x·w) - x̂·ŵ|  ≤  ‖x - x̂‖ ‖ŵ‖ + ‖x‖ ‖w - ŵ‖ + γ ‖x‖ ‖w‖.
///
/// A guess needs no bound: a row alone is found nearly by half bytes, and the few outputs that are at the top are computed.
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "backend/nibble_weights.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// What CpuKernels::prepare_largest() makes.
class CpuLargestOutput final : public LargestOutput {
 public:
  /// Bytes of the weights are copied, the weights themselves are read where they are. Outputs `barred` are passed over.
  CpuLargestOutput(const LinearWeights& weights, std::span<const std::int32_t> barred);
  void find(const Real* x, Index rows, std::int32_t* found) const override;
  std::int32_t guess(const Real* x) const override;

 private:
  void bar(Real* outputs) const;
  bool is_barred(Index output) const;
  std::int32_t largest(const Real* x, const Rounded& rounded, const Real* near) const;
  std::int32_t choose(const Real* x, std::span<const std::int32_t> candidates) const;

  LinearWeights weights_;
  std::vector<std::int32_t> barred_;
  ByteWeights bytes_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<NibbleWeights> nibbles_;  // made when first something is guessed
  // How far an output may be from what is computed nearly: the input's error times the first, and its norm times the second.
  std::vector<Real> by_error_, by_norm_;
  Real most_by_error_ = 0, most_by_norm_ = 0;
};

}  // namespace tenfold::inline TENFOLD_REAL
