// The CUDA backend's attention against the reference, both ways: every head width, tiles that do not fill, all masks.
#include "cuda/device_under_test.hpp"

using namespace tenfold;

namespace {

struct Extents {
  Index batch, heads, queries, keys, head_dim;
};

/// Keys and values packed in one [batch, keys, 2, heads, head_dim], with a gap after each row.
void compare_attention(const Extents& e, Mask mask, const Ids& lengths, double rate, Real size = 1) {
  CAPTURE(e.batch);
  CAPTURE(e.heads);
  CAPTURE(e.queries);
  CAPTURE(e.keys);
  CAPTURE(e.head_dim);
  CAPTURE(mask.causal);
  CAPTURE(mask.offset);
  CAPTURE(lengths.empty());
  CAPTURE(rate);
  const Index d = e.heads * e.head_dim, kv_row = 2 * d + 3;
  const Index to_values = e.keys > 0 ? d : 0;  // in nothing there is no place d
  Attention a{.batch = e.batch,
              .heads = e.heads,
              .queries = e.queries,
              .keys = e.keys,
              .head_dim = e.head_dim,
              .q = {d, e.queries * d},
              .k = {kv_row, e.keys * kv_row},
              .v = {kv_row, e.keys * kv_row},
              .o = {d, e.queries * d},
              .scale = Real{0.5},
              .mask = mask,
              .dropout = Dropout::with_rate(rate, 3, 4)};
  a.mask.heads = e.heads;
  a.mask.queries = e.queries;
  const Index rows = e.batch * e.heads * e.queries, q_size = e.batch * e.queries * d, kv_size = e.batch * e.keys * kv_row;
  Values q = uniform_values(q_size, 1);
  for (Real& v : q) v *= size;
  const Values kv = uniform_values(kv_size, 2), grad_o = uniform_values(q_size, 3);
  const auto on = [&](DeviceRun& run) {
    Attention there = a;
    if (!lengths.empty()) there.mask.key_lengths = run.put(lengths);
    return there;
  };
  const DeviceBody forward = [&](DeviceRun& run) {
    const Real* keys = run.put(kv);
    run.kernels().attention(on(run), run.put(q), keys, keys + to_values, run.out(0), run.out(1));
  };
  compare_on_device({q_size, rows}, 32 * static_cast<double>(size), forward);
  const auto reference = make_reference_kernels();
  const auto saved = results_on(*reference, {q_size, rows}, forward);
  compare_on_device({q_size, kv_size}, 128 * static_cast<double>(size), [&](DeviceRun& run) {
    const Real* keys = run.put(kv);
    run.kernels().attention_backward(on(run), run.put(q), keys, keys + to_values, run.put(saved[0]), run.put(saved[1]),
                                     run.put(grad_o), run.out(0), run.out(1), run.out(1) + to_values);
  });
}

/// keys, keys - 1, keys - 4, … of the batch entries, and none at last.
Ids falling_lengths(const Extents& e) {
  Ids lengths(static_cast<std::size_t>(e.batch));
  for (std::size_t b = 0; b < lengths.size(); ++b)
    lengths[b] = static_cast<std::int32_t>(std::max<Index>(0, e.keys - static_cast<Index>(b * b)));
  if (!lengths.empty()) lengths.back() = 0;
  return lengths;
}

void compare_all_masks(const Extents& e, double rate) {
  compare_attention(e, {}, {}, rate);
  compare_attention(e, {.causal = true}, {}, rate);
  compare_attention(e, {.causal = true, .offset = 2}, {}, rate);
  compare_attention(e, {}, falling_lengths(e), rate);
  compare_attention(e, {.causal = true}, falling_lengths(e), rate);
}

}  // namespace

TEST_CASE("cuda attention: nothing, one, and odd shapes, all masks") {
  const Extents shapes[] = {{1, 1, 1, 1, 1}, {0, 2, 3, 3, 4}, {2, 2, 0, 3, 4}, {2, 2, 3, 0, 4},
                            {3, 2, 3, 17, 8}, {2, 2, 20, 33, 5}, {2, 3, 12, 12, 16}};
  for (const Extents& e : shapes)
    for (double rate : {0.0, 0.25}) compare_all_masks(e, rate);
}

TEST_CASE("cuda attention: heads of every width") {
  for (Index head_dim : {1, 5, 8, 16, 24, 32, 64, 80, 128}) compare_all_masks({2, 1, 9, 11, head_dim}, 0.25);
}

TEST_CASE("cuda attention: several tiles of queries and keys") {
  for (double rate : {0.0, 0.25}) {
    compare_attention({1, 2, 70, 100, 16}, {}, {90}, rate);
    compare_attention({1, 1, 130, 130, 16}, {.causal = true}, {}, rate);
    compare_attention({1, 1, 70, 70, 16}, {.causal = true, .offset = 1}, {}, rate);  // one key of the next tile is seen
    compare_attention({2, 1, 67, 67, 64}, {.causal = true}, {67, 40}, rate);
    compare_attention({1, 1, 33, 45, 128}, {.causal = true, .offset = 12}, {}, rate);
  }
}

TEST_CASE("cuda attention: one query at a time, as words are generated") {
  for (Index head_dim : {16, 64, 128}) {
    compare_attention({3, 2, 1, 37, head_dim}, {}, {37, 20, 1}, 0);
    compare_attention({1, 2, 1, 70, head_dim}, {.causal = true, .offset = 69}, {}, 0);
  }
}

TEST_CASE("cuda attention: a later tile brings a far larger score") {
  for (Index queries : {2, 40}) compare_attention({1, 1, queries, 100, 16}, {}, {}, 0, 100);
}

TEST_CASE("cuda attention: what no query sees is never read") {
  for (const auto& [queries, dim] : {std::pair<Index, Index>{1, 16}, {5, 16}, {70, 16}, {5, 160}}) {
    CAPTURE(queries);
    CAPTURE(dim);
    const Index keys = 80, seen = 33;
    Attention a;
    a.queries = queries;
    a.keys = keys;
    a.head_dim = dim;
    a.q = a.k = a.v = a.o = {.row_stride = dim, .batch_stride = 0};
    const Values q = uniform_values(queries * dim, 1);
    Values kv = uniform_values(keys * dim, 2);
    std::fill(kv.begin() + seen * dim, kv.end(), nan_value);
    const auto results = results_on(
        cuda_device(), {queries * dim, queries, queries * dim, keys * dim, keys * dim}, [&](DeviceRun& run) {
          a.mask = {.queries = queries, .key_lengths = run.put(Ids{static_cast<std::int32_t>(seen)})};
          const Real *on_q = run.put(q), *on_kv = run.put(kv);
          run.kernels().attention(a, on_q, on_kv, on_kv, run.out(0), run.out(1));
          run.kernels().attention_backward(a, on_q, on_kv, on_kv, run.out(0), run.out(1), on_q, run.out(2), run.out(3),
                                           run.out(4));
        });
    for (const Values& values : results)
      for (Real v : values) CHECK(std::isfinite(v));
  }
}

TEST_CASE("cuda attention: heads wider than the tiles") {
  for (Index head_dim : {129, 160, 300}) compare_all_masks({2, 2, 9, 11, head_dim}, 0.25);
  compare_attention({1, 2, 35, 70, 160}, {.causal = true, .offset = 35}, {66}, 0.25);
  for (const Extents& e : {Extents{0, 2, 3, 3, 160}, {2, 2, 0, 3, 160}, {2, 2, 3, 0, 160}}) compare_all_masks(e, 0.25);
}
