// Every kernel of the CUDA backend, timed by events of the card at shapes of training.
#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "backend/prepared_linear.hpp"
#include "bench/cuda_bench.hpp"
#include "cuda_kernels.hpp"

namespace tenfold::bench {
namespace {

using Cuda = card::CudaKernels;

Cuda& cuda() {
  static const std::unique_ptr<Kernels> kernels = make_cuda_kernels();
  return static_cast<Cuda&>(*kernels);
}

/// Numbers on the card, in [-1, 1) or ids below a bound.
template <class T>
class OnCard {
 public:
  OnCard(Index n, std::uint32_t below = 0) : memory_(cuda().memory().allocate(static_cast<std::size_t>(n) * sizeof(T))) {
    PhiloxSequence random(1, static_cast<std::uint64_t>(n));
    std::vector<T> values(static_cast<std::size_t>(n));
    for (T& v : values)
      v = below > 0 ? static_cast<T>(random.below(below)) : static_cast<T>(random.bits() * 0x1p-31f - 1);
    cuda().upload(memory_, values.data(), values.size() * sizeof(T));
  }
  ~OnCard() { cuda().memory().release(memory_); }
  OnCard(const OnCard&) = delete;
  OnCard& operator=(const OnCard&) = delete;
  operator T*() const { return static_cast<T*>(memory_); }

