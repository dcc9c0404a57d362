// ReferenceKernels: scaled dot-product attention (Vaswani et al. 2017) and its gradient.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/reference.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// Which row of k and v key j of batch b is.
Index key_row(const Attention& a, Index b, Index j) { return a.key_rows ? a.key_rows[b * a.keys + j] : j; }

/// Where head `h` of row `t` of batch `b` begins.
Index place(const PackedRows& rows, const Attention& a, Index b, Index h, Index t) {
  return b * rows.batch_stride + t * rows.row_stride + h * a.head_dim;
}

Real dot_product(const Real* x, const Real* y, Index n) {
  Real total = 0;
  for (Index i = 0; i < n; ++i) total += x[i] * y[i];
  return total;
}

/// y += factor · x
void add_multiple(Real factor, const Real* x, Real* y, Index n) {
  for (Index i = 0; i < n; ++i) y[i] += factor * x[i];
}

void clear(const PackedRows& rows, const Attention& a, Index count, Real* x) {
  for (Index b = 0; b < a.batch; ++b)
    for (Index t = 0; t < count; ++t) std::fill_n(x + place(rows, a, b, 0, t), a.heads * a.head_dim, Real{0});
}

}  // namespace

void ReferenceKernels::attention(const Attention& a, const Real* q, const Real* k, const Real* v, Real* o,
                                 Real* log_sums) {
  std::vector<Real> score(static_cast<std::size_t>(a.keys));
  clear(a.o, a, a.queries, o);
  for (Index b = 0; b < a.batch; ++b)
    for (Index h = 0; h < a.heads; ++h)
      for (Index i = 0; i < a.queries; ++i) {
        const Index row = (b * a.heads + h) * a.queries + i;
        const Index seen = a.mask.visible(row, a.keys);
        log_sums[row] = 0;
        if (seen <= 0) continue;
        for (Index j = 0; j < seen; ++j)
          score[j] = a.scale * dot_product(q + place(a.q, a, b, h, i), k + place(a.k, a, b, h, key_row(a, b, j)), a.head_dim);
        const Real largest = *std::max_element(score.begin(), score.begin() + seen);
        Real total = 0;
        for (Index j = 0; j < seen; ++j) total += std::exp(score[j] - largest);
        log_sums[row] = largest + std::log(total);
        for (Index j = 0; j < seen; ++j) {
          const Real weight = std::exp(score[j] - largest) / total;
          if (!a.dropout.keeps(row * a.keys + j)) continue;
          add_multiple(weight * a.dropout.scale(), v + place(a.v, a, b, h, key_row(a, b, j)), o + place(a.o, a, b, h, i),
                     a.head_dim);
        }
      }
}

// For one query, with s_j = scale q·k_j, p = softmax(s), w_j = p_j r_j (r_j is 0 or the dropout scale), o =
// Σ_j w_j v_j:
//   dv_j = w_j do,  dp_j = r_j (do · v_j),  ds_j = p_j (dp_j - Σ_l p_l dp_l),  dq = scale Σ_j ds_j k_j,
//   dk_j = scale ds_j q.
// Σ_l p_l dp_l = do · Σ_l w_l v_l = do · o, and p_j = exp(s_j - log_sum): nothing but o and the log sums need
// be kept (Dao et al., "FlashAttention", 2022, appendix B.2).
void ReferenceKernels::attention_backward(const Attention& a, const Real* q, const Real* k, const Real* v,
                                          const Real* o, const Real* log_sums, const Real* grad_o, Real* dq,
                                          Real* dk, Real* dv) {
  clear(a.q, a, a.queries, dq);
  clear(a.k, a, a.keys, dk);
  clear(a.v, a, a.keys, dv);
  for (Index b = 0; b < a.batch; ++b)
    for (Index h = 0; h < a.heads; ++h)
      for (Index i = 0; i < a.queries; ++i) {
        const Index row = (b * a.heads + h) * a.queries + i;
        const Index seen = a.mask.visible(row, a.keys);
        const Index at_q = place(a.q, a, b, h, i), at_o = place(a.o, a, b, h, i);
        const Real mean = dot_product(grad_o + at_o, o + at_o, a.head_dim);
        for (Index j = 0; j < seen; ++j) {
          const Index at_k = place(a.k, a, b, h, j), at_v = place(a.v, a, b, h, j);
          const Real p = std::exp(a.scale * dot_product(q + at_q, k + at_k, a.head_dim) - log_sums[row]);
          const Real r = a.dropout.keeps(row * a.keys + j) ? a.dropout.scale() : 0;
          const Real dp = r * dot_product(grad_o + at_o, v + at_v, a.head_dim);
          const Real ds = p * (dp - mean);
          add_multiple(p * r, grad_o + at_o, dv + at_v, a.head_dim);
          add_multiple(a.scale * ds, k + at_k, dq + at_q, a.head_dim);
          add_multiple(a.scale * ds, q + at_q, dk + at_k, a.head_dim);
        }
      }
}

}  // namespace tenfold::inline TENFOLD_REAL
