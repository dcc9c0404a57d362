/// @file
/// ReferenceKernels: every kernel as the plain loop its formula reads. One thread, no tricks, sums in index
/// order. Slow and obviously right: its double build is what all other backends are checked against.
///
/// The loops are in reference_elementwise.cpp, reference_rows.cpp and reference_attention.cpp.
#pragma once
#include "backend/kernels.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// The plain loops; also what CpuKernels falls back on for what is not hot.
class ReferenceKernels : public Kernels {
 public:
  /// In the system's memory.
  ReferenceKernels();

  std::string_view name() const override { return "reference"; }
  void upload(void* to, const void* from, std::size_t bytes) override;
  void download(void* to, const void* from, std::size_t bytes) override;

  void gemm(const Gemm& g, const Real* a, const Real* b, Real* c) override;

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

  bool takes_key_rows() const override { return true; }
  void attention(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o,
                 Real* log_sums) override;
  void attention_backward(const Attention& a, const Real* q, const Real* k, const Real* v, const Real* o,
                          const Real* log_sums, const Real* grad_o, Real* dq, Real* dk, Real* dv) override;

  double sum(const Real* x, Index n) override;
  double sum_squares(const Real* x, Index n) override;
  void sgd(Real* value, const Real* g, Real learning_rate, Real gradient_scale, Index n) override;
  void adam(const AdamStep& s, Real* value, const Real* g, Real* m, Real* v, Index n) override;
};

}  // namespace tenfold::inline TENFOLD_REAL
