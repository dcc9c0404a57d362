// Everything but products and attention: passes over entries, rows and tables; see kernels_bench.hpp.
#include <initializer_list>
#include <string>
#include <utility>

#include "bench/kernels_bench.hpp"

namespace tenfold::bench {
namespace {

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

void softmax_backward(State& state) {
  const Index rows = state.range(0), cols = state.range(1);
  const auto y = values(rows * cols), dy = y;
  auto dx = y;
  for (auto _ : state) cpu().softmax_backward(y.data(), dy.data(), dx.data(), rows, cols);
  count(state, rows * cols);
}
BENCHMARK(softmax_backward)
    ->Args({512, 8000})
    ->Args({16384, 16})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

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

/// Loss and gradient of a chunk of the output layer, which reads its logits and overwrites them: they drift from call to
/// call, but the time does not depend on their values.
void cross_entropy_gradient(State& state) {
  const CrossEntropyRows rows{.rows = 512, .classes = 8000, .smoothing = Real{0.1}};
  auto logits = values(512 * 8000);
  const auto bias = values(8000);
  const auto targets = ids(512, 8000);
  auto losses = values(512), sums = losses, dbias = bias;
  for (auto _ : state)
    cpu().cross_entropy_gradient(rows, bias.data(), targets.data(), Real{0.1}, logits.data(), losses.data(),
                                 sums.data(), dbias.data());
  count(state, 512 * 8000);
}
BENCHMARK(cross_entropy_gradient)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// Kernels that go through [tokens, width] entries once.
struct Pass {
  const Real *x, *y, *bias;  ///< [tokens, width] twice, [width]
  Real* out;                 ///< [tokens, width]
  Index width;
  Index entries() const { return tokens * width; }
};

template <class Run>
void over_entries(const char* name, std::initializer_list<Index> widths, const Run& run) {
  auto* bench = benchmark::RegisterBenchmark(name, [run](State& state) {
    const Index width = state.range(0);
    const auto x = values(tokens * width), y = values(tokens * width, 3), bias = values(width);
    auto out = x;
    const Pass pass{x.data(), y.data(), bias.data(), out.data(), width};
    for (auto _ : state) run(pass);
    count(state, pass.entries());
  });
  for (Index width : widths) bench->Arg(width);
  bench->UseRealTime()->Unit(benchmark::kMicrosecond);
}

const Dropout tenth = Dropout::with_rate(0.1, 1, 2);

const bool listed = [] {
  over_entries("fill", {128}, [](const Pass& p) { cpu().fill(p.out, 1, p.entries()); });
  over_entries("copy", {128}, [](const Pass& p) { cpu().copy(p.x, p.out, p.entries()); });
  over_entries("add", {128, 256}, [](const Pass& p) { cpu().add(p.x, p.y, p.out, p.entries()); });
  over_entries("multiply", {128}, [](const Pass& p) { cpu().multiply(p.x, p.y, p.out, p.entries()); });
  over_entries("scale", {128}, [](const Pass& p) { cpu().scale(p.x, Real{0.5}, p.out, p.entries()); });
  over_entries("dropout", {128, 256, 1024},
               [](const Pass& p) { cpu().dropout(tenth, p.x, p.out, p.entries()); });
  over_entries("residual_dropout", {128, 256},
               [](const Pass& p) { cpu().residual_dropout(tenth, p.x, p.y, p.out, p.entries()); });
  for (const auto& [kind, name] :
       {std::pair{Activation::relu, "relu"}, std::pair{Activation::gelu, "gelu"}}) {
    const std::string n = name;
    over_entries(n.c_str(), {512},
                 [kind = kind](const Pass& p) { cpu().activate(kind, p.x, p.out, p.entries()); });
    over_entries((n + "_backward").c_str(), {512}, [kind = kind](const Pass& p) {
      cpu().activate_backward(kind, p.x, p.y, Real{1}, p.out, p.entries());
    });
    over_entries(("bias_" + n).c_str(), {512, 1024}, [kind = kind](const Pass& p) {
      cpu().bias_activate(kind, p.x, p.bias, p.out, tokens, p.width);
    });
    over_entries(("bias_" + n + "_dropout").c_str(), {512, 1024}, [kind = kind](const Pass& p) {
      cpu().bias_activate_dropout(kind, tenth, p.x, p.bias, p.out, tokens, p.width);
    });
    over_entries(("bias_" + n + "_backward").c_str(), {512, 1024}, [kind = kind](const Pass& p) {
      cpu().bias_activate_backward(kind, p.x, p.bias, p.y, p.out, tokens, p.width);
    });
  }
  over_entries("add_bias", {128, 512, 1024},
               [](const Pass& p) { cpu().add_bias(p.x, p.bias, p.out, tokens, p.width); });
  over_entries("sum_rows", {128, 512, 1024},
               [](const Pass& p) { cpu().sum_rows(p.x, p.out, tokens, p.width); });
  over_entries("sum_axis", {128}, [](const Pass& p) { cpu().sum_axis(p.x, p.out, 256, 16, p.width); });
  over_entries("repeat_axis", {128}, [](const Pass& p) { cpu().repeat_axis(p.x, p.out, 256, 16, p.width); });
  over_entries("copy_rows", {128},
               [](const Pass& p) { cpu().copy_rows(p.x, p.width, p.out, p.width, tokens, p.width); });
  over_entries("permute_heads", {128, 256},
               [](const Pass& p) {  // [batch, time, heads, dim] to [batch, heads, time, dim]
                 constexpr int order[] = {0, 2, 1, 3};
                 cpu().permute(p.x, p.out, Shape{tokens / 16, 16, p.width / 32, 32}, order);
               });
  over_entries("sum", {512}, [](const Pass& p) { benchmark::DoNotOptimize(cpu().sum(p.x, p.entries())); });
  over_entries("sum_to", {512}, [](const Pass& p) { cpu().sum_to(p.x, Real{1}, p.out, p.entries()); });
  over_entries("scale_by", {512}, [](const Pass& p) {
    const Real factor = Real{0.5};
    cpu().scale_by(p.out, &factor, p.entries());
  });
  over_entries("sum_squares", {512},
               [](const Pass& p) { benchmark::DoNotOptimize(cpu().sum_squares(p.x, p.entries())); });
  return true;
}();

void embedding(State& state) {
  const Index d = state.range(0);
  const auto words = ids(tokens, 8000);
  const auto table = values(8000 * d);
  auto out = values(tokens * d);
  for (auto _ : state) cpu().gather(table.data(), words.data(), Real{16}, out.data(), tokens, d);
  count(state, tokens * d);
}
BENCHMARK(embedding)->Arg(128)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

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
BENCHMARK(adam)
    ->Arg(2'000'000)
    ->Arg(7'600'000)  // of tiny, of small
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

void step_end(State& state) {
  const Index n = state.range(0);
  auto value = values(n), g = values(n), m = values(n), v = std::vector<Real>(value.size(), Real{1});
  const AdamStep s{
      .learning_rate = Real{1e-4}, .beta1 = Real{0.9}, .beta2 = Real{0.98}, .epsilon = Real{1e-9}};
  const TrainedSlice slice{.value = value.data(), .gradient = g.data(), .first = m.data(), .second = v.data(), .size = n};
  const Real loss = 1;
  const Real* const losses[] = {&loss};
  StepTotals totals;
  for (auto _ : state) {
    cpu().step_totals(losses, {&slice, 1}, &totals);
    cpu().adam_all(s, 1.0, {&slice, 1}, &totals);
  }
  count(state, n);
}
BENCHMARK(step_end)->Arg(2'000'000)->Arg(7'600'000)->UseRealTime()->Unit(benchmark::kMicrosecond);

void sgd(State& state) {
  const Index n = state.range(0);
  auto value = values(n);
  const auto g = values(n);
  for (auto _ : state) cpu().sgd(value.data(), g.data(), Real{1e-4}, Real{1}, n);
  count(state, n);
}
BENCHMARK(sgd)->Arg(2'000'000)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tenfold::bench
