// ReferenceKernels: what is done row by row: bias, softmax, layer norm, embedding, cross-entropy.
#include <algorithm>
#include <cmath>

#include "backend/activation.hpp"
#include "backend/reference.hpp"

namespace tenfold::inline TENFOLD_REAL {

void ReferenceKernels::add_bias(const Real* x, const Real* bias, Real* out, Index rows, Index cols) {
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) out[r * cols + c] = x[r * cols + c] + bias[c];
}

void ReferenceKernels::bias_activate(Activation kind, const Real* x, const Real* bias, Real* out, Index rows,
                                     Index cols) {
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) out[r * cols + c] = activation(kind, x[r * cols + c] + bias[c]);
}

void ReferenceKernels::bias_activate_backward(Activation kind, const Real* x, const Real* bias,
                                              const Real* dy, Real* dx, Index rows, Index cols) {
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) {
      const Index i = r * cols + c;
      dx[i] = dy[i] * activation_slope(kind, x[i] + bias[c]);
    }
}

void ReferenceKernels::sum_rows(const Real* x, Real* out, Index rows, Index cols) {
  for (Index c = 0; c < cols; ++c) {
    Real total = 0;
    for (Index r = 0; r < rows; ++r) total += x[r * cols + c];
    out[c] = total;
  }
}

// Subtracting the row's maximum changes nothing (it cancels in the quotient) and keeps exp from overflowing.
void ReferenceKernels::softmax(const Mask& mask, const Real* x, Real* y, Index rows, Index cols) {
  for (Index r = 0; r < rows; ++r, x += cols, y += cols) {
    const Index seen = std::max<Index>(mask.visible(r, cols), 0);
    Real largest = seen > 0 ? x[0] : 0;
    for (Index c = 1; c < seen; ++c) largest = std::max(largest, x[c]);
    Real total = 0;
    for (Index c = 0; c < seen; ++c) total += y[c] = std::exp(x[c] - largest);
    for (Index c = 0; c < seen; ++c) y[c] /= total;
    for (Index c = seen; c < cols; ++c) y[c] = 0;
  }
}

// ∂y_c/∂x_j = y_c (δ_cj - y_j), so dx_j = Σ_c dy_c y_c (δ_cj - y_j) = y_j (dy_j - Σ_c y_c dy_c).
void ReferenceKernels::softmax_backward(const Real* y, const Real* dy, Real* dx, Index rows, Index cols) {
  for (Index r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    Real mean = 0;
    for (Index c = 0; c < cols; ++c) mean += y[c] * dy[c];
    for (Index c = 0; c < cols; ++c) dx[c] = y[c] * (dy[c] - mean);
  }
}

// Ba, Kiros and Hinton 2016. The mean first and then the deviations: Σx² - mean² would cancel.
void ReferenceKernels::layer_norm(const Real* x, const Real* gamma, const Real* beta, Real epsilon, Real* y,
                                  Real* mean, Real* rstd, Index rows, Index cols) {
  for (Index r = 0; r < rows; ++r, x += cols, y += cols) {
    Real total = 0, squares = 0;
    for (Index c = 0; c < cols; ++c) total += x[c];
    mean[r] = total / static_cast<Real>(cols);
    for (Index c = 0; c < cols; ++c) squares += (x[c] - mean[r]) * (x[c] - mean[r]);
    rstd[r] = 1 / std::sqrt(squares / static_cast<Real>(cols) + epsilon);
    const Real row_mean = mean[r], row_rstd = rstd[r];
    for (Index c = 0; c < cols; ++c) y[c] = (x[c] - row_mean) * row_rstd * gamma[c] + beta[c];
  }
}

