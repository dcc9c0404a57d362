// How cost grows: with the length of a sentence, with the vocabulary; and what the machine's products reach.
#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "bench/engine.hpp"
#include "ops/linear_cross_entropy.hpp"

namespace tenfold::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// The median of `repeats` timed calls, after one that is not.
template <class Run>
double seconds_of(int repeats, const Run& run) {
  run();
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) {
    const auto start = Clock::now();
    run();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[repeats / 2];
}

std::vector<Real> values(Index n) {
  PhiloxSequence random(1);
  std::vector<Real> v(static_cast<std::size_t>(n));
  for (Real& x : v) x = static_cast<Real>(random.uniform() - 0.5);
  return v;
}

/// Forth and back through the kernels of attention alone.
double attention_seconds(Kernels& k, Index batch, Index time, int repeats) {
  const ModelConfig config = settings_of("small").model;
  const Index d = config.model_dim, heads = config.heads, rows = batch * time;
  Attention a;
  a.batch = batch;
  a.heads = heads;
  a.queries = a.keys = time;
  a.head_dim = d / heads;
  a.q = a.k = a.v = {3 * d, time * 3 * d};
  a.o = {d, time * d};
  a.scale = Real{0.2};
  a.mask = {.heads = heads, .queries = time};
  a.dropout = Dropout::with_rate(config.dropout, 1, 2);
  const auto qkv = values(rows * 3 * d);
  auto gradient = qkv, out = values(rows * d), sums = values(rows * heads);
  const Real* q = qkv.data();
  Real* dq = gradient.data();
  return seconds_of(repeats, [&] {
    k.attention(a, q, q + d, q + 2 * d, out.data(), sums.data());
    k.attention_backward(a, q, q + d, q + 2 * d, out.data(), sums.data(), out.data(), dq, dq + d, dq + 2 * d);
  });
}

/// Forth and back through an encoder layer.
double layer_seconds(Kernels& k, EncoderLayer& layer, Index batch, Index time, int repeats) {
  const ModelConfig config = settings_of("small").model;
  const Shape shape{batch, time, config.model_dim};
  const Tensor x = Tensor::from(k, shape, values(shape.size()));
  Tape tape;
  return seconds_of(repeats, [&] {
    Pass pass(tape, config.dropout, 1, 1);
    tape.backward(layer(pass, tape.leaf(x), Masking{}), x);
    tape.clear();
  });
}

}  // namespace

nlohmann::json sgemm(int threads) {
  constexpr Index n = 1024;
  const auto a = values(n * n), b = a;
  auto c = a;
  const double flops = 2.0 * n * n * n;
  const auto kernels = make_kernels("cpu", threads);
  const Gemm product{.m = n, .n = n, .k = n, .lda = n, .ldb = n, .ldc = n};
  const double own = seconds_of(7, [&] { kernels->gemm(product, a.data(), b.data(), c.data()); });
  omp_set_num_threads(threads);
  openblas_set_num_threads(threads);
  const double blas = seconds_of(9, [&] {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(),
                n);
  });
  return {{"openblas", flops / blas / 1e9}, {"tenfold", flops / own / 1e9}};
}

nlohmann::json length_cost(int threads, Index longest, int repeats) {
  constexpr Index tokens = 4096, batch = 8;
  const auto kernels = make_kernels("cpu", threads);
  const ModelConfig config = settings_of("small").model;
  EncoderLayer layer({*kernels, 1, config}, "encoder.layers.0");
  nlohmann::json rows = nlohmann::json::array();
  for (Index time = 16; time <= longest; time *= 2)
    rows.push_back({{"length", time},
                    {"attention", attention_seconds(*kernels, tokens / time, time, repeats)},
                    {"layer", layer_seconds(*kernels, layer, tokens / time, time, repeats)},
                    {"attention_of_batch", attention_seconds(*kernels, batch, time, repeats)}});
  return {{"tokens", tokens}, {"batch", batch}, {"rows", rows}};
}

nlohmann::json vocabulary_cost(int threads, int repeats) {
  const Index d = settings_of("small").model.model_dim;
  nlohmann::json rows = nlohmann::json::array();
  for (const Index tokens : {1024, 4096, 16384})
    for (const Index vocabulary : {2000, 8000, 32000}) {
      if (tokens * vocabulary > 140'000'000) continue;    // seconds each, and nothing new
      const auto kernels = make_kernels("cpu", threads);  // anew, for its allocator's peak
      const Tensor x = Tensor::from(*kernels, {tokens, d}, values(tokens * d));
      const Tensor w = Tensor::from(*kernels, {vocabulary, d}, values(vocabulary * d));
      const Tensor b = Tensor::from(*kernels, {vocabulary}, values(vocabulary));
      const IdTensor targets = IdTensor::full(*kernels, {tokens}, eos_id);
      const std::size_t inputs = kernels->memory().stats().used_bytes;
      Tape tape;
      const double seconds = seconds_of(repeats, [&] {
        const LossSpec spec{targets, pad_id, Real{0.1}, static_cast<Real>(tokens)};
        tape.backward(linear_cross_entropy(tape.leaf(x), tape.leaf(w), tape.leaf(b), spec));
        tape.clear();
      });
      rows.push_back(
          {{"tokens", tokens},
           {"vocabulary", vocabulary},
           {"seconds", seconds},
           {"peak_bytes", kernels->memory().stats().peak_bytes - inputs},
           {"gradient_bytes", sizeof(Real) * static_cast<std::size_t>(tokens * d + vocabulary * (d + 1))},
           {"logits_bytes", sizeof(Real) * static_cast<std::size_t>(tokens * vocabulary)}});
    }
  return {{"rows", rows}};
}

}  // namespace tenfold::bench
