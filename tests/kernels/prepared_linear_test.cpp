// Prepared linear layers against the reference, and their promise: a row's bits depend on nothing but that row.
#include "backend/prepared_linear.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "backend/packed_product.hpp"
#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

struct Layer {
  Values weight, bias;
  LinearWeights weights;
  Layer(Index in, Index out, bool with_bias, std::optional<Activation> activation)
      : weight(uniform_values(out * in, 1)), bias(uniform_values(out, 2)) {
    weights = {weight.data(), with_bias ? bias.data() : nullptr, in, out, activation};
  }
};

}  // namespace

TEST_CASE("a prepared linear layer is product, bias and activation") {
  const Index shapes[][3] = {{0, 3, 5},    {1, 1, 1},    {1, 16, 33},  {2, 300, 40}, {5, 256, 64},  {13, 64, 31},
                             {15, 96, 96}, {57, 20, 65}, {70, 257, 7}, {9, 0, 4},    {64, 512, 256}, {27, 30, 112},
                             {10, 40, 130}, {500, 3, 50}, {12, 1024, 40}};
  for (const auto& [rows, in, out] : shapes)
    for (bool bias : {false, true})
      for (std::optional<Activation> kind : {std::optional<Activation>{}, {Activation::relu}, {Activation::gelu}}) {
        CAPTURE(rows);
        CAPTURE(in);
        CAPTURE(out);
        CAPTURE(bias);
        const Layer layer(in, out, bias, kind);
        const Values x = uniform_values(rows * in, 3);
        compare({rows * out}, 16 + static_cast<double>(in) / 4,
                [&](Kernels& k, Outputs& o) { k.prepare(layer.weights)->run(x.data(), o[0], rows); });
      }
}

TEST_CASE("panels follow one another and cover the columns") {
  for (Index cols = 1; cols < 300; ++cols) {
    CAPTURE(cols);
    const Panels panels{cols};
    Index begin = 0, filled = 0;
    for (Index p = 0; p < panels.count; ++p) {
      REQUIRE(panels.begin(p) == begin);
      CHECK(panels.filled(p) > 0);
      begin += panels.width(p);
      filled += panels.filled(p);
    }
    CHECK(filled == cols);
    CHECK(begin == panels.begin(panels.count));
    CHECK(begin == panels.stored);
    if (cols > vector_width) CHECK(panels.stored - cols < vector_width);
  }
}

TEST_CASE("a row has the same bits alone and among others, on any number of threads") {
  constexpr Index rows = 71, in = 300, out = 1012;  // with both widths of panels, and an edge
  const Layer layer(in, out, true, Activation::relu);
  const Values x = uniform_values(rows * in, 3);
  Values alone(rows * out);
  const auto one = make_cpu_kernels(1);
  const auto prepared = one->prepare(layer.weights);
  for (Index r = 0; r < rows; ++r) prepared->run(x.data() + r * in, alone.data() + r * out, 1);
  for (int threads : {1, 2, 3})
    for (Index together : {2, 9, 10, 19, 27, 36, 71}) {
      CAPTURE(threads);
      CAPTURE(together);
      const auto k = make_cpu_kernels(threads);
      Values y(static_cast<std::size_t>(together * out));
      k->prepare(layer.weights)->run(x.data(), y.data(), together);
      CHECK(same_bits(y, Values(alone.begin(), alone.begin() + together * out)));
    }
}

TEST_CASE("zeros among the inputs change no bit of a prepared layer") {
  constexpr Index rows = 71, guard = 64;  // more rows than are gone through together
  for (Index vectors : {2, 3, 4, 5, 7, 8, 10, 16, 20})
    for (Index missing : {0, 3})  // columns of the last vector
      for (Index in : {40, 65, 700})
        for (std::optional<Activation> kind : {std::optional<Activation>{}, {Activation::relu}, {Activation::gelu}})
          for (double zeros : {0.5, 0.9}) {
            const Index out = std::max<Index>(1, vectors * vector_width - missing);
            CAPTURE(out);
            CAPTURE(in);
            CAPTURE(zeros);
            const Layer layer(in, out, kind.has_value(), kind);
            Values x = uniform_values(rows * in, 3), drawn = uniform_values(rows * in, 4);
            for (std::size_t i = 0; i < x.size(); ++i)
              if (drawn[i] < 2 * zeros - 1) x[i] = 0;
            x[in + 1] = nan_value;
            x[2 * in + 2] = std::numeric_limits<Real>::infinity();
            Values alone(static_cast<std::size_t>(rows * out));
            const auto k = make_cpu_kernels(3);
            const auto prepared = k->prepare(layer.weights);
            for (Index r = 0; r < rows; ++r) prepared->run(x.data() + r * in, alone.data() + r * out, 1);
            for (Index together : {8, 33, 71}) {
              CAPTURE(together);
              Values y(static_cast<std::size_t>(together * out + guard), Real{5});
              prepared->run(x.data(), y.data(), together);
              CHECK(same_bits(Values(y.begin(), y.end() - guard), Values(alone.begin(), alone.begin() + together * out)));
              CHECK(std::all_of(y.end() - guard, y.end(), [](Real value) { return value == 5; }));
            }
          }
}

