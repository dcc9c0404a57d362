/// @file
/// Kernels: everything a device can compute, over pointers and extents. No tensors and no autograd here.
///
/// Rules for every kernel, unless its text says otherwise:
///  - matrices are row-major; `rows` × `cols` with no gap unless a leading dimension is given;
///  - outputs are written, never added to (the tape adds), and may not overlap inputs except where said;
///  - arguments are trusted: the operation above has checked them;
///  - the result does not depend on which thread does what, so the same call gives the same bits.
/// Most are pure virtual: a backend that misses one does not compile. Some have a definition made of the others (kernels.cpp),
/// for a device that knows no faster way.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/device.hpp"
#include "core/philox.hpp"
#include "core/real.hpp"
#include "core/shape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// c = alpha · op(a) op(b) + beta · c for `batch` pairs; op transposes when the flag is set.
/// op(a) is [m, k], op(b) [k, n], c [m, n]; ld* are distances between rows as stored, stride_* between pairs.
struct Gemm {
  bool transpose_a = false, transpose_b = false;  ///< whether a is stored as [k, m], b as [n, k]
  Index m = 0, n = 0, k = 0;                      ///< extents of one product, as above
  Index lda = 0, ldb = 0, ldc = 0;                ///< in numbers, not bytes
  Real alpha = 1, beta = 0;  ///< beta 0 means c is not read (it may hold NaN)
  Index batch = 1, stride_a = 0, stride_b = 0, stride_c = 0;  ///< so many products, so far apart
};

/// Which entries of a row of scores count. Rows are numbered [batch, heads, queries].
struct Mask {
  Index heads = 1, queries = 1;               ///< how rows are numbered
  bool causal = false;                        ///< query i sees keys 0 … i + offset
  Index offset = 0;                           ///< keys that came before the first query (a cache)
  const std::int32_t* key_lengths = nullptr;  ///< [batch] keys that are no padding; nullptr: all

  /// How many leading keys row `row` may see, of `keys`.
  Index visible(Index row, Index keys) const {
    Index count = keys;
    if (causal) count = std::min(count, row % queries + offset + 1);
    if (key_lengths) count = std::min<Index>(count, key_lengths[row / (heads * queries)]);
    return count;
  }
};

/// Inverted dropout: element i is kept when its 16 random bits are at least `threshold`, and then scaled.
/// Bits of element i: 16-bit half i%2 (low first) of word (i/2)%4 of philox(seed, stream, i/8).
struct Dropout {
  std::uint32_t threshold = 0;  ///< round(rate · 2^16); 0 drops nothing
  std::uint64_t seed = 0, stream = 0;  ///< key of the random numbers, and which of its sequences

  /// `rate` in [0, 1); at most 65535 in 65536 are dropped, so that scale() stays finite.
  static Dropout with_rate(double rate, std::uint64_t seed, std::uint64_t stream) {
    return {static_cast<std::uint32_t>(std::min(rate * 65536 + 0.5, 65535.0)), seed, stream};
  }
  /// Whether anything is dropped at all.
  bool active() const { return threshold > 0; }
  /// 1 / (probability to be kept), for exactly the probability that `threshold` gives.
  Real scale() const { return static_cast<Real>(65536.0 / (65536.0 - threshold)); }
  /// Whether element `i` is kept.
  bool keeps(Index i) const {
    const PhiloxBlock block = philox(seed, stream, static_cast<std::uint64_t>(i) / 8);
    const std::uint32_t bits = (block[(i / 2) % 4] >> (16 * (i % 2))) & 0xffff;
    return bits >= threshold;
  }
};

/// relu: max(x, 0); gelu: the exact one, x Φ(x).
enum class Activation { relu, gelu };

