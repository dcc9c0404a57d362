// Products that leave zeros out, against the same products among rows or columns that are dense, where tiles multiply all.
#include "backend/sparse_product.hpp"

#include <limits>

#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

/// A matrix [rows, cols] whose first `sparse_cols` columns are mostly zeros.
Values partly_zero(Index rows, Index cols, Index sparse_cols, std::uint64_t seed) {
  Values x = uniform_values(rows * cols, seed);
  const Values drawn = uniform_values(rows * cols, seed + 1);
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < sparse_cols; ++c)
      if (drawn[static_cast<std::size_t>(r * cols + c)] < 0.6) x[static_cast<std::size_t>(r * cols + c)] = 0;  // four fifths
  return x;
}

Values transposed(const Values& x, Index rows, Index cols) {
  Values out(x.size());
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) out[static_cast<std::size_t>(c * rows + r)] = x[static_cast<std::size_t>(r * cols + c)];
  return out;
}

/// The first `rows` × `cols` of c, which are `ld` wide.
Values corner(const Values& c, Index rows, Index cols, Index ld) {
  Values out;
  for (Index r = 0; r < rows; ++r) out.insert(out.end(), c.begin() + r * ld, c.begin() + r * ld + cols);
  return out;
}

}  // namespace

TEST_CASE("where rows are not zero") {
  Values x(2 * 100, Real{0});
  x[0] = 1;
  x[63] = -1;
  x[100 + 64] = nan_value;
  x[100 + 99] = 2;
  x[100 + 1] = -Real{0};
  NonZeros found;
  for (bool by_columns : {false, true}) {
    CAPTURE(by_columns);
    if (by_columns)
      found.assign_columns(transposed(x, 2, 100).data(), 2, 100, 2);
    else
      found.assign(x.data(), 2, 100, 100);
    CHECK(found.mask(0, 0) == (std::uint64_t{1} << 63 | 1));
    CHECK(found.mask(0, 1) == 0);
    CHECK(found.mask(1, 0) == 0);
    CHECK(found.mask(1, 1) == (std::uint64_t{1} << 35 | 1));
    CHECK(found.share() == doctest::Approx(0.02));
  }
}

TEST_CASE("zeros on the left change no bit of a product") {
  constexpr Index dense = 100;  // rows before them, which tell that tiles shall multiply
  const Index block = 512 / vector_width;  // vectors of columns that are packed at a time
  for (Index m : {2, 70})
    for (Index n : {Index{1}, Index{2}, Index{4}, Index{5}, Index{7}, block + 1, block + 3})
      for (Index missing : {0, 1})
        for (Index k : {40, 300})
          for (int order : {0, 1, 2})
            for (Real beta : {Real{0}, Real{-0.5}}) {
              const Index cols = n * vector_width - missing;
              CAPTURE(m);
              CAPTURE(cols);
              CAPTURE(k);
              CAPTURE(order);
              CAPTURE(beta);
              if (cols == 0) continue;
              // [k, m + dense], the sparse columns last.
              Values a = transposed(partly_zero(m + dense, k, 0, 1), m + dense, k);
              const Values zeros = partly_zero(k, m, m, 5);
              for (Index l = 0; l < k; ++l) std::copy_n(zeros.begin() + l * m, m, a.begin() + l * (m + dense) + dense);
              a[static_cast<std::size_t>(3 * (m + dense) + dense)] = nan_value;
              a[static_cast<std::size_t>(4 * (m + dense) + dense + 1)] = std::numeric_limits<Real>::infinity();
              const Values left = order == 2 ? a : transposed(a, k, m + dense);
              const Values b = uniform_values(k * cols, 3), right = order == 1 ? transposed(b, k, cols) : b;
              Values all = uniform_values((m + dense) * cols, 4), some(all.begin() + dense * cols, all.end());
              Gemm g{.transpose_a = order == 2, .transpose_b = order == 1, .m = m + dense, .n = cols, .k = k,
                     .lda = order == 2 ? m + dense : k, .ldb = order == 1 ? k : cols, .ldc = cols, .alpha = Real{1.5},
                     .beta = beta};
              packed_product(g, left.data(), right.data(), all.data());
              g.m = m;
              packed_product(g, left.data() + dense * (order == 2 ? 1 : k), right.data(), some.data());
              CHECK(same_bits(some, Values(all.begin() + dense * cols, all.end())));
            }
}

