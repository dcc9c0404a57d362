// Products that leave zeros out, against the same products among rows or columns that are dense, where tiles multiply all.
#include "backend/sparse_product.hpp"

#include <limits>

#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

/// A matrix of which so many columns, the first, are mostly zeros, with a number here and there that is none.
Values partly_zero(Index rows, Index cols, Index sparse_cols, double share, std::uint64_t seed) {
  Values x = uniform_values(rows * cols, seed);
  const Values drawn = uniform_values(rows * cols, seed + 1);
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < sparse_cols; ++c)
      if (drawn[static_cast<std::size_t>(r * cols + c)] < 1 - 2 * share) x[static_cast<std::size_t>(r * cols + c)] = 0;
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
  for (bool turned : {false, true}) {
    CAPTURE(turned);
    if (turned)
      found.assign_turned(transposed(x, 2, 100).data(), 2, 100, 2);
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
  constexpr Index dense = 300;  // rows more, which tell that tiles shall multiply
  for (Index m : {2, 64, 150})
    for (Index n : {1, 2, 7, 33, 35})  // vectors, more and less than are packed at a time
      for (Index k : {40, 256, 700})
        for (int order : {0, 1, 2})
          for (Real beta : {Real{0}, Real{1}, Real{-0.5}}) {
            CAPTURE(m);
            CAPTURE(n);
            CAPTURE(k);
            CAPTURE(order);
            CAPTURE(beta);
            const Index cols = n * vector_width;
            // Stored as [k, m]: the columns after the m sparse ones are dense.
            const Values a = partly_zero(k, m + dense, m, 0.2, 1), b = uniform_values(k * cols, 3);
            const Values left = order == 2 ? a : transposed(a, k, m + dense);
            const Values right = order == 1 ? transposed(b, k, cols) : b;
            Values all = uniform_values((m + dense) * cols, 4), some = all;
            Gemm g{.transpose_a = order == 2, .transpose_b = order == 1, .m = m + dense, .n = cols, .k = k,
                   .lda = order == 2 ? m + dense : k, .ldb = order == 1 ? k : cols, .ldc = cols, .alpha = Real{1.5}, .beta = beta};
            // Rows go from sparse to dense, and the first one tells: so begin with a dense one.
            if (order == 2) {
              packed_product(g, left.data(), right.data(), all.data());
            } else {
              Values turned_round(left.size()), result = all;
              for (Index r = 0; r < m + dense; ++r)
                std::copy_n(left.begin() + r * k, k, turned_round.begin() + (m + dense - 1 - r) * k);
              for (Index r = 0; r < m + dense; ++r)
                std::copy_n(all.begin() + r * cols, cols, result.begin() + (m + dense - 1 - r) * cols);
              packed_product(g, turned_round.data(), right.data(), result.data());
              for (Index r = 0; r < m + dense; ++r)
                std::copy_n(result.begin() + (m + dense - 1 - r) * cols, cols, all.begin() + r * cols);
            }
            g.m = m;
            packed_product(g, left.data(), right.data(), some.data());
            CHECK(same_bits(corner(some, m, cols, cols), corner(all, m, cols, cols)));
          }
}

TEST_CASE("zeros in the gradient's right side change no bit of a product") {
  constexpr Index dense = 300;
  for (Index m : {1, 2, 9, 33})  // vectors
    for (Index n : {1, 64, 150})
      for (Index k : {40, 256, 700}) {
        CAPTURE(m);
        CAPTURE(n);
        CAPTURE(k);
        const Index rows = m * vector_width;
        const Values a = uniform_values(k * rows, 1), b = partly_zero(k, n + dense, n, 0.2, 2);
        Values all(static_cast<std::size_t>(rows * (n + dense))), some = all;
        Gemm g{.transpose_a = true, .m = rows, .n = n + dense, .k = k, .lda = rows, .ldb = n + dense, .ldc = n + dense};
        packed_product(g, a.data(), b.data(), all.data());
        g.n = n;
        packed_product(g, a.data(), b.data(), some.data());
        CHECK(same_bits(corner(some, rows, n, n + dense), corner(all, rows, n, n + dense)));
        g.beta = 1;  // what is there is added to, by tiles
        packed_product(g, a.data(), b.data(), some.data());
        CHECK(some[0] == doctest::Approx(2 * all[0]));
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
