// The reference against numbers worked out by hand.
#include "backend/registry.hpp"
#include "core/errors.hpp"
#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

Kernels& reference() {
  static const auto kernels = make_reference_kernels();
  return *kernels;
}

}  // namespace

TEST_CASE("reference gemm: [1 2; 3 4] [5 6; 7 8], plain, transposed, scaled and added") {
  const Values a{1, 2, 3, 4}, b{5, 6, 7, 8};
  Values c(4, nan_value);
  Gemm g{.m = 2, .n = 2, .k = 2, .lda = 2, .ldb = 2, .ldc = 2};
  reference().gemm(g, a.data(), b.data(), c.data());
  CHECK(c == Values{19, 22, 43, 50});
  g.transpose_a = true;  // [1 3; 2 4] [5 6; 7 8]
  reference().gemm(g, a.data(), b.data(), c.data());
  CHECK(c == Values{26, 30, 38, 44});
  g.transpose_a = false;
  g.transpose_b = true;  // [1 2; 3 4] [5 7; 6 8], twice, minus what was there
  g.alpha = 2;
  g.beta = -1;
  reference().gemm(g, a.data(), b.data(), c.data());
  CHECK(c == Values{34 - 26, 46 - 30, 78 - 38, 106 - 44});
}

TEST_CASE("reference activations: relu, and gelu at 0, 1 and -1 (Φ(1) = 0.841345, φ(1) = 0.241971)") {
  const Values x{-1, 0, 1};
  Values y(3), dx(3);
  const Values dy{10, 10, 10};
  reference().activate(Activation::relu, x.data(), y.data(), 3);
  CHECK(y == Values{0, 0, 1});
  reference().activate_backward(Activation::relu, x.data(), dy.data(), 2, dx.data(), 3);
  CHECK(dx == Values{0, 0, 20});
  reference().activate(Activation::gelu, x.data(), y.data(), 3);
  CHECK(y[0] == doctest::Approx(-0.1586553).epsilon(1e-6));
  CHECK(y[1] == 0);
  CHECK(y[2] == doctest::Approx(0.8413447).epsilon(1e-6));
  reference().activate_backward(Activation::gelu, x.data(), dy.data(), 1, dx.data(), 3);
  CHECK(dx[0] == doctest::Approx(10 * (0.1586553 - 0.2419707)).epsilon(1e-5));
  CHECK(dx[1] == doctest::Approx(5).epsilon(1e-6));
  CHECK(dx[2] == doctest::Approx(10 * (0.8413447 + 0.2419707)).epsilon(1e-6));
}

TEST_CASE("reference softmax: exp(0), exp(ln 2), exp(ln 5) over 8; a mask of one and of none") {
  const Real ln2 = static_cast<Real>(std::log(2.0)), ln5 = static_cast<Real>(std::log(5.0));
  const Values x{0, ln2, ln5};
  Values y(3, nan_value);
  reference().softmax({}, x.data(), y.data(), 1, 3);
  CHECK(y[0] == doctest::Approx(0.125));
  CHECK(y[1] == doctest::Approx(0.25));
  CHECK(y[2] == doctest::Approx(0.625));
  const Values dy{8, 0, 0};  // mean Σ y dy = 1
  Values dx(3);
  reference().softmax_backward(y.data(), dy.data(), dx.data(), 1, 3);
  CHECK(dx[0] == doctest::Approx(0.125 * 7));
  CHECK(dx[1] == doctest::Approx(-0.25));
  CHECK(dx[2] == doctest::Approx(-0.625));
  for (std::int32_t length : {1, 0}) {
    reference().softmax({.key_lengths = &length}, x.data(), y.data(), 1, 3);
    CHECK(y == Values{static_cast<Real>(length), 0, 0});
  }
}

