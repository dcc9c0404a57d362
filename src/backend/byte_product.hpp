/// @file
/// Products with weights of eight bits, a quarter of the memory to read, and where the processor has the instruction (VNNI) a
/// quarter of the multiplications.
///
/// A row w of the weights becomes w ≈ s q with integers q from -127 to 127 and s = max |w| / 127, and a row x of the input
/// likewise, so that x·w ≈ s s' Σ q q'. The processor multiplies unsigned bytes with signed ones, hence to the numbers of the
/// input 128 is added (64 where sums of 16 bits come between, see backend/dot4.hpp), and Σ q times as much taken off the sum.
/// Or they become numbers of 14 bits and two bytes each, which costs a row alone next to nothing: it waits for the weights. The
/// sums are of integers, so their order does not matter.
#pragma once
#include <cstdint>
#include <vector>

#include "backend/aligned.hpp"
#include "backend/prepared_linear.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// What remains to be said of a row x that became integers q.
struct Rounded {
  Real scale = 0;  ///< x ≈ scale · q
  Real error = 0;  ///< at least ‖x - scale · q‖ but for rounding in the last bits; not finite where x is not
  Real norm = 0;   ///< ‖x‖, likewise
};

/// q [n] = round(x / scale), from -limit to limit. All zero where x is (nearly), or holds what is not finite.
Rounded round_row(const Real* x, Index n, int limit, std::int16_t* q);

/// Rows of an input as bytes.
class ByteInput {
 public:
  /// How near the input they are.
  enum class Bytes { one, two };
  /// From x [rows, in]. Two bytes are for one row only.
  void assign(const Real* x, Index rows, Index in, Bytes bytes);

  /// How many rows there are.
  Index rows() const { return static_cast<Index>(rounded_.size()); }
  /// As assign() was told.
  Bytes bytes() const { return bytes_; }
  /// Scale and error of a row.
  const Rounded& rounded(Index row) const { return rounded_[static_cast<std::size_t>(row)]; }
  /// Its bytes; the second ones of a row that has two follow as another row.
  const std::uint8_t* row(Index row) const { return values_.data() + row * stride_; }
  /// Between rows.
  Index stride() const { return stride_; }

 private:
  Bytes bytes_ = Bytes::one;
  Index stride_ = 0;
  std::vector<Rounded> rounded_;
  AlignedVector<std::uint8_t> values_;
  AlignedVector<std::int16_t> numbers_;  // of one row
};

/// A linear layer's weights as bytes.
class ByteWeights {
 public:
  /// Whether all sums fit in 32 bits.
  static bool fits(const LinearWeights& weights) { return weights.in <= 66000; }

  /// A copy of weights and bias.
  explicit ByteWeights(const LinearWeights& weights);
  /// y [rows, out] ≈ x Wᵀ + b; the activation is not taken.
  void run(const ByteInput& x, Real* y) const;
  /// Scale and error of the weights of an output.
  const Rounded& rounded(Index out) const { return rounded_[static_cast<std::size_t>(out)]; }

 private:
  Index in_, out_;
  AlignedVector<std::int8_t> values_;  // panel after panel of outputs, each [in / 4, outputs, 4]
  // Of each output, zeros where the last panel has none: its scale, bias, and the sum of its numbers.
  AlignedVector<Real> scales_, biases_;
  AlignedVector<std::int32_t> sums_;
  std::vector<Rounded> rounded_;
};

/// A linear layer by such weights, each row of its input by two bytes: for guesses that are checked afterwards with the weights
/// themselves (translate/incremental_decoder.hpp). What CpuKernels::prepare_roughly() makes.
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
