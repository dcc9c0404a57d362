/// @file
/// What stretches of a row of outputs come to: enough to know log Σ exp(output), and where the largest outputs are, without
/// reading all of them again. It is made while they are near, right behind the product (PreparedLinear::run_summarized()).
#pragma once
#include <vector>

#include "core/real.hpp"
#include "core/shape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Of every stretch of every row the largest output and Σ exp(output - largest), in the host's memory.
class OutputSummary {
 public:
  static constexpr Index stretch = 256;  ///< outputs; a row's last stretch may be shorter

  /// Makes room for rows of `outputs` outputs; what was in it is no longer specified.
  void resize(Index rows, Index outputs);
  /// Notes nothing about anything.
  void clear() { stretches_ = 0; }
  /// Whether nothing is noted.
  bool empty() const { return stretches_ == 0; }

  /// Summarises outputs [first, first + count) of a row; `first` is where a stretch begins, and what ends does so where one
  /// ends, or with the row. Several threads may do so at once for different stretches.
  void note(Index row, Index first, const Real* outputs, Index count);

  /// Of each stretch of a row the largest output that is a number, minus infinity where there is none.
  const Real* largest(Index row) const { return largest_.data() + row * stretches_; }
  /// log Σ exp(output) of a row; no number where an output is none or plus infinity, or all are minus infinity.
  Real log_sum(Index row) const;

 private:
  Index stretches_ = 0;  // of a row
  std::vector<Real> largest_, sums_;
};

}  // namespace tenfold::inline TENFOLD_REAL