TEST_CASE("reference layer norm: [1, 3] has mean 2 and deviation 1") {
  const Values x{1, 3}, gamma{2, 4}, beta{10, 20}, dy{1, 0};
  Values y(2), mean(1), rstd(1), dx(2), dgamma(2), dbeta(2);
  reference().layer_norm(x.data(), gamma.data(), beta.data(), 0, y.data(), mean.data(), rstd.data(), 1, 2);
  CHECK(mean[0] == 2);
  CHECK(rstd[0] == 1);
  CHECK(y == Values{8, 24});
  // g = [2, 0], mean(g) = 1, mean(g n) = -1: dx = [2 - 1 - 1, 0 - 1 + 1]. Two numbers normalised are always
  // -1 and 1.
  reference().layer_norm_backward(x.data(), gamma.data(), mean.data(), rstd.data(), dy.data(), dx.data(),
                                  dgamma.data(), dbeta.data(), 1, 2);
  CHECK(dx == Values{0, 0});
  CHECK(dgamma == Values{-1, 0});
  CHECK(dbeta == Values{1, 0});
}

TEST_CASE("reference cross-entropy: uniform logits cost ln C; an ignored row costs nothing") {
  const Values logits{3, 3, 3, 3, 0, 9, 9, 9};
  const Ids targets{2, -1};
  const CrossEntropyRows rows{.rows = 2, .classes = 4, .ignore = -1, .smoothing = static_cast<Real>(0.2)};
  Values losses(2, nan_value), log_sums(2, nan_value), d(8, nan_value);
  reference().cross_entropy(rows, logits.data(), targets.data(), losses.data(), log_sums.data());
  CHECK(losses[0] == doctest::Approx(std::log(4.0)));
  CHECK(log_sums[0] == doctest::Approx(3 + std::log(4.0)));
  CHECK(losses[1] == 0);
  reference().cross_entropy_backward(rows, logits.data(), targets.data(), log_sums.data(), 2, d.data());
  CHECK(d[0] == doctest::Approx(2 * (0.25 - 0.05)));
  CHECK(d[2] == doctest::Approx(2 * (0.25 - 0.85)));
  for (int c = 4; c < 8; ++c) CHECK(d[c] == 0);
}

TEST_CASE("reference attention: scores 0 and ln 3 weigh the values 1 : 3") {
  const Real ln3 = static_cast<Real>(std::log(3.0));
  const Values q{1, 0}, k{0, 0, ln3, 7}, v{4, 0, 8, 4};
  Values o(2, nan_value), log_sum(1, nan_value);
  Attention a;
  a.queries = 1;
  a.keys = a.head_dim = 2;
  a.q = a.o = {.row_stride = 2, .batch_stride = 2};
  a.k = a.v = {.row_stride = 2, .batch_stride = 4};
  reference().attention(a, q.data(), k.data(), v.data(), o.data(), log_sum.data());
  CHECK(o[0] == doctest::Approx(0.25 * 4 + 0.75 * 8));
  CHECK(o[1] == doctest::Approx(0.75 * 4));
  CHECK(log_sum[0] == doctest::Approx(std::log(4.0)));
  a.mask.causal = true;  // one query, nothing before it: only the first key
  reference().attention(a, q.data(), k.data(), v.data(), o.data(), log_sum.data());
  CHECK(o == Values{4, 0});
  a.mask.offset = 1;  // one key came before
  reference().attention(a, q.data(), k.data(), v.data(), o.data(), log_sum.data());
  CHECK(o[0] == doctest::Approx(7));
}

TEST_CASE("reference embedding: a word used twice gets both gradients") {
  const Values table{1, 2, 3, 4, 5, 6};
  const Ids ids{2, 0, 2};
  Values out(6), dtable(6, nan_value);
  reference().gather(table.data(), ids.data(), 10, out.data(), 3, 2);
  CHECK(out == Values{50, 60, 10, 20, 50, 60});
  reference().scatter_add(ids.data(), Values{1, 2, 3, 4, 5, 6}.data(), 10, dtable.data(), 3, 3, 2);
  CHECK(dtable == Values{30, 40, 0, 0, 60, 80});
}

