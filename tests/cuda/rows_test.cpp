// The CUDA backend's biases, axes and embeddings, against the reference.
#include "cuda/device_under_test.hpp"

using namespace tenfold;

namespace {

struct Extent {
  Index rows, cols;
};
// Nothing, one, no multiple of a pack or a tile, and several chunks of rows.
const Extent extents[] = {{0, 5}, {1, 1}, {1, 16}, {7, 1}, {3, 5}, {5, 17}, {64, 33}, {130, 70}, {3, 2001}, {700, 8}};

}  // namespace

TEST_CASE("cuda rows and a bias") {
  for (const auto& [rows, cols] : extents) {
    CAPTURE(rows);
    CAPTURE(cols);
    const Index n = rows * cols;
    const Values x = uniform_values(n, 1), dy = uniform_values(n, 2), bias = uniform_values(cols, 3);
    compare_on_device({n}, 1, [&, r = rows, c = cols](DeviceRun& run) {
      run.kernels().add_bias(run.put(x), run.put(bias), run.out(0), r, c);
    });
    for (Activation kind : {Activation::relu, Activation::gelu}) {
      compare_on_device({n}, 4, [&, r = rows, c = cols](DeviceRun& run) {
        run.kernels().copy(run.put(x), run.out(0), n);
        run.kernels().bias_activate(kind, run.out(0), run.put(bias), run.out(0), r, c);
      });
      compare_on_device({n}, 8, [&, r = rows, c = cols](DeviceRun& run) {
        run.kernels().bias_activate_backward(kind, run.put(x), run.put(bias), run.put(dy), run.out(0), r, c);
      });
    }
    compare_on_device({cols}, 4 + static_cast<double>(rows) / 8, [&, r = rows, c = cols](DeviceRun& run) {
      run.kernels().sum_rows(run.put(x), run.out(0), r, c);
    });
  }
}

TEST_CASE("cuda axes") {
  const Index shapes[][3] = {{0, 3, 4}, {3, 0, 4}, {3, 4, 0}, {1, 1, 1}, {2, 3, 4}, {5, 37, 1}, {300, 3, 1}, {2, 40, 33},
                             {3, 100, 7}};
  for (const auto& [outer, axis, inner] : shapes) {
    CAPTURE(outer);
    CAPTURE(axis);
    CAPTURE(inner);
    const Values x = uniform_values(outer * axis * inner, 1), y = uniform_values(outer * inner, 2);
    const Index o = outer, a = axis, i = inner;
    compare_on_device({o * i}, 4 + static_cast<double>(a) / 8,
                      [&](DeviceRun& run) { run.kernels().sum_axis(run.put(x), run.out(0), o, a, i); });
    compare_on_device({o * a * i}, 0, [&](DeviceRun& run) { run.kernels().repeat_axis(run.put(y), run.out(0), o, a, i); });
  }
  for (const auto& [rows, cols] : extents)
    for (Index gap : {0, 3, 4}) {
      const Index r = rows, c = cols, size = r * (c + gap);
      const Values x = uniform_values(r * (c + 2 * gap), 1);
      compare_on_device({size}, 0, [&](DeviceRun& run) {
        run.kernels().copy_rows(run.put(x), c + 2 * gap, run.out(0), c + gap, r, c);
      });
    }
}

TEST_CASE("cuda permute: every order of up to six axes") {
  const std::vector<std::pair<Shape, std::vector<int>>> cases = {
      {{}, {}}, {{5}, {0}}, {{4, 7}, {1, 0}}, {{4, 0, 3}, {2, 1, 0}}, {{2, 3, 4, 5}, {0, 2, 1, 3}},
      {{2, 3, 4, 5}, {3, 1, 0, 2}}, {{40, 33}, {1, 0}}, {{2, 1, 3, 2, 4, 3}, {5, 3, 1, 0, 4, 2}}};
  for (const auto& [shape, order] : cases) {
    CAPTURE(to_string(shape));
    const Shape s = shape;
    const std::vector<int> axes = order;
    const Values x = uniform_values(s.size(), 1);
    compare_on_device({s.size()}, 0, [&](DeviceRun& run) { run.kernels().permute(run.put(x), run.out(0), s, axes.data()); });
  }
}

TEST_CASE("cuda embedding both ways") {
  struct Case {
    Index count, vocabulary, dim;
  };
  for (const Case& e : {Case{0, 5, 3}, {1, 1, 1}, {7, 5, 3}, {40, 9, 16}, {300, 1, 8}, {1500, 40, 12}, {33, 1000, 132}}) {
    CAPTURE(e.count);
    CAPTURE(e.vocabulary);
    CAPTURE(e.dim);
    const Values table = uniform_values(e.vocabulary * e.dim, 1), dy = uniform_values(e.count * e.dim, 2);
    const Ids ids = random_ids(e.count, static_cast<std::uint32_t>(e.vocabulary), 3);
    compare_on_device({e.count * e.dim}, 1, [&](DeviceRun& run) {
      run.kernels().gather(run.put(table), run.put(ids), Real{1.5}, run.out(0), e.count, e.dim);
    });
    compare_on_device({e.vocabulary * e.dim}, 8 + static_cast<double>(e.count) / 8, [&](DeviceRun& run) {
      run.kernels().scatter_add(run.put(ids), run.put(dy), Real{1.5}, run.out(0), e.count, e.vocabulary, e.dim);
    });
  }
}

TEST_CASE("cuda scatter: words that come any number of times, from never to twice a warp and more") {
  // Word w comes w times; the order is that of another generator's multiples, so that the runs are well mixed.
  const Index vocabulary = 70;
  Ids sorted, ids;
  for (std::int32_t w = 0; w < vocabulary; ++w) sorted.insert(sorted.end(), static_cast<std::size_t>(w), w);
  const auto n = static_cast<Index>(sorted.size());
  for (Index i = 0; i < n; ++i) ids.push_back(sorted[static_cast<std::size_t>(i * 1009 % n)]);
  REQUIRE(n % 1009 != 0);
  for (Index dim : {5, 132}) {
    const Values dy = uniform_values(n * dim, 2);
    compare_on_device({vocabulary * dim}, 16, [&](DeviceRun& run) {
      run.kernels().scatter_add(run.put(ids), run.put(dy), Real{-0.5}, run.out(0), n, vocabulary, dim);
    });
  }
}
