// The CPU backend's attention against the reference, both ways.
#include "backend/lane_sums.hpp"
#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

struct Shape4 {
  Index batch, heads, queries, keys, head_dim;
};

/// Self-attention over packed [batch, time, 3, heads, head_dim] when queries and keys agree, else three
/// tensors.
void compare_attention(const Shape4& shape, const Mask& mask, double rate) {
  const auto& [batch, heads, queries, keys, dim] = shape;
  CAPTURE(batch);
  CAPTURE(heads);
  CAPTURE(queries);
  CAPTURE(keys);
  CAPTURE(dim);
  CAPTURE(mask.causal);
  CAPTURE(rate);
  const Index d = heads * dim;
  Attention a{.batch = batch,
              .heads = heads,
              .queries = queries,
              .keys = keys,
              .head_dim = dim,
              .q = {d, queries * d},
              .k = {2 * d, keys * 2 * d},
              .v = {2 * d, keys * 2 * d},
              .o = {d, queries * d},
              .scale = Real{0.5},
              .mask = mask,
              .dropout = Dropout::with_rate(rate, 3, 4)};
  a.mask.heads = heads;
  a.mask.queries = queries;
  const Values q = uniform_values(batch * queries * d, 1), kv = uniform_values(batch * keys * 2 * d, 2);
  const Values grad_o = uniform_values(batch * queries * d, 3);
  const Index rows = batch * heads * queries;
  compare({batch * queries * d, rows}, 32,
          [&](Kernels& k, Outputs& o) { k.attention(a, q.data(), kv.data(), kv.data() + d, o[0], o[1]); });
  Outputs forward({batch * queries * d, rows});
  make_reference_kernels()->attention(a, q.data(), kv.data(), kv.data() + d, forward[0], forward[1]);
  compare({batch * queries * d, batch * keys * 2 * d}, 128, [&](Kernels& k, Outputs& o) {
    k.attention_backward(a, q.data(), kv.data(), kv.data() + d, forward[0], forward[1], grad_o.data(), o[0],
                         o[1], o[1] + d);
  });
}

}  // namespace

TEST_CASE("cpu attention: short and odd shapes, all masks, dropout") {
  const Shape4 shapes[] = {{1, 1, 1, 1, 1},    {0, 2, 3, 3, 4},    {2, 2, 0, 3, 4},   {4, 2, 1, 19, 16}, {3, 2, 1, 9, 5},
                           {2, 2, 3, 0, 4},    {1, 2, 1, 37, 32},  {3, 2, 3, 17, 8},
                           {2, 4, 12, 12, 32}, {5, 3, 20, 33, 20}, {8, 4, 16, 16, 64},
                           // A query alone takes its values eight vectors at a time, and what is left one by one.
                           {3, 5, 1, 11, 32},  {2, 3, 1, 7, 64},   {3, 9, 1, 6, 8},    {2, 2, 1, 5, 48},  {2, 1, 1, 9, 128},
                           // Its heads are scored as many together as a vector has lanes, up to eight, or half as many.
                           {2, 8, 1, 6, 32},   {2, 4, 1, 6, 16},   {2, 12, 1, 5, 8},   {2, 7, 1, 5, 32}};
  for (const Shape4& shape : shapes) {
    Ids lengths(static_cast<std::size_t>(shape.batch + 1));
    for (std::size_t b = 0; b < lengths.size(); ++b)  // all, one less, …, none
      lengths[b] = static_cast<std::int32_t>(std::max<Index>(0, shape.keys - static_cast<Index>(b * b)));
    for (double rate : {0.0, 0.25}) {
      compare_attention(shape, {}, rate);
      compare_attention(shape, {.causal = true}, rate);
      compare_attention(shape, {.causal = true, .offset = 2}, rate);
      compare_attention(shape, {.key_lengths = lengths.data()}, rate);
      compare_attention(shape, {.causal = true, .key_lengths = lengths.data()}, rate);
    }
  }
}

