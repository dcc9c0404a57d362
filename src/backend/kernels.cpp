// Kernels that are made of others, for devices that know no faster way.
#include "backend/kernels.hpp"

#include <cmath>

#include "backend/prepared_linear.hpp"

namespace tenfold::inline TENFOLD_REAL {

void Kernels::cross_entropy_gradient(const CrossEntropyRows& rows, const Real* bias, const std::int32_t* targets,
                                     Real factor, Real* logits, Real* losses, Real* log_sums, Real* dbias) {
  add_bias(logits, bias, logits, rows.rows, rows.classes);
  cross_entropy(rows, logits, targets, losses, log_sums);
  cross_entropy_backward(rows, logits, targets, log_sums, factor, logits);
  sum_rows(logits, dbias, rows.rows, rows.classes);
}

void Kernels::bias_activate_dropout(Activation kind, const Dropout& d, const Real* x, const Real* bias, Real* out, Index rows,
                                    Index cols) {
  bias_activate(kind, x, bias, out, rows, cols);
  if (d.active()) dropout(d, out, out, rows * cols);
}

std::unique_ptr<PreparedLinear> Kernels::prepare(const LinearWeights& weights) {
  return std::make_unique<PlainLinear>(*this, weights);
}

std::unique_ptr<PreparedLinear> Kernels::prepare_roughly(const LinearWeights&) { return nullptr; }
std::unique_ptr<LargestOutput> Kernels::prepare_largest(const LinearWeights&, std::span<const std::int32_t>) {
  return nullptr;
}

void PlainLinear::run(const Real* x, Real* y, Index rows) const {
  const auto& [weight, bias, in, out, activation] = weights_;
  kernels_.gemm({.transpose_b = true, .m = rows, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out}, x, weight, y);
  if (bias && activation)
    kernels_.bias_activate(*activation, y, bias, y, rows, out);
  else if (bias)
    kernels_.add_bias(y, bias, y, rows, out);
  else if (activation)
    kernels_.activate(*activation, y, y, rows * out);
}

void Kernels::sum_to(const Real* x, Real divisor, Real* out, Index n) {
  fill(out, static_cast<Real>(sum(x, n) / divisor), 1);
}

void Kernels::scale_by(Real* x, const Real* factor, Index n) {
  Real value = 1;
  download(&value, factor, sizeof value);
  if (value != 1) scale(x, value, x, n);
}

void Kernels::step_totals(std::span<const Real* const> losses, std::span<const TrainedSlice> slices,
                          StepTotals* totals) {
  StepTotals t;
  for (const Real* loss : losses) {
    Real value = 0;
    download(&value, loss, sizeof value);
    t.loss += static_cast<double>(value);
  }
  for (const TrainedSlice& s : slices) t.squares += sum_squares(s.gradient, s.size);
  upload(totals, &t, sizeof t);
}

void Kernels::adam_all(const AdamStep& s, double clip, std::span<const TrainedSlice> slices,
                       const StepTotals* totals) {
  StepTotals t;
  download(&t, totals, sizeof t);
  const double norm = std::sqrt(t.squares);
  if (!std::isfinite(t.loss) || !std::isfinite(norm)) return;
  AdamStep step = s;
  step.gradient_scale = static_cast<Real>(s.gradient_scale * clip_factor(norm, clip));
  for (const TrainedSlice& slice : slices) {
    step.weight_decay = slice.weight_decay;
    adam(step, slice.value, slice.gradient, slice.first, slice.second, slice.size);
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
