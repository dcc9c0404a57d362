/// @file
/// Chapter 8 at lesson size: the causal mask, the key/value cache, and greedy decoding until the end token.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/add.hpp"
#include "ops/concat.hpp"
#include "ops/matmul.hpp"
#include "ops/multiply.hpp"
#include "ops/scale.hpp"
#include "ops/softmax.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter08 {

// [mask]
/// How a query is kept from the keys after it.
enum class Later { excluded, times_zero };

/// Attention weights of a sequence to itself; q and k [batch, heads, time, d_k], result [batch, heads, time,
/// time].
inline Variable causal_weights(const Variable& q, const Variable& k, Later later) {
  const Index time = q.shape()[2];
  const Real hidden = later == Later::excluded ? -std::numeric_limits<Real>::infinity() : 0;
  const Real seen = later == Later::excluded ? 0 : 1;
  std::vector<Real> mask;  // [time, time], query by key
  for (Index query = 0; query < time; ++query)
    for (Index key = 0; key < time; ++key) mask.push_back(key > query ? hidden : seen);
  const Variable scores = scale(matmul(q, k, false, true), 1 / std::sqrt(static_cast<Real>(q.shape()[3])));
  if (later == Later::excluded)
    return softmax(add(scores, Tensor::from(kernels(q.value), {time, time}, mask)));
  const Index copies = scores.shape().size() / (time * time);  // multiply() wants equal shapes
  std::vector<Real> repeated;
  for (Index i = 0; i < copies; ++i) repeated.insert(repeated.end(), mask.begin(), mask.end());
  return softmax(multiply(scores, Tensor::from(kernels(q.value), scores.shape(), repeated)));
}
// [/mask]

// [cache]
/// The keys and values of the tokens so far, [batch, heads, time, d_k] each. Owned by one layer of one
/// decoding.
struct Cache {
  Variable keys, values;
};

/// Attention of the newest token; q, k and v are its own, [batch, heads, 1, d_k]. There is nothing to mask:
/// later tokens do not exist yet.
inline Variable attend_newest(const Variable& q, const Variable& k, const Variable& v, Cache& cache) {
  const bool first = !cache.keys.value.defined();
  cache.keys = first ? k : concat(std::vector{cache.keys, k}, 2);
  cache.values = first ? v : concat(std::vector{cache.values, v}, 2);
  const Variable scores =
      scale(matmul(q, cache.keys, false, true), 1 / std::sqrt(static_cast<Real>(q.shape()[3])));
  return matmul(softmax(scores), cache.values);
}
// [/cache]

// [greedy]
/// The likeliest token again and again, until that is `end` or there are `limit` of them. step(token,
/// position) feeds one token and returns the logits of the next.
template <class Step>
std::vector<std::int32_t> greedy(const Step& step, std::int32_t begin, std::int32_t end, Index limit) {
  std::vector<std::int32_t> output;
  std::int32_t token = begin;
  for (Index position = 0; position < limit; ++position) {
    const std::vector<Real> logits = step(token, position);
    token = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (token == end) break;
    output.push_back(token);
  }
  return output;
}
// [/greedy]

}  // namespace chapter08
}  // namespace tenfold::inline TENFOLD_REAL