TEST_CASE("zeros in the gradient's right side change no bit of a product") {
  constexpr Index dense = 100;
  for (Index m : {1, 2, 9, 33})  // vectors
    for (Index n : {1, 64, 150})
      for (Index k : {40, 300})
        for (Real beta : {Real{0}, Real{1}}) {
          CAPTURE(m);
          CAPTURE(n);
          CAPTURE(k);
          CAPTURE(beta);
          const Index rows = m * vector_width, ld = n + dense;
          const Values a = uniform_values(k * rows, 1), b = partly_zero(k, ld, n, 2);
          Values all = uniform_values(rows * ld, 4), some = all;
          Gemm g{.transpose_a = true, .m = rows, .n = ld, .k = k, .lda = rows, .ldb = ld, .ldc = ld, .alpha = Real{1.5},
                 .beta = beta};
          packed_product(g, a.data(), b.data(), all.data());
          g.n = n;
          packed_product(g, a.data(), b.data(), some.data());
          CHECK(same_bits(corner(some, rows, n, ld), corner(all, rows, n, ld)));
        }
}

TEST_CASE("zeros change no bit of a product that threads share") {
  constexpr Index m = 300, n = 6 * vector_width, k = 300;
  for (int order : {0, 1, 2, 3}) {  // the last: zeros on the right
    CAPTURE(order);
    const bool turn_a = order >= 2;
    const Values zeros = partly_zero(k, m, m, 1), other = uniform_values(k * n, 3);
    const Values left = order == 3 ? other : turn_a ? zeros : transposed(zeros, k, m);
    const Values right = order == 3 ? zeros : order == 1 ? transposed(other, k, n) : other;
    const Index rows = order == 3 ? n : m, cols = order == 3 ? m : n;
    const Gemm g{.transpose_a = turn_a, .transpose_b = order == 1, .m = rows, .n = cols, .k = k,
                 .lda = turn_a ? rows : k, .ldb = order == 1 ? k : cols, .ldc = cols};
    Values expected(static_cast<std::size_t>(m * n));
    make_cpu_kernels(1)->gemm(g, left.data(), right.data(), expected.data());
    for (int threads : {2, 3}) {
      Values got(expected.size());
      make_cpu_kernels(threads)->gemm(g, left.data(), right.data(), got.data());
      CHECK(same_bits(got, expected));
    }
    compare({m * n}, 16 + static_cast<double>(k) / 4,
            [&](Kernels& kernels, Outputs& o) { kernels.gemm(g, left.data(), right.data(), o[0]); });
  }
}

TEST_CASE("a zero times what is not finite is no number, in whichever way they are multiplied") {
  constexpr Index m = 20, n = 4 * vector_width, k = 100;
  const Values zeros(m * k);
  for (Real bad : {nan_value, std::numeric_limits<Real>::infinity()})
    for (int order : {0, 1, 2}) {
      CAPTURE(order);
      Values b(static_cast<std::size_t>(k * n), Real{1}), c(static_cast<std::size_t>(m * n));
      b[static_cast<std::size_t>(order == 1 ? 3 * k + 7 : 7 * n + 3)] = bad;
      const Gemm g{.transpose_a = order == 2, .transpose_b = order == 1, .m = m, .n = n, .k = k,
                   .lda = order == 2 ? m : k, .ldb = order == 1 ? k : n, .ldc = n};
      packed_product(g, zeros.data(), b.data(), c.data());
      for (Index i = 0; i < m; ++i) {
        CHECK(std::isnan(c[static_cast<std::size_t>(i * n + 3)]));
        CHECK(c[static_cast<std::size_t>(i * n + 4)] == 0);
      }
    }
}