// With n = (x - mean) rstd, y = n gamma + beta and g = dy gamma (the gradient of n):
// ∂n_c/∂x_j = rstd (δ_cj - 1/C - n_c n_j / C), the last two terms since x_j moves the mean and the deviation
// too, so dx_j = rstd (g_j - mean(g) - n_j mean(g n)); dgamma = Σ_r dy n, dbeta = Σ_r dy.
void ReferenceKernels::layer_norm_backward(const Real* x, const Real* gamma, const Real* mean,
                                           const Real* rstd, const Real* dy, Real* dx, Real* dgamma,
                                           Real* dbeta, Index rows, Index cols) {
  std::fill_n(dgamma, cols, Real{0});
  std::fill_n(dbeta, cols, Real{0});
  for (Index r = 0; r < rows; ++r, x += cols, dy += cols, dx += cols) {
    Real sum_g = 0, sum_gn = 0;
    for (Index c = 0; c < cols; ++c) {
      const Real n = (x[c] - mean[r]) * rstd[r], g = dy[c] * gamma[c];
      sum_g += g;
      sum_gn += g * n;
      dgamma[c] += dy[c] * n;
      dbeta[c] += dy[c];
    }
    const Real mean_g = sum_g / static_cast<Real>(cols), mean_gn = sum_gn / static_cast<Real>(cols);
    for (Index c = 0; c < cols; ++c) {
      const Real n = (x[c] - mean[r]) * rstd[r];
      dx[c] = rstd[r] * (dy[c] * gamma[c] - mean_g - n * mean_gn);
    }
  }
}

void ReferenceKernels::gather(const Real* table, const std::int32_t* ids, Real scale, Real* out, Index count,
                              Index dim) {
  for (Index i = 0; i < count; ++i)
    for (Index d = 0; d < dim; ++d) out[i * dim + d] = scale * table[ids[i] * dim + d];
}

// out[i] = scale · table[ids[i]]: each use of a word adds its gradient to that word's row.
void ReferenceKernels::scatter_add(const std::int32_t* ids, const Real* dy, Real scale, Real* dtable,
                                   Index count, Index vocabulary, Index dim) {
  std::fill_n(dtable, vocabulary * dim, Real{0});
  for (Index i = 0; i < count; ++i)
    for (Index d = 0; d < dim; ++d) dtable[ids[i] * dim + d] += scale * dy[i * dim + d];
}

// With L = log Σ exp(z) and the smoothed target q_c = (1-s) [c = t] + s/C (Szegedy et al. 2016):
// -Σ_c q_c (z_c - L) = L - (1-s) z_t - s mean(z), since q sums to one.
void ReferenceKernels::cross_entropy(const CrossEntropyRows& rows, const Real* logits,
                                     const std::int32_t* targets, Real* losses, Real* log_sums) {
  for (Index r = 0; r < rows.rows; ++r) {
    const Real* z = logits + r * rows.classes;
    losses[r] = log_sums[r] = 0;
    if (targets[r] == rows.ignore) continue;
    const Real largest = *std::max_element(z, z + rows.classes);
    Real exps = 0, total = 0;
    for (Index c = 0; c < rows.classes; ++c) {
      exps += std::exp(z[c] - largest);
      total += z[c];
    }
    const Real s = rows.smoothing;
    log_sums[r] = largest + std::log(exps);
    losses[r] = log_sums[r] - (1 - s) * z[targets[r]] - s * (total / static_cast<Real>(rows.classes));
  }
}

// ∂L/∂z_c = softmax(z)_c and ∂(Σ q z)/∂z_c = q_c.
void ReferenceKernels::cross_entropy_backward(const CrossEntropyRows& rows, const Real* logits,
                                              const std::int32_t* targets, const Real* log_sums, Real factor,
                                              Real* dlogits) {
  const Real share = rows.smoothing / static_cast<Real>(rows.classes);
  for (Index r = 0; r < rows.rows; ++r) {
    const Real* z = logits + r * rows.classes;
    Real* dz = dlogits + r * rows.classes;
    for (Index c = 0; c < rows.classes; ++c) {
      const Real q = (c == targets[r] ? 1 - rows.smoothing : 0) + share;
      dz[c] = targets[r] == rows.ignore ? 0 : factor * (std::exp(z[c] - log_sums[r]) - q);
    }
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