 private:
  void* memory_;
};
using Reals = OnCard<Real>;
using IdsOnCard = OnCard<std::int32_t>;

/// The median of seven rounds of calls that together last some milliseconds.
double microseconds(const std::function<void()>& body) {
  cudaEvent_t begin = nullptr, end = nullptr;
  card::check(cudaEventCreate(&begin), "event");
  card::check(cudaEventCreate(&end), "event");
  const auto timed = [&](int calls) {
    card::check(cudaEventRecord(begin, cuda().stream()), "event");
    for (int i = 0; i < calls; ++i) body();
    card::check(cudaEventRecord(end, cuda().stream()), "event");
    card::check(cudaEventSynchronize(end), "event");
    float milliseconds = 0;
    card::check(cudaEventElapsedTime(&milliseconds, begin, end), "event");
    return 1e3 * static_cast<double>(milliseconds) / calls;
  };
  timed(2);
  const int calls = std::clamp(static_cast<int>(4000 / timed(3)), 3, 400);
  std::vector<double> rounds;
  for (int i = 0; i < 7; ++i) rounds.push_back(timed(calls));
  std::sort(rounds.begin(), rounds.end());
  card::check(cudaEventDestroy(begin), "event");
  card::check(cudaEventDestroy(end), "event");
  return rounds[rounds.size() / 2];
}

class Table {
 public:
  /// `reals` numbers of traffic, and what else it must do.
  void add(const std::string& name, const std::string& shape, double reals, double flops,
           const std::function<void()>& body) {
    rows.push_back({name, shape, microseconds(body), reals * sizeof(Real), flops});
  }
  std::vector<KernelTime> rows;
};

std::string by(std::initializer_list<Index> extents) {
  std::string text;
  for (Index e : extents) text += (text.empty() ? "" : "x") + std::to_string(e);
  return text;
}

void elementwise(Table& t) {
  const Index n = Index{1} << 25;
  const Reals a(n), b(n), c(n);
  const auto d = static_cast<double>(n);
  const std::string shape = by({n});
  const Dropout dropout = Dropout::with_rate(0.1, 1, 2);
  t.add("fill", shape, d, 0, [&] { cuda().fill(c, 1, n); });
  t.add("copy", shape, 2 * d, 0, [&] { cuda().copy(a, c, n); });
  t.add("add", shape, 3 * d, 0, [&] { cuda().add(a, b, c, n); });
  t.add("multiply", shape, 3 * d, 0, [&] { cuda().multiply(a, b, c, n); });
  t.add("scale", shape, 2 * d, 0, [&] { cuda().scale(a, 2, c, n); });
  t.add("relu", shape, 2 * d, 0, [&] { cuda().activate(Activation::relu, a, c, n); });
  t.add("gelu", shape, 2 * d, 0, [&] { cuda().activate(Activation::gelu, a, c, n); });
  t.add("gelu_backward", shape, 3 * d, 0, [&] { cuda().activate_backward(Activation::gelu, a, b, 1, c, n); });
  t.add("dropout", shape, 2 * d, 0, [&] { cuda().dropout(dropout, a, c, n); });
  t.add("residual_dropout", shape, 3 * d, 0, [&] { cuda().residual_dropout(dropout, a, b, c, n); });
  t.add("sum_to", shape, d, 0, [&] { cuda().sum_to(a, 1, c, n); });
}

void rows(Table& t) {
  for (const auto& [r, c] : {std::pair<Index, Index>{4096, 512}, {32768, 512}, {16384, 2048}}) {
    const Reals x(r * c), bias(c), dy(r * c), out(r * c), mean(r), rstd(r), dbias(c);
    const auto d = static_cast<double>(r * c);
    const std::string shape = by({r, c});
    t.add("add_bias", shape, 2 * d, 0, [&] { cuda().add_bias(x, bias, out, r, c); });
    t.add("bias_gelu", shape, 2 * d, 0, [&] { cuda().bias_activate(Activation::gelu, x, bias, out, r, c); });
    t.add("bias_gelu_backward", shape, 3 * d, 0,
          [&] { cuda().bias_activate_backward(Activation::gelu, x, bias, dy, out, r, c); });
    t.add("sum_rows", shape, d, 0, [&] { cuda().sum_rows(x, bias, r, c); });
    t.add("layer_norm", shape, 2 * d, 0,
          [&] { cuda().layer_norm(x, bias, bias, Real(1e-5), out, mean, rstd, r, c); });
    t.add("layer_norm_backward", shape, 3 * d, 0,
          [&] { cuda().layer_norm_backward(x, bias, mean, rstd, dy, out, dbias, dbias, r, c); });
    t.add("softmax", shape, 2 * d, 0, [&] { cuda().softmax({}, x, out, r, c); });
    t.add("softmax_backward", shape, 3 * d, 0, [&] { cuda().softmax_backward(x, dy, out, r, c); });
    t.add("copy_rows", shape, d, 0, [&] { cuda().copy_rows(x, c, out, c / 2, r, c / 2); });
  }
  const Index batch = 64, time = 64, heads = 8, dim = 64;
  const Reals x(batch * time * heads * dim), out(batch * time * heads * dim);
  const int order[] = {0, 2, 1, 3};
  t.add("permute", by({batch, time, heads, dim}), 2.0 * static_cast<double>(batch * time * heads * dim), 0,
        [&] { cuda().permute(x, out, {batch, time, heads, dim}, order); });
}

void embedding(Table& t) {
  for (const auto& [count, vocabulary, dim] :
       {std::tuple<Index, Index, Index>{4096, 8000, 256}, {16384, 32000, 512}}) {
    const Reals table(vocabulary * dim), rows(count * dim);
    const IdsOnCard ids(count, static_cast<std::uint32_t>(vocabulary));
    // As in real text, where a tenth is padding or another word that is everywhere.
    IdsOnCard skewed(count, static_cast<std::uint32_t>(10 * vocabulary / 9));
    std::vector<std::int32_t> host(static_cast<std::size_t>(count));
    cuda().download(host.data(), skewed, host.size() * sizeof(std::int32_t));
    for (std::int32_t& id : host) id = id < vocabulary ? id : 0;
    cuda().upload(skewed, host.data(), host.size() * sizeof(std::int32_t));
    const std::string shape = by({count, vocabulary, dim});
    const auto moved = static_cast<double>(count * dim);
    t.add("gather", shape, 2 * moved, 0, [&] { cuda().gather(table, ids, 1, rows, count, dim); });
    t.add("scatter_add", shape, 2 * moved + static_cast<double>(vocabulary * dim), 0,
          [&] { cuda().scatter_add(ids, rows, 1, table, count, vocabulary, dim); });
    t.add("scatter_add, skewed", shape, 2 * moved + static_cast<double>(vocabulary * dim), 0,
          [&] { cuda().scatter_add(skewed, rows, 1, table, count, vocabulary, dim); });
  }
}

void cross_entropy(Table& t) {
  for (const auto& [r, c] : {std::pair<Index, Index>{512, 8000}, {4096, 8000}, {2048, 32000}}) {
    const Reals logits(r * c), bias(c), losses(r), log_sums(r), dbias(c), out(r * c);
    const IdsOnCard targets(r, static_cast<std::uint32_t>(c));
    const CrossEntropyRows rows{r, c, -1, Real(0.1)};
    const auto d = static_cast<double>(r * c);
    const std::string shape = by({r, c});
    t.add("cross_entropy", shape, d, 0, [&] { cuda().cross_entropy(rows, logits, targets, losses, log_sums); });
    t.add("cross_entropy_backward", shape, 2 * d, 0,
          [&] { cuda().cross_entropy_backward(rows, logits, targets, log_sums, 1, out); });
    // Read once for the sum, and again to be replaced by the gradient.
    t.add("cross_entropy_gradient", shape, 3 * d, 0, [&] {
      cuda().cross_entropy_gradient(rows, bias, targets, Real(1e-3), logits, losses, log_sums, dbias);
    });
  }
}

void attention(Table& t) {
  struct Case {
    Index batch, heads, time, dim;
    bool causal;
    double rate;
  };
  for (const Case& e : {Case{64, 8, 64, 32, false, 0}, {64, 8, 64, 64, true, 0}, {16, 8, 256, 64, true, 0},
                        {16, 8, 256, 64, true, 0.1}, {4, 8, 1024, 64, false, 0}, {4, 8, 1024, 64, true, 0},
                        {4, 4, 1024, 128, false, 0}}) {
    const Index d = e.heads * e.dim, n = e.batch * e.time * d;
    Attention a;
    a.batch = e.batch;
    a.heads = e.heads;
    a.queries = a.keys = e.time;
    a.head_dim = e.dim;
    a.q = a.k = a.v = {3 * d, e.time * 3 * d};
    a.o = {d, e.time * d};
    a.scale = Real(0.125);
    a.mask = {e.heads, e.time, e.causal, 0, nullptr};
    a.dropout = Dropout::with_rate(e.rate, 1, 2);
    const Reals qkv(3 * n), o(n), grad_o(n), dqkv(3 * n), log_sums(e.batch * e.heads * e.time);
    const double pairs = static_cast<double>(e.batch * e.heads) *
                         (e.causal ? static_cast<double>(e.time * (e.time + 1)) / 2 : static_cast<double>(e.time * e.time));
    const double product = 2 * pairs * static_cast<double>(e.dim);
    const std::string shape = by({e.batch, e.heads, e.time, e.dim}) + (e.causal ? " causal" : "") + (e.rate > 0 ? " dropout" : "");
    const Real* q = qkv;
    Real* dq = dqkv;
    t.add("attention", shape, 4.0 * static_cast<double>(n), 2 * product,
          [&] { cuda().attention(a, q, q + d, q + 2 * d, o, log_sums); });
    t.add("attention_backward", shape, 8.0 * static_cast<double>(n), 5 * product, [&] {
      cuda().attention_backward(a, q, q + d, q + 2 * d, o, log_sums, grad_o, dq, dq + d, dq + 2 * d);
    });
  }
}

void optimizer(Table& t) {
  // As many parameters as a model of 60 million has, most of them small.
  std::vector<std::unique_ptr<Reals>> memory;
  std::vector<TrainedSlice> slices;
  Index total = 0;
  for (int i = 0; i < 120; ++i) {
    const Index n = i % 4 == 0 ? 512 * 2048 : i % 4 == 1 ? 512 * 1536 : 512;
    Real* parts[4];
    for (Real*& part : parts) part = *memory.emplace_back(std::make_unique<Reals>(n));
    cuda().fill(parts[3], 1, n);
    slices.push_back({parts[0], parts[1], parts[2], parts[3], n, 0});
    total += n;
  }
  const Reals loss(1), totals_memory(8);
  auto* totals = reinterpret_cast<StepTotals*>(static_cast<Real*>(totals_memory));
  const Real* losses[] = {loss};
  AdamStep s;
  s.learning_rate = Real(1e-4);
  s.beta1 = Real(0.9);
  s.beta2 = Real(0.98);
  s.epsilon = Real(1e-9);
  const std::string shape = by({total}) + " in 120";
  t.add("step_totals", shape, static_cast<double>(total), 0, [&] { cuda().step_totals(losses, slices, totals); });
  t.add("adam_all", shape, 7.0 * static_cast<double>(total), 0, [&] { cuda().adam_all(s, 1, slices, totals); });
}

void products(Table& t) {
  for (const auto& [m, n, k] : {std::tuple<Index, Index, Index>{4096, 256, 256}, {4096, 1024, 256}, {4096, 2048, 512},
                                {512, 8000, 256}, {4096, 4096, 4096}}) {
    const Reals a(m * k), b(n * k), c(m * n);
    const Gemm g{.transpose_b = true, .m = m, .n = n, .k = k, .lda = k, .ldb = k, .ldc = n};
    t.add("gemm", by({m, n, k}), static_cast<double>(m * k + n * k + m * n),
          2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k), [&] { cuda().gemm(g, a, b, c); });
  }
  for (Index rows : {1, 32, 128}) {  // as words are generated; the host waits for each
    const Index in = 256, out = 8000;
    const Reals x(rows * in), weight(out * in), bias(out);
    const auto largest = cuda().prepare_largest({weight, bias, in, out, {}}, {});
    std::vector<std::int32_t> found(static_cast<std::size_t>(rows));
    t.add("largest_output", by({rows, out, in}), static_cast<double>(rows * in + out * in + rows * out),
          2.0 * static_cast<double>(rows * out) * static_cast<double>(in), [&] { largest->find(x, rows, found.data()); });
  }
}

}  // namespace

CardLimits card_limits() {
  CardLimits limits;
  cuda();
  cudaDeviceProp properties{};
  card::check(cudaGetDeviceProperties(&properties, 0), "properties");
  limits.name = properties.name;
  {
    const Index n = Index{1} << 26;
    const Reals a(n), b(n);
    const double us = microseconds([&] { cuda().copy(a, b, n); });
    limits.copy_gb_per_s = 2.0 * static_cast<double>(n) * sizeof(Real) / us * 1e-3;
  }
  const Index n = 4096;
  const Reals a(n * n), b(n * n), c(n * n);
  const Gemm g{.m = n, .n = n, .k = n, .lda = n, .ldb = n, .ldc = n};
  const double us = microseconds([&] { cuda().gemm(g, a, b, c); });
  limits.sgemm_tflop_per_s = 2.0 * static_cast<double>(n * n) * static_cast<double>(n) / us * 1e-6;
  return limits;
}

std::vector<KernelTime> kernel_times() {
  Table t;
  elementwise(t);
  rows(t);
  embedding(t);
  cross_entropy(t);
  attention(t);
  optimizer(t);
  products(t);
  return std::move(t.rows);
}

}  // namespace tenfold::bench
