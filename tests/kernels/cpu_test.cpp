// The CPU backend against the reference: products, element by element, row by row.
#include "backend/packed_product.hpp"
#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

struct Extent {
  Index rows, cols;
};
// Nothing, one, less than a vector, not a multiple of one, and enough to wake the threads.
const Extent extents[] = {{0, 5},  {1, 1},   {1, 16},   {7, 1},    {3, 5},
                          {5, 17}, {64, 33}, {513, 70}, {3, 8001}, {2000, 48}};
const Index lengths[] = {0, 1, 7, 16, 255, 1000, 100003};

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
  // In index order, as the reference sums, rounding grows with k.
  compare({size}, 16 + static_cast<double>(g.k) / 4, [&](Kernels& k, Outputs& out) {
    if (g.beta != 0) std::copy(before.begin(), before.end(), out[0]);
    k.gemm(g, a.data(), b.data(), out[0]);
  });
}

}  // namespace

TEST_CASE("cpu gemm: every shape and both orders; beta 0 does not read c") {
  const Index shapes[][3] = {{0, 3, 3},     {3, 0, 3},      {3, 3, 0},    {1, 1, 1},     {1, 37, 29},
                             {1, 300, 900}, {37, 1, 29},    {5, 7, 3},    {2, 4, 9},     {5, 24, 37},
                             {8, 400, 100}, {2, 50, 64},    {8, 33, 40},  {130, 70, 65}, {33, 400, 90},
                             {400, 33, 90}, {20, 530, 270}, {29, 65, 513},
                             {120, 24, 300}};
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

// OpenBLAS, which multiplies where our tiles do not pay, sums at the edges of what it is given in another order.
TEST_CASE("cpu gemm: the bits do not depend on how threads cut it" * doctest::skip(!packed_product_pays)) {
  // The longer side is cut; what is left over may be eight rows or one, or one column, or end in another place of a tile.
  const Index shapes[][2] = {{64, 60}, {65, 60}, {72, 60}, {60, 64}, {60, 65}, {64, 100}};
  for (const auto& [m, n] : shapes) {
    Gemm g{.transpose_b = true, .m = m, .n = n, .k = 300, .lda = 300, .ldb = 300, .ldc = n};
    g.alpha = Real{1.3};
    g.beta = Real{-0.7};  // no power of two: rounding it in another place would show
    const Values a = uniform_values(g.m * g.k, 1), b = uniform_values(g.n * g.k, 2);
    Values whole = uniform_values(g.m * g.n, 3);
    const Values before = whole;
    make_cpu_kernels(1)->gemm(g, a.data(), b.data(), whole.data());
    for (int threads : {2, 3, 5}) {
      CAPTURE(m);
      CAPTURE(n);
      CAPTURE(threads);
      Values cut = before;
      make_cpu_kernels(threads)->gemm(g, a.data(), b.data(), cut.data());
      CHECK(same_bits(cut, whole));
    }
  }
}

TEST_CASE("cpu gemm: a batch, and one matrix for all of it") {
  for (Index batch : {0, 1, 2, 5, 64})
    compare_gemm({.m = 12,
                  .n = 20,
                  .k = 33,
                  .lda = 33,
                  .ldb = 20,
                  .ldc = 20,
                  .batch = batch,
                  .stride_a = 12 * 33,
                  .stride_b = 0,
                  .stride_c = 12 * 20});
}

TEST_CASE("cpu element by element") {
  for (Index n : lengths) {
    CAPTURE(n);
    const Values x = uniform_values(n, 1), y = uniform_values(n, 2);
    const Real half = Real{0.5};
    compare({n}, 0, [&](Kernels& k, Outputs& out) { k.fill(out[0], half, n); });
    compare({n}, 0, [&](Kernels& k, Outputs& out) { k.copy(x.data(), out[0], n); });
    compare({n}, 0, [&](Kernels& k, Outputs& out) { k.add(x.data(), y.data(), out[0], n); });
    compare({n}, 0, [&](Kernels& k, Outputs& out) { k.multiply(x.data(), y.data(), out[0], n); });
    compare({n}, 0, [&](Kernels& k, Outputs& out) { k.scale(x.data(), half, out[0], n); });
    compare({n}, 0, [&](Kernels& k, Outputs& out) {  // in place
      std::copy(x.begin(), x.end(), out[0]);
      k.add(out[0], out[0], out[0], n);
    });
  }
}

TEST_CASE("cpu activations, also far out and not finite") {
  for (Activation kind : {Activation::relu, Activation::gelu})
    for (Index n : lengths) {
      CAPTURE(n);
      Values x = uniform_values(n, 1);
      const Values dy = uniform_values(n, 2);
      for (Real& v : x) v *= 8;
      if (n > 16) x[1] = nan_value, x[2] = infinity, x[3] = -1000, x[4] = 1000, x[5] = 0;
      compare({n}, 4, [&](Kernels& k, Outputs& out) { k.activate(kind, x.data(), out[0], n); });
      if (n > 16) x[2] = 1;  // gelu's slope at infinity is infinity times zero
      compare({n}, 8,
              [&](Kernels& k, Outputs& out) { k.activate_backward(kind, x.data(), dy.data(), Real{1.5}, out[0], n); });
    }
}

TEST_CASE("cpu dropout: the reference's bits for every thread count") {
  for (Index n : lengths)
    for (double rate : {0.0, 0.1, 0.5}) {
      CAPTURE(n);
      CAPTURE(rate);
      const Dropout d = Dropout::with_rate(rate, 7, Index{5} << 33);
      Values x = uniform_values(n, 1);
      const Values y = uniform_values(n, 2);
      compare({n}, 0, [&](Kernels& k, Outputs& out) { k.dropout(d, x.data(), out[0], n); });
      compare({n}, 1,
              [&](Kernels& k, Outputs& out) { k.residual_dropout(d, y.data(), x.data(), out[0], n); });
    }
}

TEST_CASE("cpu rows and a bias") {
  for (const auto& [rows, cols] : extents) {
    CAPTURE(rows);
    CAPTURE(cols);
    const Index n = rows * cols;
    const Values x = uniform_values(n, 1), bias = uniform_values(cols, 2), dy = uniform_values(n, 3);
    compare({n}, 0, [&](Kernels& k, Outputs& o) { k.add_bias(x.data(), bias.data(), o[0], rows, cols); });
    for (Activation kind : {Activation::relu, Activation::gelu}) {
      compare({n}, 4, [&](Kernels& k, Outputs& o) {
        k.bias_activate(kind, x.data(), bias.data(), o[0], rows, cols);
      });
      for (double rate : {0.0, 0.4})
        compare({n}, 4, [&](Kernels& k, Outputs& o) {
          k.bias_activate_dropout(kind, Dropout::with_rate(rate, 7, 3), x.data(), bias.data(), o[0], rows, cols);
        });
      compare({n}, 8, [&](Kernels& k, Outputs& o) {
        k.bias_activate_backward(kind, x.data(), bias.data(), dy.data(), o[0], rows, cols);
      });
    }
    compare({cols}, 0, [&](Kernels& k, Outputs& o) { k.sum_rows(x.data(), o[0], rows, cols); });
  }
}

TEST_CASE("cpu axes") {
  const Index shapes[][3] = {{0, 3, 4},      {3, 0, 4},   {1, 5, 7},    {4, 9, 1},
                             {1, 100000, 1}, {6, 50, 33}, {200, 17, 64}};
  for (const auto& [outer, axis, inner] : shapes) {
    CAPTURE(outer);
    CAPTURE(axis);
    CAPTURE(inner);
    const Values x = uniform_values(outer * axis * inner, 1), small = uniform_values(outer * inner, 2);
    compare({outer * inner}, 64,
            [&](Kernels& k, Outputs& o) { k.sum_axis(x.data(), o[0], outer, axis, inner); });
    compare({outer * axis * inner}, 0,
            [&](Kernels& k, Outputs& o) { k.repeat_axis(small.data(), o[0], outer, axis, inner); });
  }
  const Values x = uniform_values(400 * 90, 3);
  compare({400 * 80}, 0, [&](Kernels& k, Outputs& o) { k.copy_rows(x.data() + 5, 90, o[0], 80, 400, 70); });
}

TEST_CASE("cpu softmax: with and without masks, rows that see nothing") {
  for (const auto& [rows, cols] : extents) {
    CAPTURE(rows);
    CAPTURE(cols);
    const Index n = rows * cols;
    Values x = uniform_values(n, 1);
    for (Real& v : x) v *= 20;
    const Values dy = uniform_values(n, 3);
    Ids lengths_of(static_cast<std::size_t>(rows + 1));
    for (Index r = 0; r <= rows; ++r) lengths_of[r] = static_cast<std::int32_t>(r % (cols + 1));
    for (const Mask& mask :
         {Mask{}, Mask{.queries = 3, .causal = true, .offset = 1}, Mask{.key_lengths = lengths_of.data()},
          Mask{.queries = 2, .causal = true, .key_lengths = lengths_of.data()}}) {
      compare({n}, 8, [&](Kernels& k, Outputs& o) { k.softmax(mask, x.data(), o[0], rows, cols); });
    }
    Values y(static_cast<std::size_t>(n));
    make_reference_kernels()->softmax({}, x.data(), y.data(), rows, cols);
    compare({n}, 8,
            [&](Kernels& k, Outputs& o) { k.softmax_backward(y.data(), dy.data(), o[0], rows, cols); });
  }
}

TEST_CASE("cpu layer norm both ways") {
  for (const auto& [rows, cols] : extents) {
    if (cols == 1) continue;  // a row of one has no deviation: nothing but rounding to compare
    CAPTURE(rows);
    CAPTURE(cols);
    const Index n = rows * cols;
    Values x = uniform_values(n, 1);
    for (Real& v : x) v = v * 3 + 1;
    const Values gamma = uniform_values(cols, 2), beta = uniform_values(cols, 3), dy = uniform_values(n, 4);
    compare({n, rows, rows}, 128, [&](Kernels& k, Outputs& o) {
      k.layer_norm(x.data(), gamma.data(), beta.data(), Real{1e-5}, o[0], o[1], o[2], rows, cols);
    });
    Values y = x, mean(static_cast<std::size_t>(rows)), rstd = mean;
    make_reference_kernels()->layer_norm(x.data(), gamma.data(), beta.data(), Real{1e-5}, y.data(),
                                         mean.data(), rstd.data(), rows, cols);
    compare({n, cols, cols}, 256, [&](Kernels& k, Outputs& o) {
      k.layer_norm_backward(x.data(), gamma.data(), mean.data(), rstd.data(), dy.data(), o[0], o[1], o[2],
                            rows, cols);
    });
  }
}

TEST_CASE("cpu layer norm keeps small deviations on a large mean") {
  Values x = uniform_values(256, 1);
  for (Real& v : x) v += 4096;
  const Values gamma(256, 1), beta(256, 0);
  compare({256}, 65536, [&](Kernels& k, Outputs& o) {  // the mean itself is only known to 4096 roundings
    Real mean, rstd;
    k.layer_norm(x.data(), gamma.data(), beta.data(), 0, o[0], &mean, &rstd, 1, 256);
  });
}

TEST_CASE("cpu embedding both ways") {
  for (const auto& [count, dim] : extents) {
    CAPTURE(count);
    CAPTURE(dim);
    const Index vocabulary = 50;
    const Ids ids = random_ids(count, 50, 1);
    const Values table = uniform_values(vocabulary * dim, 2), dy = uniform_values(count * dim, 3);
    compare({count * dim}, 0,
            [&](Kernels& k, Outputs& o) { k.gather(table.data(), ids.data(), Real{1.5}, o[0], count, dim); });
    compare({vocabulary * dim}, 4, [&](Kernels& k, Outputs& o) {
      k.scatter_add(ids.data(), dy.data(), Real{1.5}, o[0], count, vocabulary, dim);
    });
  }
}

TEST_CASE("cpu cross-entropy both ways, with ignored rows and in place") {
  for (const auto& [rows, classes] : extents)
    for (Real smoothing : {Real{0}, Real{0.125}}) {
      CAPTURE(rows);
      CAPTURE(classes);
      Values logits = uniform_values(rows * classes, 1);
      for (Real& v : logits) v *= 10;
      Ids targets = random_ids(rows, static_cast<std::uint32_t>(classes), 2);
      for (std::size_t r = 1; r < targets.size(); r += 3) targets[r] = -1;
      const CrossEntropyRows shape{.rows = rows, .classes = classes, .ignore = -1, .smoothing = smoothing};
      compare({rows, rows}, 64, [&](Kernels& k, Outputs& o) {
        k.cross_entropy(shape, logits.data(), targets.data(), o[0], o[1]);
      });
      Values losses(static_cast<std::size_t>(rows)), sums = losses;
      make_reference_kernels()->cross_entropy(shape, logits.data(), targets.data(), losses.data(),
                                              sums.data());
      compare({rows * classes, rows * classes}, 64, [&](Kernels& k, Outputs& o) {
        k.cross_entropy_backward(shape, logits.data(), targets.data(), sums.data(), Real{0.25}, o[0]);
        std::copy(logits.begin(), logits.end(), o[1]);
        k.cross_entropy_backward(shape, o[1], targets.data(), sums.data(), Real{0.25}, o[1]);
      });
      const Values bias = uniform_values(classes, 3);
      compare({rows * classes, rows, rows, classes}, 64 + static_cast<double>(rows), [&](Kernels& k, Outputs& o) {
        std::copy(logits.begin(), logits.end(), o[0]);
        k.cross_entropy_gradient(shape, bias.data(), targets.data(), Real{0.25}, o[0], o[1], o[2], o[3]);
      });
    }
}

TEST_CASE("cpu sums: the same for every number of threads; what is not finite shows") {
  for (Index n : lengths) {
    Values x = uniform_values(n, 1);
    const auto reference = make_reference_kernels();
    const auto one = make_cpu_kernels(1), three = make_cpu_kernels(3);
    const double bound = 1e-12 * static_cast<double>(n);
    CHECK(std::abs(one->sum(x.data(), n) - reference->sum(x.data(), n)) <= bound);
    CHECK(std::abs(one->sum_squares(x.data(), n) - reference->sum_squares(x.data(), n)) <= bound);
    CHECK(one->sum(x.data(), n) == three->sum(x.data(), n));
    CHECK(one->sum_squares(x.data(), n) == three->sum_squares(x.data(), n));
    if (n == 0) continue;
    x[static_cast<std::size_t>(n / 2)] = -infinity;
    CHECK(std::isinf(three->sum_squares(x.data(), n)));
    x[static_cast<std::size_t>(n / 2)] = nan_value;
    CHECK(std::isnan(three->sum_squares(x.data(), n)));
    CHECK(std::isnan(three->sum(x.data(), n)));
  }
}

TEST_CASE("cpu updates") {
  const AdamStep s{.learning_rate = Real{0.01},
                   .beta1 = Real{0.9},
                   .beta2 = Real{0.98},
                   .epsilon = Real{1e-8},
                   .weight_decay = Real{0.1},
                   .correction1 = Real{0.19},
                   .correction2 = Real{0.04},
                   .gradient_scale = Real{0.5}};
  for (Index n : lengths) {
    const Values g = uniform_values(n, 1), start = uniform_values(n, 2);
    compare({n}, 2, [&](Kernels& k, Outputs& o) {
      std::copy(start.begin(), start.end(), o[0]);
      k.sgd(o[0], g.data(), Real{0.1}, Real{0.5}, n);
    });
    compare({n, n, n}, 4, [&](Kernels& k, Outputs& o) {
      for (std::size_t i : {0, 1, 2}) std::copy(start.begin(), start.end(), o[i]);
      for (Index i = 0; i < n; ++i) o[2][i] = std::abs(o[2][i]);
      k.adam(s, o[0], g.data(), o[1], o[2], n);
    });
  }
}