/// Scaled dot-product attention over packed projections: where to find head h of row t of batch b:
/// base + b·batch_stride + t·row_stride + h·head_dim.
struct PackedRows {
  Index row_stride = 0, batch_stride = 0;  ///< from a row, and from a batch entry, to the next
};
/// One call of attention: extents, layout, mask.
struct Attention {
  Index batch = 1, heads = 1, queries = 0, keys = 0, head_dim = 0;  ///< extents
  PackedRows q, k, v, o;  ///< gradients have the layout of what they belong to
  Real scale = 1;         ///< multiplies q·k
  Mask mask;              ///< a row that sees no key gives zeros and passes no gradient
  Dropout dropout;        ///< on the weights, numbered as [batch, heads, queries, keys]
  /// [batch, keys]: which of the batch entry's rows of k and v each key and value is, in place of 0, 1, …; null for that
  /// order. All are valid, also of keys that are not seen. Only where Kernels::takes_key_rows(), forward, for one query,
  /// without dropout.
  const std::int32_t* key_rows = nullptr;
};

/// Rows of cross-entropy with integer targets.
struct CrossEntropyRows {
  Index rows = 0, classes = 0;  ///< logits are [rows, classes]
  std::int32_t ignore = -1;  ///< a row with this target has loss and gradient zero
  Real smoothing = 0;        ///< target distribution (1-s)·onehot + s/classes
};

/// The numbers of one Adam update (Kingma and Ba 2015; decay as Loshchilov and Hutter 2019).
struct AdamStep {
  Real learning_rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, weight_decay = 0;  ///< as in AdamOptions
  Real correction1 = 1, correction2 = 1;  ///< 1 - beta^t
  Real gradient_scale = 1;                ///< clipping and averaging, applied to g first
};

class PreparedLinear;
class LargestOutput;
struct LinearWeights;

/// A parameter in training, as an update of all of them sees it.
struct TrainedSlice {
  Real* value = nullptr;           ///< what is updated
  const Real* gradient = nullptr;  ///< of the same size
  Real* first = nullptr;           ///< Adam's running mean of the gradients
  Real* second = nullptr;          ///< and of their squares
  Index size = 0;                  ///< how many numbers each of the four has
  Real weight_decay = 0;           ///< in place of the step's
};

/// What a training step comes to. It is computed where the gradients are, and stays in the device's memory until the
/// host reads it, once per step.
struct StepTotals {
  double loss = 0;     ///< sum over the parts of the batch
  double squares = 0;  ///< Σ g² over all gradients: the square of their norm
};

/// The interface to a device; see the rules at the head of this file.
class Kernels : public Device {
 public:
  /// From where its memory comes.
  using Device::Device;

  // Linear algebra
  /// A batch of matrix products, as the struct says.
  virtual void gemm(const Gemm& g, const Real* a, const Real* b, Real* c) = 0;
  /// A linear layer for inference, its weights laid out once for many calls (backend/prepared_linear.hpp). The
  /// definition is by gemm(); a device may know a better layout.
  virtual std::unique_ptr<PreparedLinear> prepare(const LinearWeights& weights);
  /// About the same layer, where that is several times faster than the layer itself for a row alone: for guesses that are
  /// checked afterwards. Null where it is not.
  virtual std::unique_ptr<PreparedLinear> prepare_roughly(const LinearWeights& weights);
  /// The largest output of such a layer without an activation, outputs `barred` passed over, where that is faster than
  /// giving all of them to the host to look at. Null where it is not. Throws ShapeError where a layer has too many
  /// inputs for that.
  virtual std::unique_ptr<LargestOutput> prepare_largest(const LinearWeights& weights,
                                                         std::span<const std::int32_t> barred);

  // Element by element; `out` may be one of the inputs
  /// out = value
  virtual void fill(Real* out, Real value, Index n) = 0;
  /// out = x
  virtual void copy(const Real* x, Real* out, Index n) = 0;
  /// out = a + b
  virtual void add(const Real* a, const Real* b, Real* out, Index n) = 0;
  /// out = a ⊙ b
  virtual void multiply(const Real* a, const Real* b, Real* out, Index n) = 0;
  /// out = factor · x
  virtual void scale(const Real* x, Real factor, Real* out, Index n) = 0;
  /// out = activation(x)
  virtual void activate(Activation kind, const Real* x, Real* out, Index n) = 0;
  /// dx = factor · dy · activation'(x)
  virtual void activate_backward(Activation kind, const Real* x, const Real* dy, Real factor, Real* dx, Index n) = 0;
  /// out = x where it is kept, scaled, else 0
  virtual void dropout(const Dropout& d, const Real* x, Real* out, Index n) = 0;
  /// out = x + dropout(y)
  virtual void residual_dropout(const Dropout& d, const Real* x, const Real* y, Real* out, Index n) = 0;

