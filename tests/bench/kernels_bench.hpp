/// @file
/// How long the kernels take at the shapes of training `tiny` and `small`, about 4,096 tokens a step, and of
/// decoding.
///
///     make bench-kernels ARGS="--benchmark_filter=gemm --benchmark_format=json"
///
/// The number of threads is OMP_NUM_THREADS. Rates are GFLOP/s for products, entries per second elsewhere.
#pragma once
#include <benchmark/benchmark.h>

#include <vector>

#include "backend/kernels.hpp"

namespace tenfold::bench {

using benchmark::State;

constexpr Index tokens = 4096;

/// The fast kernels, with as many threads as OpenMP would take.
inline Kernels& cpu() {
  static const auto kernels = make_cpu_kernels();
  return *kernels;
}

/// Random numbers from -1 to 1.
inline std::vector<Real> values(Index n, std::uint64_t seed = 1) {
  PhiloxSequence random(seed);
  std::vector<Real> v(static_cast<std::size_t>(n));
  for (Real& x : v) x = static_cast<Real>(2 * random.uniform() - 1);
  return v;
}

/// Random ids.
inline std::vector<std::int32_t> ids(Index n, std::uint32_t below) {
  PhiloxSequence random(2);
  std::vector<std::int32_t> v(static_cast<std::size_t>(n));
  for (std::int32_t& x : v) x = static_cast<std::int32_t>(random.below(below));
  return v;
}

/// So many entries a call.
inline void count(State& state, Index entries) { state.SetItemsProcessed(state.iterations() * entries); }

}  // namespace tenfold::bench