TEST_CASE("reference axes: sums, repeats, permutations") {
  const Values x{1, 2, 3, 4, 5, 6};
  Values two(2), six(6);
  reference().sum_rows(x.data(), two.data(), 3, 2);
  CHECK(two == Values{9, 12});
  reference().sum_axis(x.data(), two.data(), 2, 3, 1);
  CHECK(two == Values{6, 15});
  reference().repeat_axis(two.data(), six.data(), 1, 3, 2);
  CHECK(six == Values{6, 15, 6, 15, 6, 15});
  const int swap[] = {1, 0};
  reference().permute(x.data(), six.data(), {2, 3}, swap);
  CHECK(six == Values{1, 4, 2, 5, 3, 6});
  const int turn[] = {2, 0, 1};  // [1, 2, 3] to [3, 1, 2]
  reference().permute(x.data(), six.data(), {1, 2, 3}, turn);
  CHECK(six == Values{1, 4, 2, 5, 3, 6});
}

TEST_CASE("reference adam: the first step is the learning rate against the gradient's sign") {
  const Values g{2};
  Values value{1}, m{0}, v{0};
  const AdamStep s{.learning_rate = static_cast<Real>(0.125),
                   .beta1 = static_cast<Real>(0.9),
                   .beta2 = static_cast<Real>(0.99),
                   .weight_decay = static_cast<Real>(0.5),
                   .correction1 = static_cast<Real>(0.1),
                   .correction2 = static_cast<Real>(0.01),
                   .gradient_scale = static_cast<Real>(0.5)};
  reference().adam(s, value.data(), g.data(), m.data(), v.data(), 1);
  CHECK(m[0] == doctest::Approx(0.1));
  CHECK(v[0] == doctest::Approx(0.01));
  CHECK(value[0] == doctest::Approx(1 - 0.125 * (1 + 0.5 * 1)));
}

TEST_CASE("reference sgd and sums") {
  Values value{1, 2};
  const Values g{4, -4};
  reference().sgd(value.data(), g.data(), static_cast<Real>(0.5), static_cast<Real>(0.25), 2);
  CHECK(value == Values{0.5, 2.5});
  CHECK(reference().sum(g.data(), 2) == 0);
  CHECK(reference().sum_squares(g.data(), 2) == 32);
}

TEST_CASE("backends by name") {
  CHECK(make_kernels("reference")->name() == "reference");
  CHECK(make_kernels("cpu", 2)->name() == "cpu");
  CHECK(make_kernels("auto")->name() == (cuda_is_there() ? "cuda" : "cpu"));
  CHECK_THROWS_WITH_AS(make_kernels("gpu"),
                       "--device must be one of auto, cpu, cuda, cuda-emulated, reference, got \"gpu\"", UsageError);
  CHECK_THROWS_WITH_AS(make_kernels("cpu", -1), "--threads must be 0 (all cores) or more, got -1",
                       UsageError);
}

TEST_CASE("a card that cannot be used is passed over, and a word says why") {
  std::string said;
  const Notice notice = [&](const std::string& text) { said = text; };
  const auto no_blas = []() -> std::unique_ptr<Kernels> { throw CudaError("cannot load libcublas.so"); };
  CHECK(usable_or_cpu(no_blas, 1, notice)->name() == "cpu");
  CHECK(said == "cannot load libcublas.so; computing on the CPU");
  CHECK(usable_or_cpu(no_blas, 1, {})->name() == "cpu");
  said.clear();
  CHECK(usable_or_cpu(make_reference_kernels, 1, notice)->name() == "reference");
  CHECK(said.empty());
  const auto bad_request = []() -> std::unique_ptr<Kernels> { throw UsageError("TENFOLD_TF32 must be 0 or 1"); };
  CHECK_THROWS_AS(usable_or_cpu(bad_request, 1, notice), UsageError);
}

TEST_CASE("a device that is not there is one clear line that names another") {
  // Whether there is one depends on the machine and the build; either way it is this device or this kind of answer.
  for (const char* device : {"cuda", "cuda-emulated"}) {
    CAPTURE(device);
    try {
      const auto kernels = make_kernels(device);  // not within CHECK, which would keep the exception
      CHECK(kernels->name() == device);
    } catch (const CudaError& absent) {
      const std::string text = absent.what();
      CAPTURE(text);
      CHECK(text.find("--device cpu") != text.npos);
      CHECK(text.find('\n') == text.npos);
    }
  }
}