  // Rows and a vector of one row's length; `out` may be x
  /// out[r, c] = x[r, c] + bias[c]
  virtual void add_bias(const Real* x, const Real* bias, Real* out, Index rows, Index cols) = 0;
  /// out[r, c] = activation(x[r, c] + bias[c])
  virtual void bias_activate(Activation kind, const Real* x, const Real* bias, Real* out, Index rows,
                             Index cols) = 0;
  /// out = dropout(activation(x + bias)). Defined by the other kernels; a device may do it in one pass.
  virtual void bias_activate_dropout(Activation kind, const Dropout& d, const Real* x, const Real* bias, Real* out, Index rows,
                                     Index cols);
  /// dx = dy · activation'(x + bias)
  virtual void bias_activate_backward(Activation kind, const Real* x, const Real* bias, const Real* dy,
                                      Real* dx, Index rows, Index cols) = 0;
  /// out[c] = Σ_r x[r, c]
  virtual void sum_rows(const Real* x, Real* out, Index rows, Index cols) = 0;

  // Moving and reducing along axes
  /// out[o, i] = Σ_a x[o, a, i]
  virtual void sum_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) = 0;
  /// out[o, a, i] = x[o, i]
  virtual void repeat_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) = 0;
  /// `rows` runs of `cols` values, from rows x_stride apart to rows out_stride apart
  virtual void copy_rows(const Real* x, Index x_stride, Real* out, Index out_stride, Index rows,
                         Index cols) = 0;
  /// out[i_p0, i_p1, …] = x[i_0, i_1, …]: axis a of the output is axis order[a] of the input
  virtual void permute(const Real* x, Real* out, const Shape& shape, const int* order) = 0;

  // Softmax, layer norm
  /// y[r, c] = exp(x[r, c] - max) / Σ over the keys the mask lets row r see; 0 elsewhere and in rows that see
  /// none
  virtual void softmax(const Mask& mask, const Real* x, Real* y, Index rows, Index cols) = 0;
  /// dx = y ⊙ (dy - Σ_c y dy)
  virtual void softmax_backward(const Real* y, const Real* dy, Real* dx, Index rows, Index cols) = 0;
  /// y = (x - mean) · rstd · gamma + beta with the biased variance; mean and rstd are [rows], kept for
  /// backward
  virtual void layer_norm(const Real* x, const Real* gamma, const Real* beta, Real epsilon, Real* y,
                          Real* mean, Real* rstd, Index rows, Index cols) = 0;
  /// dx, dgamma and dbeta from dy; formulas in ops/layer_norm.hpp
  virtual void layer_norm_backward(const Real* x, const Real* gamma, const Real* mean, const Real* rstd,
                                   const Real* dy, Real* dx, Real* dgamma, Real* dbeta, Index rows,
                                   Index cols) = 0;

  // Embedding
  /// out[i] = scale · table[ids[i]], rows of `dim`
  virtual void gather(const Real* table, const std::int32_t* ids, Real scale, Real* out, Index count,
                      Index dim) = 0;
  /// dtable[w] = scale · Σ_{i: ids[i] = w} dy[i]; all of the [vocabulary, dim] table is written
  virtual void scatter_add(const std::int32_t* ids, const Real* dy, Real scale, Real* dtable, Index count,
                           Index vocabulary, Index dim) = 0;

  // Cross-entropy
  /// losses[r] = -Σ_c q_c log softmax(logits[r])_c, log_sums[r] = log Σ exp(logits[r]); both 0 in ignored
  /// rows
  virtual void cross_entropy(const CrossEntropyRows& rows, const Real* logits, const std::int32_t* targets,
                             Real* losses, Real* log_sums) = 0;
  /// dlogits = factor · (softmax(logits) - q), 0 in ignored rows; dlogits may be logits
  virtual void cross_entropy_backward(const CrossEntropyRows& rows, const Real* logits,
                                      const std::int32_t* targets, const Real* log_sums, Real factor,
                                      Real* dlogits) = 0;
  /// The bias and both of the above in one: to logits, their bias is added and they become dlogits; dbias is the
  /// column sum of those. log_sums is as above. The definition is in terms of the other kernels; a device may know a
  /// faster way.
  virtual void cross_entropy_gradient(const CrossEntropyRows& rows, const Real* bias, const std::int32_t* targets,
                                      Real factor, Real* logits, Real* losses, Real* log_sums, Real* dbias);

  // Fused attention
  /// Whether attention() heeds Attention::key_rows.
  virtual bool takes_key_rows() const { return false; }
  /// o = dropout(softmax(scale · q kᵀ)) v per head; log_sums [batch, heads, queries] is kept for backward
  /// (log Σ exp(score) over the keys a row sees, 0 where it sees none)
  virtual void attention(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o,
                         Real* log_sums) = 0;
  /// dq, dk and dv from grad_o; formulas in ops/attention.hpp
  virtual void attention_backward(const Attention& a, const Real* q, const Real* k, const Real* v,
                                  const Real* o, const Real* log_sums, const Real* grad_o, Real* dq, Real* dk,
                                  Real* dv) = 0;

  // Reductions to one host number, and updates in place
  /// Σ x
  virtual double sum(const Real* x, Index n) = 0;
  /// Σ x²; not finite when an entry is not
  virtual double sum_squares(const Real* x, Index n) = 0;
  /// value -= learning_rate · gradient_scale · g
  virtual void sgd(Real* value, const Real* g, Real learning_rate, Real gradient_scale, Index n) = 0;
  /// One Adam (AdamW when weight_decay > 0) update of value and both moments
  virtual void adam(const AdamStep& s, Real* value, const Real* g, Real* m, Real* v, Index n) = 0;

  // The same without the host in between: a device that works on its own need not be waited for
  /// *out = Σ x / divisor, added up in double
  virtual void sum_to(const Real* x, Real divisor, Real* out, Index n);
  /// x = *factor · x in place; nothing is to be done when that is 1
  virtual void scale_by(Real* x, const Real* factor, Index n);
  /// totals: the sum of the numbers `losses` point to, and Σ g² over all slices, both in order and in double
  virtual void step_totals(std::span<const Real* const> losses, std::span<const TrainedSlice> slices,
                           StepTotals* totals);
  /// Adam for every slice, with s.gradient_scale multiplied by clip_factor(norm, clip) where norm = √totals->squares.
  /// Nothing is written when loss or norm are not finite.
  virtual void adam_all(const AdamStep& s, double clip, std::span<const TrainedSlice> slices,
                        const StepTotals* totals);
};