TEST_CASE("cpu attention: scores may be so large that their exponentials are no numbers") {
  for (Index queries : {1, 3}) {
    CAPTURE(queries);
    constexpr Index heads = 5, keys = 6, dim = 8, d = heads * dim;
    Values q = uniform_values(queries * d, 1);
    const Values kv = uniform_values(keys * 2 * d, 2);
    for (Real& value : q) value *= 10000;
    const Attention a{.batch = 1, .heads = heads, .queries = queries, .keys = keys, .head_dim = dim, .q = {d, d}, .k = {2 * d, 0},
                      .v = {2 * d, 0}, .o = {d, d}, .scale = 1, .mask = {.heads = heads, .queries = queries}, .dropout = {}};
    compare({queries * d, heads * queries}, 32,
            [&](Kernels& k, Outputs& o) { k.attention(a, q.data(), kv.data(), kv.data() + d, o[0], o[1]); });
  }
}

TEST_CASE("cpu attention: no weight is above 1 on the way back, however large and roundly summed the scores are") {
  constexpr Index heads = 200, dim = 32, d = heads * dim;
  Values q = uniform_values(d, 1), k = uniform_values(d, 2);
  for (Values* values : {&q, &k})
    for (Real& value : *values) value *= sizeof(Real) == 4 ? 1e5F : 1e10F;
  const Values v = uniform_values(d, 3), grad_o = uniform_values(d, 4);
  const Attention a{.batch = 1, .heads = heads, .queries = 1, .keys = 1, .head_dim = dim, .q = {d, d}, .k = {d, d}, .v = {d, d},
                    .o = {d, d}, .scale = 1, .mask = {.heads = heads}, .dropout = {}};
  Values o(d), log_sums(heads), dq(d), dk(d), dv(d);
  const auto cpu = make_cpu_kernels(1);
  cpu->attention(a, q.data(), k.data(), v.data(), o.data(), log_sums.data());
  cpu->attention_backward(a, q.data(), k.data(), v.data(), o.data(), log_sums.data(), grad_o.data(), dq.data(), dk.data(),
                          dv.data());
  Index wrong = 0, whole = 0;
  for (std::size_t i = 0; i < d; ++i) {
    wrong += !(std::abs(dv[i]) <= std::abs(grad_o[i])) || dv[i] * grad_o[i] < 0;
    whole += dv[i] == grad_o[i];
  }
  CHECK(wrong == 0);
  CHECK(whole > 0);
}

TEST_CASE("the sums of several vectors' lanes stand in the lanes of one") {
  const auto check = [](auto count) {
    constexpr int n = decltype(count)::value;
    if constexpr (n <= vector_width) {
      CAPTURE(n);
      const Values x = uniform_values(n * vector_width, 1);
      Lanes vectors[n];
      for (int i = 0; i < n; ++i) vectors[i] = lanes_at(&x[static_cast<std::size_t>(i * vector_width)]);
      const Lanes sums = lane_sums<n>(vectors);
      for (int i = 0; i < n; ++i) {
        double sum = 0;
        for (Index lane = 0; lane < vector_width; ++lane) sum += static_cast<double>(x[static_cast<std::size_t>(i * vector_width + lane)]);
        CHECK(static_cast<double>(sums[i]) == doctest::Approx(sum).epsilon(1e-5));
      }
    }
  };
  check(std::integral_constant<int, 1>());
  check(std::integral_constant<int, 2>());
  check(std::integral_constant<int, 4>());
  check(std::integral_constant<int, 8>());
  check(std::integral_constant<int, static_cast<int>(vector_width)>());
}

TEST_CASE("attention of one query to keys in any order is attention to those keys in a row") {
  constexpr Index batch = 3, heads = 2, keys = 7, stored = 20;
  const Ids lengths{7, 0, 4};
  Ids rows;  // some twice, some never
  for (Index i = 0; i < batch * keys; ++i) rows.push_back(static_cast<std::int32_t>(i * i * 7 % stored));
  for (Index dim : {5, 8, 16, 32, 64, 128}) {
    CAPTURE(dim);
    const Index d = heads * dim;
    const Values q = uniform_values(batch * d, 1), kv = uniform_values(stored * 2 * d, 2);
    Values in_a_row;
    for (std::int32_t row : rows) in_a_row.insert(in_a_row.end(), &kv[row * 2 * d], &kv[row * 2 * d] + 2 * d);
    Attention plain{.batch = batch,
                    .heads = heads,
                    .queries = 1,
                    .keys = keys,
                    .head_dim = dim,
                    .q = {d, d},
                    .k = {2 * d, keys * 2 * d},
                    .v = {2 * d, keys * 2 * d},
                    .o = {d, d},
                    .scale = Real{0.5},
                    .mask = {.heads = heads, .key_lengths = lengths.data()},
                    .dropout = {}};
    Attention listed = plain;
    listed.k = listed.v = {2 * d, 0};
    listed.key_rows = rows.data();
    for (const auto& k : {make_reference_kernels(), make_cpu_kernels(1), make_cpu_kernels(2)}) {
      REQUIRE(k->takes_key_rows());
      Outputs expected({batch * d, batch * heads}), found({batch * d, batch * heads});
      k->attention(plain, q.data(), in_a_row.data(), in_a_row.data() + d, expected[0], expected[1]);
      k->attention(listed, q.data(), kv.data(), kv.data() + d, found[0], found[1]);
      for (Outputs* outputs : {&expected, &found}) outputs->check_guards();
      for (std::size_t i = 0; i < 2; ++i) CHECK(same_bits(found.values[i], expected.values[i]));
    }
  }
}

