// The building blocks of the CPU backend: exp, the normal distribution, dropout's bits, small products.
#include "backend/vector_math.hpp"
#include "backend/random_bits.hpp"
#include "backend/small_product.hpp"
#include "backend/vector.hpp"
#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

/// Raises `worst` to how many units in the last place a float is from what it should be.
void note_ulps(float got, double exact, double& worst) {
  const float rounded = static_cast<float>(exact);
  const double ulp = std::nextafter(rounded, std::numeric_limits<float>::infinity()) - rounded;
  worst = std::max(worst, std::abs(got - exact) / ulp);
}

}  // namespace

TEST_CASE("vector_exp is within 2 ulp over its range") {
  double worst = 0;
  for (double x = -87.3; x <= 88; x += 1e-4) {
    const float in = static_cast<float>(x);
    note_ulps(vector_exp(in), std::exp(static_cast<double>(in)), worst);
  }
  CHECK(worst <= 2);
  CHECK(worst > 0);
}

TEST_CASE("vector_exp at the ends of the range") {
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(vector_exp(0.0f) == 1);
  CHECK(vector_exp(-inf) == 0);
  CHECK(vector_exp(-1e30f) == 0);
  for (double x = -130; x < -87.7; x += 1e-4) REQUIRE(vector_exp(static_cast<float>(x)) == 0);
  CHECK(std::abs(vector_exp(-87.5f) - std::exp(-87.5)) <= 2 * std::numeric_limits<float>::denorm_min());
  CHECK(std::isnan(vector_exp(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(vector_exp(-std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("vector_exp of a vector is that of its lanes") {
  std::int64_t wrong = 0;
  for (double x = -120; x <= 88; x += 1e-2) {
    const Vector in([x](auto lane) { return static_cast<Real>(x - 0.37 * static_cast<int>(lane)); }), out = vector_exp(in);
    for (std::size_t lane = 0; lane < Vector::size(); ++lane) wrong += out[lane] != vector_exp(static_cast<Real>(in[lane]));
  }
  CHECK(wrong == 0);
  CHECK(std::isnan(static_cast<Real>(vector_exp(Vector(nan_value))[0])));
  CHECK(static_cast<Real>(vector_exp(Vector(-infinity))[0]) == 0);
}

TEST_CASE("vector_log is within 3 ulp from 1 on") {
  double worst = 0;
  for (double x = 1; x <= 3e38; x *= x < 3 ? 1 + 1e-6 : 1 + 1e-4) {
    const float in = static_cast<float>(x);
    note_ulps(vector_log(in), std::log(static_cast<double>(in)), worst);
  }
  CHECK(worst <= 3);
  CHECK(worst > 0);
  CHECK(vector_log(1.0f) == 0);
  CHECK(std::isnan(vector_log(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE_TEMPLATE("the largest of any number of numbers is found wherever it stands", T, float, double) {
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(largest_of<T>(nullptr, 0) == -inf);
  for (std::ptrdiff_t n = 1; n <= 150; ++n) {  // four vectors of 64 bytes, and what is left of them
    CAPTURE(n);
    std::vector<T> x(static_cast<std::size_t>(n), T{-3});
    for (T& place : x) {
      place = -2;
      REQUIRE(largest_of(x.data(), n) == -2);
      place = nan;
      REQUIRE(largest_of(x.data(), n) == (n == 1 ? -inf : T{-3}));
      place = -3;
    }
    CHECK(largest_of(std::vector<T>(x.size(), nan).data(), n) == -inf);
    CHECK(largest_of(std::vector<T>(x.size(), -inf).data(), n) == -inf);
    x.back() = inf;
    CHECK(largest_of(x.data(), n - 1) == (n == 1 ? -inf : T{-3}));  // nothing beyond is read
  }
}

TEST_CASE("vector_normal is within 1.2e-7 of erfc in double") {
  double worst_cdf = 0, worst_pdf = 0;
  for (double x = -20; x <= 20; x += 1e-4) {
    const float in = static_cast<float>(x);
    const Normal<float> got = vector_normal(in);
    const Normal<double> exact = vector_normal(static_cast<double>(in));
    worst_cdf = std::max(worst_cdf, std::abs(got.cdf - exact.cdf));
    worst_pdf = std::max(worst_pdf, std::abs(got.pdf - exact.pdf));
  }
  CHECK(worst_cdf <= 1.2e-7);
  CHECK(worst_pdf <= 1.2e-7);
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(vector_normal(inf).cdf == 1);
  CHECK(vector_normal(-inf).cdf == 0);
  CHECK(vector_normal(0.0f).cdf == 0.5f);
  CHECK(std::isnan(vector_normal(std::numeric_limits<float>::quiet_NaN()).cdf));
}

TEST_CASE("dropout's bits are those of Dropout::keeps, from any beginning to any end") {
  const Dropout d = Dropout::with_rate(0.3, 0x123456789abcdefull, 0xfedcba9876543210ull);
  const Index far = Index{1} << 40;
  const std::pair<Index, Index> runs[] = {{0, 0},     {0, 1},       {3, 300},
                                          {255, 257}, {1000, 2000}, {far + 5, far + 700}};
  for (const auto& [begin, end] : runs) {
    Index next = begin, wrong = 0;
    for_random_bits(d, begin, end, [&](Index first, Index count, const std::uint16_t* bits) {
      CHECK(first == next);
      for (Index i = 0; i < count; ++i) wrong += (bits[i] >= d.threshold) != d.keeps(first + i);
      next = first + count;
    });
    CHECK(next == end);
    CHECK(wrong == 0);
  }
}

TEST_CASE("small products of every edge, from either order of a, written and added") {
  for (Index m : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 24})
    for (Index n : {0, 1, 7, 8, 16, 35})
      for (Index k : {0, 1, 5, 32})
        for (bool turned : {false, true})
          for (bool add : {false, true}) {
            CAPTURE(m);
            CAPTURE(n);
            CAPTURE(k);
            const Values a = uniform_values(m * k, 1), b = uniform_values(k * (n + 3), 2),
                         c = uniform_values(m * (n + 5), 3);
            Values expected = c, got = c;
            Gemm g{.transpose_a = turned,
                   .m = m,
                   .n = n,
                   .k = k,
                   .lda = turned ? m : k,
                   .ldb = n + 3,
                   .ldc = n + 5,
                   .alpha = 2,
                   .beta = static_cast<Real>(add)};
            make_reference_kernels()->gemm(g, a.data(), b.data(), expected.data());
            small_product({.m = m,
                           .n = n,
                           .k = k,
                           .a_row = turned ? 1 : k,
                           .a_col = turned ? m : 1,
                           .ldb = n + 3,
                           .ldc = n + 5,
                           .alpha = 2,
                           .add = add},
                          a.data(), b.data(), got.data());
            check_close(expected, got, 16);
          }
}
