/// @file
/// A linear layer whose weights stay as they are, laid out for its device once: what inference multiplies with.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "backend/kernels.hpp"
#include "backend/output_summary.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// A linear layer as its parameters lie in memory; none of it is owned.
struct LinearWeights {
  const Real* weight = nullptr;  ///< [out, in]
  const Real* bias = nullptr;    ///< [out], or null for none
  Index in = 0, out = 0;         ///< widths
  std::optional<Activation> activation;  ///< of the sum, bias included
};

/// y = activation(x Wᵀ + b). The weights it was made from must outlive it and keep their values.
class PreparedLinear {
 public:
  virtual ~PreparedLinear() = default;
  /// y [rows, out] from x [rows, in]. May be called from several threads at once.
  virtual void run(const Real* x, Real* y, Index rows) const = 0;
  /// The same, and notes what the outputs come to. False, and nothing done, where a device does not do both at once.
  virtual bool run_summarized(const Real*, Real*, Index, OutputSummary&) const { return false; }
};

/// Which output of a linear layer is the largest: what greedy search wants to know. Some outputs, of those there are,
/// are barred from it. The weights it was made from must outlive it and keep their values. x lies in the device's
/// memory, what is found in the host's. Any number of threads may call at once where that is the same memory, elsewhere
/// one; none starts others.
class LargestOutput {
 public:
  virtual ~LargestOutput() = default;
  /// found[r] for every row of x [rows, in]: of the outputs that PreparedLinear::run() would give, the index of the
  /// largest that is a number above minus infinity, of several the first; -1 where there is none.
  virtual void find(const Real* x, Index rows, std::int32_t* found) const = 0;
  /// What find() would probably give for a row alone, -1 included, several times faster where a device has rough
  /// weights.
  virtual std::int32_t guess(const Real* x) const = 0;
};

/// By gemm() and the kernels of bias and activation, on weights that stay where they are: what Kernels::prepare()
/// returns where a device has nothing better.
class PlainLinear final : public PreparedLinear {
 public:
  /// `kernels` must outlive it.
  PlainLinear(Kernels& kernels, const LinearWeights& weights) : kernels_(kernels), weights_(weights) {}
  void run(const Real* x, Real* y, Index rows) const override;

 private:
  Kernels& kernels_;
  LinearWeights weights_;
};

}  // namespace tenfold::inline TENFOLD_REAL
