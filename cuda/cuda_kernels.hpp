/// @file
/// CudaKernels: the whole interface on a card, or on the emulator; the same sources serve both (cuda/device.hpp).
///
/// Each file of cuda/kernels/ holds one family: its __global__ functions and, below them, the members of this class
/// that launch them. Everything is queued on one stream in call order; only download(), sum(), sum_squares() and a
/// LargestOutput wait for it. Results do not depend on the order in which blocks run, so the same call gives the same
/// bits.
#pragma once
#include <algorithm>
#include <memory>
#include <string_view>

#include "backend/kernels.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// What `--device cuda` and `--device cuda-emulated` run; see the head of this file.
class CudaKernels final : public Kernels {
 public:
  /// Throws CudaError where there is no card or no driver, no code for the card in this build, or no cuBLAS.
  CudaKernels();
  ~CudaKernels() override;

  std::string_view name() const override;
  void upload(void* to, const void* from, std::size_t bytes) override;
  void download(void* to, const void* from, std::size_t bytes) override;

  void gemm(const Gemm& g, const Real* a, const Real* b, Real* c) override;
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
  void bias_activate_backward(Activation kind, const Real* x, const Real* bias, const Real* dy, Real* dx,
                              Index rows, Index cols) override;
  void sum_rows(const Real* x, Real* out, Index rows, Index cols) override;
  void sum_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) override;
  void repeat_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) override;
  void copy_rows(const Real* x, Index x_stride, Real* out, Index out_stride, Index rows, Index cols) override;
  void permute(const Real* x, Real* out, const Shape& shape, const int* order) override;

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

  void sum_to(const Real* x, Real divisor, Real* out, Index n) override;
  void scale_by(Real* x, const Real* factor, Index n) override;
  void step_totals(std::span<const Real* const> losses, std::span<const TrainedSlice> slices,
                   StepTotals* totals) override;
  void adam_all(const AdamStep& s, double clip, std::span<const TrainedSlice> slices,
                const StepTotals* totals) override;

  /// The stream of all work.
  cudaStream_t stream() const;

 private:
  struct State;  // stream, cuBLAS handle, staging and scratch memory: cuda_kernels.cu
  /// Device memory for a kernel's partial results, valid until the next call that asks; at least `bytes`.
  void* scratch(std::size_t bytes);
  /// Queues *out = Σ f(x) / divisor; `partial` has room for one number per block (reductions.cu).
  template <class F, class T>
  void queue_sum(const char* name, F f, const Real* x, Index n, Real divisor, double* partial, T* out);

  std::unique_ptr<State> state_;
};

/// Throws CudaError with `what` (the kernel or call) and CUDA's own words unless `error` is success.
void check(cudaError_t error, const char* what);

inline constexpr int warp_size = 32;                           ///< threads of a warp, on every card
inline constexpr int block_threads = 256;                      ///< of a block, where nothing asks for another number
inline constexpr int block_warps = block_threads / warp_size;  ///< of the same

/// Blocks of `per_block` threads for `n` items, at most `most`: the kernel strides over what is left, or
/// `most` is as many as there can be.
inline unsigned blocks_for(Index n, Index per_block, Index most = 65535) {
  return static_cast<unsigned>(std::max<Index>(1, std::min<Index>((n + per_block - 1) / per_block, most)));
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
