// Prepared linear layers against the reference, and their promise: a row's bits depend on nothing but that row.
#include "backend/prepared_linear.hpp"

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
                             {15, 96, 96}, {57, 20, 65}, {70, 257, 7}, {9, 0, 4},    {64, 512, 256}};
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

TEST_CASE("a row has the same bits alone and among others, on any number of threads") {
  if (sizeof(Real) != sizeof(float)) return;  // the double build proves formulas
  constexpr Index rows = 71, in = 300, out = 1000;
  const Layer layer(in, out, true, Activation::relu);
  const Values x = uniform_values(rows * in, 3);
  Values alone(rows * out);
  const auto one = make_cpu_kernels(1);
  const auto prepared = one->prepare(layer.weights);
  for (Index r = 0; r < rows; ++r) prepared->run(x.data() + r * in, alone.data() + r * out, 1);
  for (int threads : {1, 2, 3})
    for (Index together : {2, 14, 15, 56, 57, 71}) {
      CAPTURE(threads);
      CAPTURE(together);
      const auto k = make_cpu_kernels(threads);
      Values y(static_cast<std::size_t>(together * out));
      k->prepare(layer.weights)->run(x.data(), y.data(), together);
      CHECK(same_bits(y, Values(alone.begin(), alone.begin() + together * out)));
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
}
