/// @file
/// Chapter 6 at lesson size: cross-entropy from logits, and what the two self-supervised objectives ask of a
/// model.
#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "course/custom_operation.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

// [log-sum-exp]
/// log Σ exp(z_c). The largest logit is taken out first: no exponential overflows, and one of them is 1.
template <class T>
T log_sum_exp(std::span<const T> z) {
  const T most = *std::max_element(z.begin(), z.end());
  T sum = 0;
  for (T v : z) sum += std::exp(v - most);
  return most + std::log(sum);
}
// [/log-sum-exp]

// [cross-entropy]
/// The mean of -Σ_c y_c log p_c over the rows of logits [..., classes] whose target is not `ignore`; p is the
/// softmax of a row, y is 1 - smoothing at the target and smoothing / classes more everywhere. A value of
/// shape [1].
inline Variable cross_entropy(const Variable& logits, const IdTensor& targets, std::int32_t ignore,
                              double smoothing = 0) {
  const std::vector<Real> z = logits.value.to_host();
  const std::vector<std::int32_t> t = targets.to_host();
  const auto classes = static_cast<std::size_t>(logits.shape().back());
  if (z.size() != t.size() * classes)
    throw ShapeError("cross_entropy: one target per row of logits is needed");
  const auto ignored = std::count(t.begin(), t.end(), ignore);
  const double rows = std::max<double>(static_cast<double>(t.size()) - static_cast<double>(ignored), 1);
  std::vector<Real> gradient(z.size());  // stays 0 in rows that are ignored
  double loss = 0;
  for (std::size_t r = 0; r < t.size(); ++r) {
    if (t[r] == ignore) continue;
    const std::span<const Real> row(z.data() + r * classes, classes);
    const Real log_sum = log_sum_exp(row);
    for (std::size_t c = 0; c < classes; ++c) {
      const double log_p = static_cast<double>(row[c]) - static_cast<double>(log_sum);
      const double y = (static_cast<std::int32_t>(c) == t[r] ? 1 - smoothing : 0) +
                       smoothing / static_cast<double>(classes);
      if (y > 0) loss -= y * log_p;
      gradient[r * classes + c] = static_cast<Real>((std::exp(log_p) - y) / rows);  // p - y
    }
  }
  Kernels& k = kernels(logits.value);
  const Tensor by_logits = Tensor::from(k, logits.shape(), gradient);
  const auto backward = [by_logits](const Tensor& dy, std::span<Tensor> dx) {
    dx[0] = empty_like(by_logits);
    kernels(dy).scale(by_logits.data(), dy.item(), dx[0].mutable_data(), by_logits.size());
  };
  return lab::custom_operation({logits}, filled(k, {1}, static_cast<Real>(loss / rows)), backward);
}
// [/cross-entropy]

// [objectives]
/// What a model reads and what it must say at each position; `nothing` where it is not asked.
struct Task {
  std::vector<std::int32_t> read, say;
};

/// Next token: reads a mark and the text without its end, says the text.
inline Task next_token(const std::vector<std::int32_t>& text, std::int32_t mark) {
  Task task{text, text};
  std::rotate(task.read.begin(), task.read.end() - 1, task.read.end());
  task.read.front() = mark;
  return task;
}

/// Masked token: reads the text with a mark where hidden(i), says what stood there, and nothing else.
template <class Hidden>
Task masked_token(const std::vector<std::int32_t>& text, std::int32_t mark, std::int32_t nothing,
                  const Hidden& hidden) {
  Task task{text, std::vector<std::int32_t>(text.size(), nothing)};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!hidden(i)) continue;
    task.read[i] = mark;
    task.say[i] = text[i];
  }
  return task;
}
// [/objectives]

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