/// The factor that brings a gradient of norm `norm` down to `limit`; 1 when it is below or limit is 0.
constexpr double clip_factor(double norm, double limit) { return limit > 0 && norm > limit ? limit / norm : 1; }

/// The plain loops a learner reads; slow and obviously right.
std::unique_ptr<Kernels> make_reference_kernels();
/// OpenBLAS and OpenMP. `threads` 0 takes all cores.
std::unique_ptr<Kernels> make_cpu_kernels(int threads = 0);
/// Throws CudaError where there is no card, or where the build has no CUDA backend (no_cuda.cpp is linked
/// then).
std::unique_ptr<Kernels> make_cuda_kernels();
/// Whether the backend is built in and there is a card with a driver; make_cuda_kernels() may still find it of no use.
bool cuda_is_there();
/// The kernels of the CUDA backend, run by an emulator on the processor: slow, and strict. Throws CudaError where the
/// build has none (no_emulator.cpp is linked then).
std::unique_ptr<Kernels> make_emulated_kernels();
/// By name: "reference", "cpu", "cuda", "cuda-emulated", "auto" (the card where one can be used, else the cpu). Throws
/// UsageError for an unknown one or threads < 0. backend/registry.hpp has the same with a word about the choice.
std::unique_ptr<Kernels> make_kernels(std::string_view device, int threads = 0);

}  // namespace tenfold::inline TENFOLD_REAL
