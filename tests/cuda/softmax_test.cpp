// The CUDA backend's softmax and layer norm against the reference, at the edges of their tiles.
#include "cuda/device_under_test.hpp"

using namespace tenfold;

namespace {

struct Scores {
  Index rows, cols;
};
// No row, one, less than a warp, what a lane holds and one more, and rows for a block.
const Scores score_shapes[] = {{0, 5},   {1, 1},   {9, 3},   {2, 32},  {17, 33}, {8, 128},
                               {3, 129}, {5, 512}, {2, 513}, {1, 600}, {3, 1500}};

void compare_softmax(const Scores& scores, Mask mask, const Ids& lengths, Real size) {
  const auto [rows, cols] = scores;
  CAPTURE(rows);
  CAPTURE(cols);
  CAPTURE(mask.causal);
  CAPTURE(lengths.empty());
  Values x = uniform_values(rows * cols, 1);
  for (Real& v : x) v *= size;
  compare_on_device({rows * cols}, 16, [&, rows = rows, cols = cols](DeviceRun& run) {
    if (!lengths.empty()) mask.key_lengths = run.put(lengths);
    run.kernels().softmax(mask, run.put(x), run.out(0), rows, cols);
  });
}

}  // namespace

TEST_CASE("cuda softmax: rows of any length, numbers of any size") {
  for (const Scores& scores : score_shapes)
    for (Real size : {Real{1}, Real{1000}}) compare_softmax(scores, {}, {}, size);
}

TEST_CASE("cuda softmax: masks, and rows that see nothing") {
  for (Index cols : {7, 40, 130, 700}) {
    const Index heads = 2, queries = 5, batch = 3;
    const Ids lengths{static_cast<std::int32_t>(cols), static_cast<std::int32_t>(cols / 2), 0};
    const Scores scores{batch * heads * queries, cols};
    compare_softmax(scores, {.heads = heads, .queries = queries, .causal = true}, {}, 2);
    compare_softmax(scores, {.heads = heads, .queries = queries, .causal = true, .offset = cols - 3}, {}, 2);
    compare_softmax(scores, {.heads = heads, .queries = queries, .causal = true, .offset = -2}, {}, 2);
    compare_softmax(scores, {.heads = heads, .queries = queries}, lengths, 2);
    compare_softmax(scores, {.heads = heads, .queries = queries, .causal = true}, lengths, 2);
  }
}

TEST_CASE("cuda softmax: a row is not rescued from infinities and NaN") {
  for (Index cols : {40, 700})
    for (Real bad : {infinity, nan_value}) {
      Values x = uniform_values(cols, 1);
      x[static_cast<std::size_t>(cols / 2)] = bad;
      const Values got = results_on(cuda_device(), {cols}, [&](DeviceRun& run) {
        run.kernels().softmax({}, run.put(x), run.out(0), 1, cols);
      })[0];
      for (Real y : got) CHECK(std::isnan(y));
    }
}

TEST_CASE("cuda softmax backward") {
  for (const auto& [rows, cols] : score_shapes) {
    CAPTURE(rows);
    CAPTURE(cols);
    const Values y = uniform_values(rows * cols, 1), dy = uniform_values(rows * cols, 2);
    compare_on_device({rows * cols}, 16 + static_cast<double>(cols) / 8, [&, rows = rows, cols = cols](DeviceRun& run) {
      run.kernels().softmax_backward(run.put(y), run.put(dy), run.out(0), rows, cols);
    });
  }
}

TEST_CASE("cuda layer norm: rows of any length") {
  const Scores more[] = {{2, 256}, {3, 257}, {70, 48}, {3, 1024}, {2, 1025}};
  std::vector<Scores> all(std::begin(score_shapes), std::end(score_shapes));
  all.insert(all.end(), std::begin(more), std::end(more));
  for (const auto& [rows, cols] : all) {
    CAPTURE(rows);
    CAPTURE(cols);
    const Values x = uniform_values(rows * cols, 1), gamma = uniform_values(cols, 2), beta = uniform_values(cols, 3);
    compare_on_device({rows * cols, rows, rows}, 128, [&, rows = rows, cols = cols](DeviceRun& run) {
      run.kernels().layer_norm(run.put(x), run.put(gamma), run.put(beta), Real(1e-5), run.out(0), run.out(1), run.out(2),
                               rows, cols);
    });
  }
}

TEST_CASE("cuda layer norm: a large mean does not drown the deviations") {
  for (Index cols : {100, 1500}) {
    Values x = uniform_values(cols, 1);
    for (Real& v : x) v += sizeof(Real) == 4 ? 1000 : Real(1e9);
    const Values ones(static_cast<std::size_t>(cols), 1), zeros(static_cast<std::size_t>(cols), 0);
    const Values got = results_on(cuda_device(), {cols, 1, 1}, [&](DeviceRun& run) {
      run.kernels().layer_norm(run.put(x), run.put(ones), run.put(zeros), Real(1e-5), run.out(0), run.out(1), run.out(2), 1,
                               cols);
    })[0];
    double squares = 0;
    for (Real y : got) squares += static_cast<double>(y) * static_cast<double>(y);
    CHECK(std::abs(squares / static_cast<double>(cols) - 1) <= 1e-3);
  }
}

TEST_CASE("cuda layer norm backward: every column's sum over all rows") {
  const Scores cases[] = {{0, 5},  {1, 1},   {3, 17},  {16, 128}, {17, 129}, {40, 48},
                          {33, 256}, {9, 512}, {5, 600}, {4, 1024}, {35, 1100}, {150, 20}};
  for (const auto& [rows, cols] : cases) {
    CAPTURE(rows);
    CAPTURE(cols);
    const Values x = uniform_values(rows * cols, 1), gamma = uniform_values(cols, 2), dy = uniform_values(rows * cols, 3);
    const Values mean = uniform_values(rows, 4);
    Values rstd = uniform_values(rows, 5);
    for (Real& r : rstd) r += 2;
    compare_on_device({rows * cols, cols, cols}, 64 + static_cast<double>(rows + cols) / 4,
                      [&, rows = rows, cols = cols](DeviceRun& run) {
                        run.kernels().layer_norm_backward(run.put(x), run.put(gamma), run.put(mean), run.put(rstd),
                                                          run.put(dy), run.out(0), run.out(1), run.out(2), rows, cols);
                      });
  }
}
