// How long the kernels take at the shapes of training `tiny` and `small`, about 4,096 tokens a step.
//
//     cmake -B build -DTENFOLD_BENCH=ON && cmake --build build --target bench_kernels
//     build/tests/bench_kernels --benchmark_filter=gemm
//
// The number of threads is OMP_NUM_THREADS. Rates are GFLOP/s for products, entries per second elsewhere.
#include <benchmark/benchmark.h>

#include <vector>

#include "backend/kernels.hpp"

using namespace tenfold;
using benchmark::State;

namespace {

constexpr Index tokens = 4096;

Kernels& cpu() {
  static const auto kernels = make_cpu_kernels();
  return *kernels;
}

std::vector<Real> values(Index n, std::uint64_t seed = 1) {
  PhiloxSequence random(seed);
  std::vector<Real> v(static_cast<std::size_t>(n));
  for (Real& x : v) x = static_cast<Real>(2 * random.uniform() - 1);
  return v;
}

std::vector<std::int32_t> ids(Index n, std::uint32_t below) {
  PhiloxSequence random(2);
  std::vector<std::int32_t> v(static_cast<std::size_t>(n));
  for (std::int32_t& x : v) x = static_cast<std::int32_t>(random.below(below));
  return v;
}

void count(State& state, Index entries) { state.SetItemsProcessed(state.iterations() * entries); }

/// m, n, k, order: 0 plain, 1 transposes b (a forward pass with [out, in] weights), 2 transposes a (their
/// gradient)
void gemm(State& state) {
  const Index m = state.range(0), n = state.range(1), k = state.range(2), order = state.range(3);
  const auto a = values(m * k), b = values(k * n);
  std::vector<Real> c(static_cast<std::size_t>(m * n));
  const Gemm g{.transpose_a = order == 2,
               .transpose_b = order == 1,
               .m = m,
               .n = n,
               .k = k,
               .lda = order == 2 ? m : k,
               .ldb = order == 1 ? k : n,
               .ldc = n};
  for (auto _ : state) cpu().gemm(g, a.data(), b.data(), c.data());
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(m * n * k),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void gemm_shapes(benchmark::internal::Benchmark* bench) {
  for (Index d : {128, 256}) {
    bench->Args({tokens, 3 * d, d, 1})->Args({tokens, d, d, 1})->Args({tokens, 4 * d, d, 1});
    bench->Args({tokens, d, 4 * d, 1})->Args({512, 8000, d, 1});  // feed-forward, logits by chunks
    bench->Args({tokens, d, d, 0})->Args({d, d, tokens, 2})->Args({8000, d, 512, 2});  // gradients
    for (Index rows : {1, 2, 5, 8, 16, 32})
      bench->Args({rows, 4 * d, d, 1})->Args({rows, 8000, d, 1});  // decoding
  }
}
BENCHMARK(gemm)->Apply(gemm_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// sentences, heads, queries, keys, head_dim, dropout in percent
Attention attention_of(State& state, bool masked) {
  Attention a;
  a.batch = state.range(0);
  a.heads = state.range(1);
  a.queries = state.range(2);
  a.keys = state.range(3);
  a.head_dim = state.range(4);
  const Index d = a.heads * a.head_dim;
  a.q = {3 * d, a.queries * 3 * d};
  a.k = a.v = {3 * d, a.keys * 3 * d};
  a.o = {d, a.queries * d};
  a.scale = Real{0.2};
  a.mask = {.heads = a.heads, .queries = a.queries, .causal = masked};
  a.dropout = Dropout::with_rate(static_cast<double>(state.range(5)) / 100, 1, 2);
  return a;
}

void attention(State& state) {
  const Attention a = attention_of(state, false);
  const Index d = a.heads * a.head_dim;
  const auto q = values(a.batch * a.queries * 3 * d), kv = values(a.batch * a.keys * 3 * d);
  auto o = values(a.batch * a.queries * d), sums = values(a.batch * a.heads * a.queries);
  for (auto _ : state) cpu().attention(a, q.data(), kv.data(), kv.data() + d, o.data(), sums.data());
  count(state, a.batch * a.queries);
}

void attention_backward(State& state) {
  const Attention a = attention_of(state, true);
  const Index d = a.heads * a.head_dim;
  const auto q = values(a.batch * a.queries * 3 * d), kv = values(a.batch * a.keys * 3 * d);
  auto o = values(a.batch * a.queries * d), sums = values(a.batch * a.heads * a.queries);
  auto dq = q, dkv = kv;
  cpu().attention(a, q.data(), kv.data(), kv.data() + d, o.data(), sums.data());
  for (auto _ : state)
    cpu().attention_backward(a, q.data(), kv.data(), kv.data() + d, o.data(), sums.data(), o.data(),
                             dq.data(), dkv.data(), dkv.data() + d);
  count(state, a.batch * a.queries);
}

void attention_shapes(benchmark::internal::Benchmark* bench) {
  for (Index heads : {4, 8})
    for (Index time : {12, 16, 32, 64, 256})
      bench->Args({tokens / time, heads, time, time, 32, 10})
          ->Args({tokens / time, heads, time, time, 32, 0});
  bench->Args({2, 4, 2048, 2048, 32, 0});
}
BENCHMARK(attention)->Apply(attention_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(attention)
    ->Name("attention_decode")
    ->Args({1, 8, 1, 20, 32, 0})
    ->Args({32, 8, 1, 20, 32, 0})
    ->UseRealTime();
BENCHMARK(attention_backward)->Apply(attention_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);

void layer_norm(State& state) {
  const Index d = state.range(0);
  const auto x = values(tokens * d), gamma = values(d), beta = values(d);
  auto y = x, mean = values(tokens), rstd = mean;
  for (auto _ : state)
    cpu().layer_norm(x.data(), gamma.data(), beta.data(), Real{1e-5}, y.data(), mean.data(), rstd.data(),
                     tokens, d);
  count(state, tokens * d);
}
BENCHMARK(layer_norm)->Arg(128)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

void layer_norm_backward(State& state) {
  const Index d = state.range(0);
  const auto x = values(tokens * d), gamma = values(d), mean = values(tokens), dy = values(tokens * d);
  auto dx = x, dgamma = gamma, dbeta = gamma;
  for (auto _ : state)
    cpu().layer_norm_backward(x.data(), gamma.data(), mean.data(), mean.data(), dy.data(), dx.data(),
                              dgamma.data(), dbeta.data(), tokens, d);
  count(state, tokens * d);
}
BENCHMARK(layer_norm_backward)->Arg(128)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

void softmax(State& state) {
  const Index rows = state.range(0), cols = state.range(1);
  const auto x = values(rows * cols);
  auto y = x;
  for (auto _ : state) cpu().softmax({}, x.data(), y.data(), rows, cols);
  count(state, rows * cols);
}
BENCHMARK(softmax)->Args({512, 8000})->Args({16384, 16})->UseRealTime()->Unit(benchmark::kMicrosecond);

void cross_entropy(State& state) {
  const CrossEntropyRows rows{.rows = 512, .classes = 8000, .smoothing = Real{0.1}};
  const auto logits = values(512 * 8000);
  const auto targets = ids(512, 8000);
  auto losses = values(512), sums = losses;
  for (auto _ : state) cpu().cross_entropy(rows, logits.data(), targets.data(), losses.data(), sums.data());
  count(state, 512 * 8000);
}
BENCHMARK(cross_entropy)->UseRealTime()->Unit(benchmark::kMicrosecond);

void cross_entropy_backward(State& state) {
  const CrossEntropyRows rows{.rows = 512, .classes = 8000, .smoothing = Real{0.1}};
  const auto logits = values(512 * 8000), sums = values(512);
  const auto targets = ids(512, 8000);
  auto d = logits;
  for (auto _ : state)
    cpu().cross_entropy_backward(rows, logits.data(), targets.data(), sums.data(), Real{0.1}, d.data());
  count(state, 512 * 8000);
}
BENCHMARK(cross_entropy_backward)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// One kernel of [tokens, width] entries; 0: width 128, …
template <class Run>
void entries(State& state, Run run) {
  const Index width = state.range(0), n = tokens * width;
  const auto x = values(n), y = values(n), bias = values(width);
  auto out = x;
  for (auto _ : state) run(x.data(), y.data(), bias.data(), out.data(), width);
  count(state, n);
}

#define ENTRIES(name, width, ...)                                                                        \
  BENCHMARK_CAPTURE(entries, name,                                                                       \
                    [](const Real* x, [[maybe_unused]] const Real* y, [[maybe_unused]] const Real* bias, \
                       Real* out, Index cols) { __VA_ARGS__; })                                          \
      ->Arg(width)                                                                                       \
      ->UseRealTime()                                                                                    \
      ->Unit(benchmark::kMicrosecond)
ENTRIES(dropout, 128, cpu().dropout(Dropout::with_rate(0.1, 1, 2), x, out, tokens* cols));
ENTRIES(residual_dropout, 128,
        cpu().residual_dropout(Dropout::with_rate(0.1, 1, 2), x, y, out, tokens* cols));
ENTRIES(bias_relu, 512, cpu().bias_activate(Activation::relu, x, bias, out, tokens, cols));
ENTRIES(bias_gelu, 512, cpu().bias_activate(Activation::gelu, x, bias, out, tokens, cols));
ENTRIES(bias_gelu_backward, 512,
        cpu().bias_activate_backward(Activation::gelu, x, bias, y, out, tokens, cols));
ENTRIES(add_bias, 512, cpu().add_bias(x, bias, out, tokens, cols));
ENTRIES(sum_rows, 512, cpu().sum_rows(x, out, tokens, cols));
ENTRIES(add, 128, cpu().add(x, y, out, tokens* cols));
ENTRIES(sum_squares, 512, benchmark::DoNotOptimize(cpu().sum_squares(x, tokens* cols)); (void)out);

void embedding_gradient(State& state) {
  const Index d = state.range(0);
  const auto dy = values(tokens * d);
  const auto words = ids(tokens, 8000);
  auto table = values(8000 * d);
  for (auto _ : state) cpu().scatter_add(words.data(), dy.data(), 1, table.data(), tokens, 8000, d);
  count(state, 8000 * d);
}
BENCHMARK(embedding_gradient)->Arg(128)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

void adam(State& state) {
  const Index n = state.range(0);
  auto value = values(n), g = values(n), m = values(n), v = std::vector<Real>(value.size(), Real{1});
  const AdamStep s{
      .learning_rate = Real{1e-4}, .beta1 = Real{0.9}, .beta2 = Real{0.98}, .epsilon = Real{1e-9}};
  for (auto _ : state) cpu().adam(s, value.data(), g.data(), m.data(), v.data(), n);
  count(state, n);
}
BENCHMARK(adam)->Arg(2'000'000)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
