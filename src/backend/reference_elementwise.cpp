// ReferenceKernels: products, element by element, moving data, reductions and updates.
#include <array>
#include <cmath>
#include <cstring>

#include "backend/activation.hpp"
#include "backend/reference.hpp"

namespace tenfold::inline TENFOLD_REAL {

ReferenceKernels::ReferenceKernels() : Kernels(std::make_unique<SystemMemory>()) {}

std::unique_ptr<Kernels> make_reference_kernels() { return std::make_unique<ReferenceKernels>(); }

void ReferenceKernels::upload(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void ReferenceKernels::download(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void ReferenceKernels::gemm(const Gemm& g, const Real* a, const Real* b, Real* c) {
  for (Index p = 0; p < g.batch; ++p, a += g.stride_a, b += g.stride_b, c += g.stride_c)
    for (Index i = 0; i < g.m; ++i)
      for (Index j = 0; j < g.n; ++j) {
        Real total = 0;
        for (Index l = 0; l < g.k; ++l) {
          const Real left = g.transpose_a ? a[l * g.lda + i] : a[i * g.lda + l];
          const Real right = g.transpose_b ? b[j * g.ldb + l] : b[l * g.ldb + j];
          total += left * right;
        }
        Real& out = c[i * g.ldc + j];
        out = g.beta == 0 ? g.alpha * total : g.alpha * total + g.beta * out;
      }
}

void ReferenceKernels::fill(Real* out, Real value, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = value;
}

void ReferenceKernels::copy(const Real* x, Real* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = x[i];
}

void ReferenceKernels::add(const Real* a, const Real* b, Real* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = a[i] + b[i];
}

void ReferenceKernels::multiply(const Real* a, const Real* b, Real* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = a[i] * b[i];
}

void ReferenceKernels::scale(const Real* x, Real factor, Real* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = x[i] * factor;
}

void ReferenceKernels::activate(Activation kind, const Real* x, Real* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = activation(kind, x[i]);
}

void ReferenceKernels::activate_backward(Activation kind, const Real* x, const Real* dy, Real factor, Real* dx, Index n) {
  for (Index i = 0; i < n; ++i) dx[i] = factor * dy[i] * activation_slope(kind, x[i]);
}

// Srivastava et al. 2014, in the inverted form: scaling what is kept while training leaves the mean as it
// was, and inference untouched. The backward is the same function of the gradient: the mask is drawn again,
// not stored.
void ReferenceKernels::dropout(const Dropout& d, const Real* x, Real* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = d.keeps(i) ? x[i] * d.scale() : 0;
}

void ReferenceKernels::residual_dropout(const Dropout& d, const Real* x, const Real* y, Real* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = d.keeps(i) ? x[i] + y[i] * d.scale() : x[i];
}

void ReferenceKernels::sum_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) {
  for (Index o = 0; o < outer; ++o)
    for (Index i = 0; i < inner; ++i) {
      Real total = 0;
      for (Index a = 0; a < axis; ++a) total += x[(o * axis + a) * inner + i];
      out[o * inner + i] = total;
    }
}

void ReferenceKernels::repeat_axis(const Real* x, Real* out, Index outer, Index axis, Index inner) {
  for (Index o = 0; o < outer; ++o)
    for (Index a = 0; a < axis; ++a)
      for (Index i = 0; i < inner; ++i) out[(o * axis + a) * inner + i] = x[o * inner + i];
}

void ReferenceKernels::copy_rows(const Real* x, Index x_stride, Real* out, Index out_stride, Index rows,
                                 Index cols) {
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) out[r * out_stride + c] = x[r * x_stride + c];
}

// Counts through the output's positions like an odometer; `at` follows in the input, whose axis order[a] has
// the stride that axis a of the output moves by.
void ReferenceKernels::permute(const Real* x, Real* out, const Shape& shape, const int* order) {
  const int rank = shape.rank();
  std::array<Index, Shape::max_rank> stride{}, extent{}, step{}, position{};
  for (Index run = 1, a = rank; a-- > 0; run *= shape[static_cast<int>(a)]) stride[a] = run;
  for (int a = 0; a < rank; ++a) {
    extent[a] = shape[order[a]];
    step[a] = stride[order[a]];
  }
  const Index n = shape.size();
  for (Index i = 0, at = 0; i < n; ++i) {
    out[i] = x[at];
    for (int a = rank; a-- > 0;) {
      at += step[a];
      if (++position[a] < extent[a]) break;
      at -= step[a] * extent[a];
      position[a] = 0;
    }
  }
}

double ReferenceKernels::sum(const Real* x, Index n) {
  double total = 0;
  for (Index i = 0; i < n; ++i) total += x[i];
  return total;
}

double ReferenceKernels::sum_squares(const Real* x, Index n) {
  double total = 0;
  for (Index i = 0; i < n; ++i) total += static_cast<double>(x[i]) * x[i];
  return total;
}

void ReferenceKernels::sgd(Real* value, const Real* g, Real learning_rate, Real gradient_scale, Index n) {
  for (Index i = 0; i < n; ++i) value[i] -= learning_rate * (gradient_scale * g[i]);
}

// Kingma and Ba 2015: m and v are running means of g and g², and m/correction1, v/correction2 are free of
// their bias towards the zeros they began with. The decay acts on the weight itself (Loshchilov and Hutter
// 2019).
void ReferenceKernels::adam(const AdamStep& s, Real* value, const Real* g, Real* m, Real* v, Index n) {
  for (Index i = 0; i < n; ++i) {
    const Real gradient = s.gradient_scale * g[i];
    m[i] = s.beta1 * m[i] + (1 - s.beta1) * gradient;
    v[i] = s.beta2 * v[i] + (1 - s.beta2) * gradient * gradient;
    const Real step = (m[i] / s.correction1) / (std::sqrt(v[i] / s.correction2) + s.epsilon);
    value[i] -= s.learning_rate * (step + s.weight_decay * value[i]);
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
