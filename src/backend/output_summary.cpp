#include "backend/output_summary.hpp"

#include <algorithm>
#include <cmath>

#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {

void OutputSummary::resize(Index rows, Index outputs) {
  stretches_ = (outputs + stretch - 1) / stretch;
  largest_.resize(static_cast<std::size_t>(rows * stretches_));
  sums_.resize(largest_.size());
}

void OutputSummary::note(Index row, Index first, const Real* outputs, Index count) {
  auto at = static_cast<std::size_t>(row * stretches_ + first / stretch);
  for (Index begin = 0; begin < count; begin += stretch, ++at) {
    const Real* x = outputs + begin;
    const Index n = std::min(stretch, count - begin);
    // Where all are minus infinity, their differences from it would be no numbers.
    const Real largest = largest_of(x, n), origin = std::isfinite(largest) ? largest : 0;
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < n; ++i) sum += vector_exp(x[i] - origin);
    largest_[at] = largest;
    sums_[at] = sum;
  }
}

Real OutputSummary::log_sum(Index row) const {
  const Real *tops = largest(row), *sums = sums_.data() + row * stretches_;
  const Real top = largest_of(tops, stretches_);
  Real sum = 0;
  for (Index s = 0; s < stretches_; ++s) sum += sums[s] * vector_exp(tops[s] - top);
  return top + std::log(sum);
}

}  // namespace tenfold::inline TENFOLD_REAL
