// Backends by name, and what is the same for all of them.
#include <string>

#include "backend/kernels.hpp"
#include "backend/prepared_linear.hpp"
#include "core/errors.hpp"

namespace tenfold::inline TENFOLD_REAL {

void Kernels::cross_entropy_gradient(const CrossEntropyRows& rows, const Real* bias, const std::int32_t* targets,
                                     Real factor, Real* logits, Real* losses, Real* log_sums, Real* dbias) {
  add_bias(logits, bias, logits, rows.rows, rows.classes);
  cross_entropy(rows, logits, targets, losses, log_sums);
  cross_entropy_backward(rows, logits, targets, log_sums, factor, logits);
  sum_rows(logits, dbias, rows.rows, rows.classes);
}

std::unique_ptr<PreparedLinear> Kernels::prepare(const LinearWeights& weights) {
  return std::make_unique<PlainLinear>(*this, weights);
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

std::unique_ptr<Kernels> make_kernels(std::string_view device, int threads) {
  if (threads < 0)
    throw UsageError("--threads must be 0 (all cores) or more, got " + std::to_string(threads));
  if (device == "reference") return make_reference_kernels();
  if (device == "cpu" || device == "auto") return make_cpu_kernels(threads);
  if (device == "cuda") return make_cuda_kernels();
  throw UsageError("--device must be one of auto, cpu, cuda, reference, got \"" + std::string(device) + "\"");
}

}  // namespace tenfold::inline TENFOLD_REAL
