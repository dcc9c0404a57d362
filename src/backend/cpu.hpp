/// @file
/// CpuKernels: the reference with its hot kernels done by OpenBLAS, OpenMP and SIMD.
///
/// Threads are ours: every kernel splits its work into one contiguous piece per thread (backend/parallel.hpp)
/// and OpenBLAS works within a piece on one thread. So that it does, OpenMP's own count is set to 1 in the
/// thread that calls gemm(); our loops say how many they want. Work too small to pay for waking threads stays
/// in the caller.
///
/// The same call with the same thread count gives the same bits. Dropout is the same for every count, and so
/// is all that works row by row; matrix products and gradients of layer norm may differ in rounding.
///
/// Called from within a parallel region a kernel runs in the caller alone: so several sentences can be translated side
/// by side, a core each. Gradients are made by one call at a time, since the working memory of layer norm's is shared.
#pragma once
#include <vector>

#include "backend/aligned.hpp"
#include "backend/parallel.hpp"
#include "backend/reference.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// What `--device cpu` runs; see the head of this file for what its threads do.
class CpuKernels final : public ReferenceKernels {
 public:
  /// @param threads how many to use; 0: as many as the process has cores, or OMP_NUM_THREADS where it is set.
  explicit CpuKernels(int threads);

  std::string_view name() const override { return "cpu"; }
  int callers() const override { return threads_; }

  void gemm(const Gemm& g, const Real* a, const Real* b, Real* c) override;
  std::unique_ptr<PreparedLinear> prepare(const LinearWeights& weights) override;
  std::unique_ptr<PreparedLinear> prepare_roughly(const LinearWeights& weights) override;
  std::unique_ptr<LargestOutput> prepare_largest(const LinearWeights& weights,
                                                 std::span<const std::int32_t> barred) override;

  void fill(Real* out, Real value, Index n) override;
  void copy(const Real* x, Real* out, Index n) override;
  void add(const Real* a, const Real* b, Real* out, Index n) override;
  void multiply(const Real* a, const Real* b, Real* out, Index n) override;
  void scale(const Real* x, Real factor, Real* out, Index n) override;
  void activate(Activation kind, const Real* x, Real* out, Index n) override;
  void activate_backward(Activation kind, const Real* x, const Real* dy, Real factor, Real* dx, Index n) override;
  void dropout(const Dropout& d, const Real* x, Real* out, Index n) override;
  void residual_dropout(const Dropout& d, const Real* x, const Real* y, Real* out, Index n) override;

  void add_bias(const Real* x, const Real* bias, Real* out, Index rows, Index cols) override;
  void bias_activate(Activation kind, const Real* x, const Real* bias, Real* out, Index rows,
                     Index cols) override;
  void bias_activate_dropout(Activation kind, const Dropout& d, const Real* x, const Real* bias, Real* out, Index rows,
                             Index cols) override;
  void bias_activate_backward(Activation kind, const Real* x, const Real* bias, const Real* dy, Real* dx,
                              Index rows, Index cols) override;
  void sum_rows(const Real* x, Real* out, Index rows, Index cols) override;
  void sum_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) override;
  void repeat_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) override;
  void copy_rows(const Real* x, Index x_stride, Real* out, Index out_stride, Index rows, Index cols) override;

  void softmax(const Mask& mask, const Real* x, Real* y, Index rows, Index cols) override;
  void softmax_backward(const Real* y, const Real* dy, Real* dx, Index rows, Index cols) override;
  void layer_norm(const Real* x, const Real* gamma, const Real* beta, Real epsilon, Real* y, Real* mean,
                  Real* rstd, Index rows, Index cols) override;
  void layer_norm_backward(const Real* x, const Real* gamma, const Real* mean, const Real* rstd,
                           const Real* dy, Real* dx, Real* dgamma, Real* dbeta, Index rows,
                           Index cols) override;

  void gather(const Real* table, const std::int32_t* ids, Real scale, Real* out, Index count,
              Index dim) override;
  void scatter_add(const std::int32_t* ids, const Real* dy, Real scale, Real* dtable, Index count,
                   Index vocabulary, Index dim) override;

  void cross_entropy(const CrossEntropyRows& rows, const Real* logits, const std::int32_t* targets,
                     Real* losses, Real* log_sums) override;
  void cross_entropy_backward(const CrossEntropyRows& rows, const Real* logits, const std::int32_t* targets,
                              const Real* log_sums, Real factor, Real* dlogits) override;
  void cross_entropy_gradient(const CrossEntropyRows& rows, const Real* bias, const std::int32_t* targets,
                              Real factor, Real* logits, Real* losses, Real* log_sums, Real* dbias) override;

  void attention(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o,
                 Real* log_sums) override;
  void attention_backward(const Attention& a, const Real* q, const Real* k, const Real* v, const Real* o,
                          const Real* log_sums, const Real* grad_o, Real* dq, Real* dk, Real* dv) override;

  double sum(const Real* x, Index n) override;
  double sum_squares(const Real* x, Index n) override;
  void sgd(Real* value, const Real* g, Real learning_rate, Real gradient_scale, Index n) override;
  void adam(const AdamStep& s, Real* value, const Real* g, Real* m, Real* v, Index n) override;

 private:
  int threads_;
  AlignedVector<Real> partial_;  // sums over rows, per thread
};

/// How many rows of `cols` numbers make a piece worth a thread of its own, when a number takes about a
/// nanosecond.
inline Index least_rows(Index cols) { return std::max<Index>(1, 8192 / std::max<Index>(1, cols)); }

/// Elements that make a piece worth a thread of its own, when something is computed of each.
inline constexpr Index least_computed = 4096;

/// body(r) for every row of `cols` such numbers, in parallel.
template <class Body>
void each_row(int threads, Index rows, Index cols, const Body& body) {
  parallel_ranges(threads, rows, least_rows(cols), 1, [body](Index begin, Index end, int) {
    for (Index r = begin; r < end; ++r) body(r);
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
