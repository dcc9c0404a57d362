// Matrix products and attention at the shapes of training and decoding; see kernels_bench.hpp.
#include "backend/prepared_linear.hpp"
#include "bench/kernels_bench.hpp"

namespace tenfold::bench {
namespace {

/// Of matrices without gaps. order: 0 plain, 1 transposes b (a forward pass with [out, in] weights), 2 transposes a (their
/// gradient)
Gemm in_order(Index m, Index n, Index k, Index order) {
  return {.transpose_a = order == 2,
          .transpose_b = order == 1,
          .m = m,
          .n = n,
          .k = k,
          .lda = order == 2 ? m : k,
          .ldb = order == 1 ? k : n,
          .ldc = n};
}

/// So many multiplications a call, and as many additions.
void count_products(State& state, double multiplications) {
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * multiplications, benchmark::Counter::kIsIterationInvariantRate);
}

/// Keeps so many per cent, the others become zero.
void thin_out(std::vector<Real>& values, Index per_cent) {
  PhiloxSequence random(3);
  for (Real& value : values)
    if (random.uniform() * 100 >= static_cast<double>(per_cent)) value = 0;
}

/// m, n, k, order
void gemm(State& state) {
  const Index m = state.range(0), n = state.range(1), k = state.range(2);
  const auto a = values(m * k), b = values(k * n);
  std::vector<Real> c(static_cast<std::size_t>(m * n));
  const Gemm g = in_order(m, n, k, state.range(3));
  for (auto _ : state) cpu().gemm(g, a.data(), b.data(), c.data());
  count_products(state, static_cast<double>(m * n * k));
}

void gemm_shapes(benchmark::internal::Benchmark* bench) {
  for (Index d : {128, 256}) {
    bench->Args({tokens, 3 * d, d, 1})->Args({tokens, d, d, 1})->Args({tokens, 4 * d, d, 1});
    bench->Args({tokens, d, 4 * d, 1})->Args({512, 8000, d, 1});  // feed-forward, logits by chunks
    bench->Args({tokens, d, d, 0})->Args({d, d, tokens, 2})->Args({8000, d, 512, 2});  // gradients
    for (Index rows : {1, 2, 5, 8, 16, 32})
      bench->Args({rows, 4 * d, d, 1})->Args({rows, d, 4 * d, 1})->Args({rows, 8000, d, 1});  // decoding
  }
  for (Index order : {0, 1, 2}) bench->Args({32, 32, 32, order});  // heads of short sentences
  bench->Args({1024, 1024, 1024, 0});                              // what the machine can do
}
BENCHMARK(gemm)->Apply(gemm_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// rows, out, in, whether roughly: a linear layer whose weights are laid out already
void prepared(State& state) {
  const Index rows = state.range(0), out = state.range(1), in = state.range(2);
  const auto x = values(rows * in), weight = values(out * in), bias = values(out);
  std::vector<Real> y(static_cast<std::size_t>(rows * out));
  const LinearWeights weights{weight.data(), bias.data(), in, out, {}};
  const auto layer = state.range(3) ? cpu().prepare_roughly(weights) : cpu().prepare(weights);
  if (!layer) return state.SkipWithError("not on this processor");
  for (auto _ : state) layer->run(x.data(), y.data(), rows);
  count_products(state, static_cast<double>(rows * out * in));
}

/// m, n, k, order, whether it is b that has zeros and not a, per cent that are not zero: the products of a feed-forward layer
/// behind a ReLU
void gemm_sparse(State& state) {
  const Index m = state.range(0), n = state.range(1), k = state.range(2);
  auto a = values(m * k), b = values(k * n);
  thin_out(state.range(4) ? b : a, state.range(5));
  std::vector<Real> c(static_cast<std::size_t>(m * n));
  const Gemm g = in_order(m, n, k, state.range(3));
  for (auto _ : state) cpu().gemm(g, a.data(), b.data(), c.data());
  count_products(state, static_cast<double>(m * n * k));
}
void gemm_sparse_shapes(benchmark::internal::Benchmark* bench) {
  for (Index d : {128, 256})
    for (Index share : {100, 50, 25, 10})
      bench->Args({2048, d, 4 * d, 1, 0, share})
          ->Args({2048, d, 4 * d, 0, 0, share})
          ->Args({4 * d, d, 2048, 2, 0, share})
          ->Args({d, 4 * d, 2048, 2, 1, share});
}
BENCHMARK(gemm_sparse)->Apply(gemm_sparse_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// rows, width, layers: all products of a decoder's step but the output layer's, one after the other, so that weights come
/// from where they would in decoding: those of `small` from beyond the second-level cache
void prepared_step(State& state) {
  const Index rows = state.range(0), d = state.range(1), layers = state.range(2);
  const auto x = values(rows * 4 * d), weight = values(4 * d * d);
  std::vector<Real> y(static_cast<std::size_t>(rows * 4 * d));
  std::vector<std::unique_ptr<PreparedLinear>> products;
  double work = 0;
  for (Index i = 0; i < layers; ++i)
    for (const auto& [out, in] : {std::pair{3 * d, d}, {d, d}, {d, d}, {d, d}, {4 * d, d}, {d, 4 * d}}) {
      products.push_back(cpu().prepare({weight.data(), nullptr, in, out, {}}));
      work += static_cast<double>(rows * out * in);
    }
  for (auto _ : state)
    for (const auto& product : products) product->run(x.data(), y.data(), rows);
  count_products(state, work);
}
BENCHMARK(prepared_step)->Args({1, 256, 3})->Args({32, 128, 2})->Args({32, 256, 3})->Args({160, 256, 3})->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

/// rows, out, in, whether only guessed: greedy search's last layer, on random weights, most outputs of which are far from the
/// largest
void largest(State& state) {
  const Index rows = state.range(0), out = state.range(1), in = state.range(2);
  const auto x = values(rows * in), weight = values(out * in), bias = values(out);
  std::vector<std::int32_t> found(static_cast<std::size_t>(rows));
  const auto layer = cpu().prepare_largest({weight.data(), bias.data(), in, out, {}}, {});
  if (!layer) return state.SkipWithError("not on this processor");
  for (auto _ : state)
    if (state.range(3))
      benchmark::DoNotOptimize(layer->guess(x.data()));
    else
      layer->find(x.data(), rows, found.data());
}
void largest_shapes(benchmark::internal::Benchmark* bench) {
  for (Index d : {128, 256})
    bench->Args({1, 8000, d, 0})->Args({14, 8000, d, 0})->Args({32, 8000, d, 0})->Args({1, 8000, d, 1});
}
BENCHMARK(largest)->Apply(largest_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);

void prepared_shapes(benchmark::internal::Benchmark* bench) {
  for (Index d : {128, 256}) {
    for (Index rows : {1, 9, 27, 32, 416})
      bench->Args({rows, 4 * d, d, 0})->Args({rows, d, 4 * d, 0})->Args({rows, 8000, d, 0});
    bench->Args({1, 4 * d, d, 1})->Args({1, d, 4 * d, 1})->Args({1, 8000, d, 1});
  }
}
BENCHMARK(prepared)->Apply(prepared_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// rows, out, in, per cent of the inputs that are not zero
void prepared_sparse(State& state) {
  const Index rows = state.range(0), out = state.range(1), in = state.range(2);
  auto x = values(rows * in);
  const auto weight = values(out * in), bias = values(out);
  thin_out(x, state.range(3));
  std::vector<Real> y(static_cast<std::size_t>(rows * out));
  const auto layer = cpu().prepare({weight.data(), bias.data(), in, out, {}});
  for (auto _ : state) layer->run(x.data(), y.data(), rows);
  count_products(state, static_cast<double>(rows * out * in));
}
void sparse_shapes(benchmark::internal::Benchmark* bench) {
  for (Index d : {128, 256, 512})
    for (Index rows : {8, 14, 32, 416})
      for (Index share : {100, 75, 60, 50, 25, 10}) bench->Args({rows, d, 4 * d, share});
}
BENCHMARK(prepared_sparse)->Apply(sparse_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);

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
  bench->Args({2, 4, 2048, 2048, 32, 0})->Args({2, 8, 2048, 2048, 32, 0});
}
BENCHMARK(attention)->Apply(attention_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(attention)
    ->Name("attention_decode")
    ->Args({1, 8, 1, 20, 32, 0})
    ->Args({32, 8, 1, 20, 32, 0})
    ->Args({32, 8, 5, 14, 32, 0})
    ->UseRealTime();
BENCHMARK(attention_backward)->Apply(attention_shapes)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tenfold::bench
