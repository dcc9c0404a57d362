/// @file
/// What one layer of self-attention costs by the length of its input: operations on paper, memory by the
/// allocator's counters, time by the clock. The lesson's path stores every score; the engine's fused path
/// does not.
#pragma once
#include <algorithm>
#include <chrono>
#include <vector>

#include "01-self-attention/lesson.hpp"
#include "course/engine.hpp"
#include "course/tensors.hpp"
#include "ops/activation.hpp"
#include "ops/attention.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter01 {

constexpr Index cost_width = 64, cost_inner = 4 * cost_width;
inline const std::vector<Index> cost_lengths{64, 128, 256, 512, 1024, 2048};

/// Multiplications and additions, each counted as one.
inline double projection_flops(Index time) {
  return 6.0 * static_cast<double>(time * cost_width * cost_width);
}
inline double core_flops(Index time) { return 4.0 * static_cast<double>(time * time * cost_width); }
inline double feed_forward_flops(Index time) {
  return 4.0 * static_cast<double>(time * cost_width * cost_inner);
}

/// One input [1, time, width] and everything that works on it, on kernels of its own.
struct CostBench {
  std::unique_ptr<Kernels> k = measuring_kernels();
  Tensor x, w_q, w_k, w_v, w_qkv, w_1, w_2;

  explicit CostBench(Index time) {
    const auto random = [&](std::uint64_t stream, const Shape& shape, double deviation) {
      return lab::random_tensor(*k, shape, 1, stream, deviation);
    };
    x = random(1, {1, time, cost_width}, 1);
    const double f = 1 / std::sqrt(static_cast<double>(cost_width));
    w_q = random(2, {cost_width, cost_width}, f);
    w_k = random(3, {cost_width, cost_width}, f);
    w_v = random(4, {cost_width, cost_width}, f);
    w_qkv = random(5, {3 * cost_width, cost_width}, f);
    w_1 = random(6, {cost_inner, cost_width}, f);
    w_2 = random(7, {cost_width, cost_inner}, f);
  }
  Variable lesson(const Variable& in) const { return self_attention(in, w_q, w_k, w_v); }
  Variable fused(const Variable& in) const { return attention(linear(in, w_qkv), 1); }
  Variable feed_forward(const Variable& in) const {
    return linear(activate(Activation::relu, linear(in, w_1)), w_2);
  }
};

/// Most bytes in tensors at once, beyond what stood there before, in a forward and a backward pass of
/// `layer`.
template <class Layer>
double peak_bytes(CostBench& bench, const Layer& layer) {
  const double before = static_cast<double>(bench.k->memory().stats().used_bytes);
  Tape tape;
  const Variable y = layer(tape.leaf(bench.x));
  tape.backward(y, bench.x);  // any upstream gradient of the output's shape will do
  return static_cast<double>(bench.k->memory().stats().peak_bytes) - before;
}

/// Seconds of the fastest of some forward passes.
template <class Layer>
double seconds(const CostBench& bench, const Layer& layer) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9, spent = 0;
  for (int n = 0; n < 5 || (spent < 0.06 && n < 200); ++n) {
    const auto start = Clock::now();
    layer(bench.x);
    const double taken = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, taken);
    spent += taken;
  }
  return best;
}

}  // namespace chapter01
}  // namespace tenfold::inline TENFOLD_REAL
