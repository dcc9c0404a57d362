// The largest output of a linear layer on the card against looking at all outputs that the layer gives there.
#include <algorithm>
#include <array>

#include "backend/prepared_linear.hpp"
#include "cuda/device_under_test.hpp"

using namespace tenfold;

namespace {

struct Layer {
  Values weight, bias;
  Index in, out;
  bool has_bias = true;

  Layer(Index inputs, Index outputs)
      : weight(uniform_values(outputs * inputs, 1)), bias(uniform_values(outputs, 2)), in(inputs), out(outputs) {}
};

/// Finds by the kernel, and compares with what the layer itself gives on the same device.
void check_found(const Layer& layer, const Values& x, Index rows, const Ids& barred) {
  CAPTURE(layer.in);
  CAPTURE(layer.out);
  CAPTURE(rows);
  DeviceRun run(cuda_device(), {rows * layer.out});
  const LinearWeights weights{run.put(layer.weight), layer.has_bias ? run.put(layer.bias) : nullptr, layer.in, layer.out, {}};
  const Real* inputs = run.put(x);
  run.kernels().prepare(weights)->run(inputs, run.out(0), rows);
  const Values y = run.result(0);
  const auto largest = run.kernels().prepare_largest(weights, barred);
  REQUIRE(largest);
  Ids found(static_cast<std::size_t>(rows), -2);
  largest->find(inputs, rows, found.data());
  for (Index r = 0; r < rows; ++r) {
    const auto out = static_cast<std::size_t>(layer.out);
    const std::int32_t expected = place_of_largest(std::span(y).subspan(static_cast<std::size_t>(r) * out, out), barred);
    CHECK(found[static_cast<std::size_t>(r)] == expected);
    if (r < 2) CHECK(largest->guess(inputs + r * layer.in) == expected);
  }
}

}  // namespace

TEST_CASE("cuda largest output: any number of rows and outputs") {
  for (const auto& [rows, in, out] : {std::array<Index, 3>{0, 3, 5}, {1, 1, 1}, {3, 5, 7}, {9, 64, 255}, {2, 16, 256}, {5, 30, 257},
                                      {40, 8, 300}, {3, 32, 2000},
                                      {2, 0, 4}})
    for (bool bias : {true, false}) {
      Layer layer(in, out);
      layer.has_bias = bias;
      const Values x = uniform_values(rows * in, 3);
      check_found(layer, x, rows, {});
      if (out > 3) check_found(layer, x, rows, {0, 2, static_cast<std::int32_t>(out - 1)});
    }
}

TEST_CASE("cuda largest output: it may stand anywhere, and is passed over where it is barred") {
  constexpr Index out = 600;
  Layer layer(1, out);
  std::fill(layer.weight.begin(), layer.weight.end(), Real{0});
  for (std::int32_t at : {0, 1, 31, 32, 63, 255, 256, 511, 512, 598, 599}) {
    std::fill(layer.bias.begin(), layer.bias.end(), Real(-1));
    layer.bias[static_cast<std::size_t>(at)] = 2;
    layer.bias[300] = 1;
    check_found(layer, {1, 1}, 2, {});
    check_found(layer, {1, 1}, 2, {at});
  }
}

TEST_CASE("cuda largest output: of equal ones the first") {
  Layer layer(4, 700);
  for (Index o = 0; o < layer.out; ++o) std::copy_n(layer.weight.begin(), 4, layer.weight.begin() + o * 4);
  layer.has_bias = false;
  const Values x = uniform_values(8, 3);
  check_found(layer, x, 2, {});
  check_found(layer, x, 2, {0});
  check_found(layer, x, 2, {0, 1, 2, 3});
}

TEST_CASE("cuda largest output: what is no number is passed over, and there may be none") {
  Layer layer(4, 520);
  const Values x = uniform_values(12, 3);
  layer.weight[5 * 4] = nan_value;
  layer.bias[6] = infinity;
  layer.bias[7] = -infinity;
  check_found(layer, x, 3, {});
  layer.bias[6] = nan_value;
  check_found(layer, x, 3, {});
  std::fill(layer.bias.begin(), layer.bias.end(), -infinity);
  check_found(layer, x, 3, {});
  Layer few(4, 3);
  check_found(few, x, 3, {0, 1, 2});
  Values broken = x;
  std::fill_n(broken.begin() + 4, 4, nan_value);  // between two rows as they should be
  check_found(Layer(4, 520), broken, 3, {1});
}
