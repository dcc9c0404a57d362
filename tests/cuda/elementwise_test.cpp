// The CUDA backend's products and what it does number by number, against the reference.
#include "cuda/device_under_test.hpp"

using namespace tenfold;

namespace {

// Nothing, one, less than a pack, not a multiple of one, more than a block.
const Index counts[] = {0, 1, 3, 7, 16, 255, 1027, 20003};

void compare_gemm(const Gemm& g) {
  CAPTURE(g.m);
  CAPTURE(g.n);
  CAPTURE(g.k);
  CAPTURE(g.batch);
  CAPTURE(g.transpose_a);
  CAPTURE(g.transpose_b);
  const Index rows_a = g.transpose_a ? g.k : g.m, rows_b = g.transpose_b ? g.n : g.k;
  const Values a = uniform_values(rows_a * g.lda + (g.batch - 1) * g.stride_a + 8, 1);
  const Values b = uniform_values(rows_b * g.ldb + (g.batch - 1) * g.stride_b + 8, 2);
  const Index size = g.m * g.ldc + (g.batch - 1) * g.stride_c;
  const Values before = uniform_values(size, 3);
  compare_on_device({size}, 16 + static_cast<double>(g.k) / 4, [&](DeviceRun& run) {
    if (g.beta != 0) run.kernels().copy(run.put(before), run.out(0), size);
    run.kernels().gemm(g, run.put(a), run.put(b), run.out(0));
  });
}

}  // namespace

TEST_CASE("cuda gemm: every shape and both orders; beta 0 does not read c") {
  const Index shapes[][3] = {{0, 3, 3}, {3, 0, 3}, {3, 3, 0}, {1, 1, 1}, {1, 37, 29}, {37, 1, 29}, {5, 7, 3}, {20, 53, 27}};
  for (const auto& [m, n, k] : shapes)
    for (bool ta : {false, true})
      for (bool tb : {false, true})
        for (Real beta : {Real{0}, Real{1}, Real{-0.5}}) {
          Gemm g{.transpose_a = ta, .transpose_b = tb, .m = m, .n = n, .k = k};
          g.lda = (ta ? m : k) + 3;
          g.ldb = (tb ? k : n) + 2;
          g.ldc = n + 1;
          g.alpha = Real{1.5};
          g.beta = beta;
          compare_gemm(g);
        }
}

TEST_CASE("cuda gemm: a batch, and one matrix for all of it") {
  for (Index batch : {1, 2, 5})
    compare_gemm({.m = 12, .n = 20, .k = 33, .lda = 33, .ldb = 20, .ldc = 20, .batch = batch, .stride_a = 12 * 33,
                  .stride_b = 0, .stride_c = 12 * 20});
}

TEST_CASE("cuda element by element, in place and at odd addresses") {
  for (Index n : counts)
    for (Index odd : {0, 1}) {
      CAPTURE(n);
      CAPTURE(odd);
      const Values x = uniform_values(n + odd, 1), y = uniform_values(n + odd, 2);
      const Real half = Real{0.5};
      const auto at = [odd](auto* p) { return p + odd; };
      const auto compare = [&](const std::function<void(Kernels&, const Real*, const Real*, Real*)>& body) {
        compare_on_device({n + odd}, 0, [&](DeviceRun& run) {
          const Real *a = run.put(x), *b = run.put(y);
          body(run.kernels(), at(a), at(b), at(run.out(0)));
        });
      };
      compare([&](Kernels& k, const Real*, const Real*, Real* out) { k.fill(out, half, n); });
      compare([&](Kernels& k, const Real* a, const Real*, Real* out) { k.copy(a, out, n); });
      compare([&](Kernels& k, const Real* a, const Real* b, Real* out) { k.add(a, b, out, n); });
      compare([&](Kernels& k, const Real* a, const Real* b, Real* out) { k.multiply(a, b, out, n); });
      compare([&](Kernels& k, const Real* a, const Real*, Real* out) { k.scale(a, half, out, n); });
      compare([&](Kernels& k, const Real* a, const Real* b, Real* out) {
        k.copy(a, out, n);
        k.add(out, out, out, n);
        k.multiply(out, b, out, n);
      });
    }
}

TEST_CASE("cuda scale by a number that is on the device") {
  for (Real factor : {Real{1}, Real{-0.25}, Real{0}})
    compare_on_device({1027}, 0, [&](DeviceRun& run) {
      run.kernels().copy(run.put(uniform_values(1027, 1)), run.out(0), 1027);
      run.kernels().scale_by(run.out(0), run.put(Values{factor}), 1027);
    });
}

TEST_CASE("cuda activations, also far out and not finite") {
  for (Activation kind : {Activation::relu, Activation::gelu})
    for (Index n : counts) {
      CAPTURE(n);
      Values x = uniform_values(n, 1);
      const Values dy = uniform_values(n, 2);
      for (Real& v : x) v *= 8;
      if (n > 16) x[1] = nan_value, x[2] = infinity, x[3] = -1000, x[4] = 1000, x[5] = 0;
      compare_on_device({n}, 4, [&](DeviceRun& run) { run.kernels().activate(kind, run.put(x), run.out(0), n); });
      if (n > 16) x[2] = 1;  // gelu's slope at infinity is infinity times zero
      compare_on_device({n}, 8, [&](DeviceRun& run) {
        run.kernels().activate_backward(kind, run.put(x), run.put(dy), Real{1.5}, run.out(0), n);
      });
    }
}

TEST_CASE("cuda dropout: the reference's bits, whatever the length and the rate") {
  for (Index n : counts)
    for (double rate : {0.0, 0.1, 0.5, 0.99999}) {
      CAPTURE(n);
      CAPTURE(rate);
      const Dropout d = Dropout::with_rate(rate, 7, std::uint64_t{5} << 33);
      Values x = uniform_values(n, 1);
      const Values y = uniform_values(n, 2);
      if (n > 16) x[9] = infinity;  // dropped or kept, never infinity times zero
      compare_on_device({n}, 0, [&](DeviceRun& run) { run.kernels().dropout(d, run.put(x), run.out(0), n); });
      compare_on_device({n}, 2, [&](DeviceRun& run) {
        run.kernels().residual_dropout(d, run.put(y), run.put(x), run.out(0), n);
      });
    }
}