TEST_CASE("zeros among the inputs change no bit when threads share the columns") {
  constexpr Index rows = 40, in = 1500, out = 40 * vector_width;
  const Layer layer(in, out, true, Activation::relu);
  Values x = uniform_values(rows * in, 3), drawn = uniform_values(rows * in, 4), alone(static_cast<std::size_t>(rows * out));
  for (std::size_t i = 0; i < x.size(); ++i)
    if (drawn[i] < 0.6) x[i] = 0;
  for (Index r = 0; r < rows; ++r) make_cpu_kernels(1)->prepare(layer.weights)->run(x.data() + r * in, alone.data() + r * out, 1);
  for (int threads : {1, 2, 3}) {
    CAPTURE(threads);
    Values y(alone.size());
    const auto k = make_cpu_kernels(threads);
    k->prepare(layer.weights)->run(x.data(), y.data(), rows);
    CHECK(same_bits(y, alone));
  }
}

TEST_CASE("what is not finite in a prepared layer is not lost") {
  Layer layer(40, 50, true, Activation::relu);
  layer.weight[3 * 40] = nan_value;
  const Values x(40, Real{1});
  Values y(50);
  make_cpu_kernels(1)->prepare(layer.weights)->run(x.data(), y.data(), 1);
  CHECK(std::isnan(y[3]));
  CHECK(std::isfinite(y[2]));
  // Not even where it meets a zero.
  Layer wide(40, 4 * vector_width, false, {});
  wide.weight[3 * 40 + 5] = std::numeric_limits<Real>::infinity();
  constexpr Index rows = 20;
  const Values zeros(rows * 40);
  Values all(static_cast<std::size_t>(rows * 4 * vector_width));
  make_cpu_kernels(1)->prepare(wide.weights)->run(zeros.data(), all.data(), rows);
  for (Index r = 0; r < rows; ++r) CHECK(std::isnan(all[r * 4 * vector_width + 3]));
}

TEST_CASE("a roughly prepared layer is near the layer, by rows, and a bad row spoils no other") {
  const auto k = make_cpu_kernels(1);
  for (const auto& [in, out] : {std::pair<Index, Index>{1, 1}, {37, 5}, {256, 66}, {1024, 130}}) {
    CAPTURE(in);
    Layer layer(in, out, true, Activation::relu);
    if (out > 2) std::fill_n(layer.weight.begin() + in, in, Real{0});                // a row of zeros
    if (out > 3) std::transform(layer.weight.begin() + 2 * in, layer.weight.begin() + 3 * in,
                                layer.weight.begin() + 2 * in, [](Real w) { return 1000 * w; });  // and a large one
    const auto rough = k->prepare_roughly(layer.weights);
    REQUIRE(rough);
    const Values x = uniform_values(3 * in, 3);
    Values got(static_cast<std::size_t>(3 * out)), expected = got;
    rough->run(x.data(), got.data(), 3);
    PlainLinear(*k, layer.weights).run(x.data(), expected.data(), 3);
    for (Index r = 0; r < 3; ++r)
      for (Index o = 0; o < out; ++o) {
        // Half a step of x times the weights, and the other way round; for random numbers much less than that.
        const Real largest = out > 3 && o == 2 ? 1000 : 1;
        const Real bound = largest * Real(0.5) / 127 * static_cast<Real>(in);
        CHECK(std::abs(got[r * out + o] - expected[r * out + o]) <= bound);
        if (in > 200) CHECK(std::abs(got[r * out + o] - expected[r * out + o]) <= bound / 4);
      }
  }
  Values x(2 * 8, Real{1});
  x[0] = nan_value;
  const Layer layer(8, 4, false, {});
  const auto rough = k->prepare_roughly(layer.weights);
  Values y(2 * 4), alone(4);
  rough->run(x.data(), y.data(), 2);
  rough->run(x.data() + 8, alone.data(), 1);
  CHECK(same_bits(Values(y.begin() + 4, y.end()), alone));
  // What cannot be scaled counts as zero.
  for (Real bad : {nan_value, std::numeric_limits<Real>::infinity(), std::numeric_limits<Real>::denorm_min()}) {
    CAPTURE(bad);
    Values row(8, bad == bad && std::isfinite(bad) ? bad : Real{1});
    row[3] = bad;
    rough->run(row.data(), alone.data(), 1);
    for (Real value : alone) CHECK(value == 0);
  }
}