TEST_CASE("cpu attention: queries alone have the same bits on any number of threads") {
  constexpr Index batch = 64, keys = 40, d = 64;
  Ids lengths, rows;
  for (Index b = 0; b < batch; ++b) lengths.push_back(static_cast<std::int32_t>(b * 7 % (keys + 1)));
  for (Index i = 0; i < batch * keys; ++i) rows.push_back(static_cast<std::int32_t>(i * 31 % 200));
  const Values q = uniform_values(batch * d, 1), kv = uniform_values(200 * 2 * d, 2);
  const Attention a{.batch = batch,
                    .heads = 2,
                    .queries = 1,
                    .keys = keys,
                    .head_dim = d / 2,
                    .q = {d, d},
                    .k = {2 * d, 0},
                    .v = {2 * d, 0},
                    .o = {d, d},
                    .scale = Real{0.5},
                    .mask = {.heads = 2, .key_lengths = lengths.data()},
                    .dropout = {},
                    .key_rows = rows.data()};
  Outputs one({batch * d, batch * 2});
  make_cpu_kernels(1)->attention(a, q.data(), kv.data(), kv.data() + d, one[0], one[1]);
  one.check_guards();
  for (int threads : {2, 3, 5}) {
    CAPTURE(threads);
    Outputs cut({batch * d, batch * 2});
    make_cpu_kernels(threads)->attention(a, q.data(), kv.data(), kv.data() + d, cut[0], cut[1]);
    cut.check_guards();
    for (std::size_t i = 0; i < 2; ++i) CHECK(same_bits(cut.values[i], one.values[i]));
  }
}

TEST_CASE("cpu attention: several blocks of queries") {
  const Ids lengths{150, 0};
  for (double rate : {0.0, 0.25}) {
    compare_attention({1, 2, 130, 200, 16}, {.key_lengths = lengths.data()}, rate);
    compare_attention({1, 2, 130, 130, 16}, {.causal = true}, rate);
    compare_attention({2, 1, 70, 70, 16}, {.causal = true, .key_lengths = lengths.data()}, rate);
    compare_attention({1, 1, 70, 2100, 16}, {}, rate);
  }
}

TEST_CASE("cpu attention: what no query sees is never read") {
  for (Index queries : {1, 5, 70}) {
    const Index keys = 80, seen = 33, dim = 16;
    const std::int32_t length = seen;
    Attention a;
    a.queries = queries;
    a.keys = keys;
    a.head_dim = dim;
    a.q = a.k = a.v = a.o = {.row_stride = dim, .batch_stride = 0};
    a.mask = {.queries = queries, .key_lengths = &length};
    const Values q = uniform_values(queries * dim, 1);
    Values kv = uniform_values(keys * dim, 2);
    std::fill(kv.begin() + seen * dim, kv.end(), nan_value);
    Outputs out({queries * dim, queries, queries * dim, keys * dim, keys * dim});
    const auto cpu = make_cpu_kernels(2);
    cpu->attention(a, q.data(), kv.data(), kv.data(), out[0], out[1]);
    cpu->attention_backward(a, q.data(), kv.data(), kv.data(), out[0], out[1], q.data(), out[2], out[3],
                            out[4]);
    out.check_guards();
    for (const Values& values : out.values)
      for (Real v : values) CHECK(std::isfinite(v));
  }
}
