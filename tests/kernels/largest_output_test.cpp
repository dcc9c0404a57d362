// Weights of eight and of four bits against the layer itself, and the largest output found by them against looking at all.
#include "backend/largest_output.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <thread>

#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

const std::unique_ptr<Kernels> one_thread = make_cpu_kernels(1);

struct PlainLayer {
  Values weight, bias;
  LinearWeights weights;
  PlainLayer(Index in, Index out, std::uint64_t seed = 1)
      : weight(uniform_values(out * in, seed)), bias(uniform_values(out, seed + 1)) {
    weights = {weight.data(), bias.data(), in, out, {}};
  }
  PlainLayer(const PlainLayer&) = delete;
};

/// Brings all rows of weights near the first.
void make_alike(PlainLayer& layer, Real spread) {
  const Index in = layer.weights.in;
  for (Index o = 1; o < layer.weights.out; ++o)
    for (Index i = 0; i < in; ++i) layer.weight[o * in + i] = layer.weight[i] + spread * layer.weight[o * in + i];
}

double dot(const Real* a, const Real* b, Index n) { return std::inner_product(a, a + n, b, 0.0); }

/// What LargestOutput promises, by the layer itself.
Ids by_all(const LinearWeights& layer, const Values& x, Index rows, const Ids& barred) {
  Values y(static_cast<std::size_t>(rows * layer.out));
  one_thread->prepare(layer)->run(x.data(), y.data(), rows);
  Ids found;
  const auto out = static_cast<std::size_t>(layer.out);
  for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r)
    found.push_back(place_of_largest(std::span(y).subspan(r * out, out), barred));
  return found;
}

Ids by_bytes(const LinearWeights& layer, const Values& x, Index rows, const Ids& barred) {
  Ids found(static_cast<std::size_t>(rows), -2);
  one_thread->prepare_largest(layer, barred)->find(x.data(), rows, found.data());
  return found;
}

}  // namespace

TEST_CASE("an output by bytes is as near the layer's as its rounding says, for any number of rows") {
  for (const auto& [in, out] : {std::pair<Index, Index>{1, 1}, {3, 5}, {4, 64}, {37, 70}, {256, 130}, {1030, 65}}) {
    const PlainLayer layer(in, out);
    const ByteWeights weights(layer.weights);
    for (Index rows : {1, 2, 5, 6, 7, 13})
      for (auto bytes : {ByteInput::Bytes::one, ByteInput::Bytes::two}) {
        if (bytes == ByteInput::Bytes::two && rows > 1) continue;
        CAPTURE(in);
        CAPTURE(out);
        CAPTURE(rows);
        const Values x = uniform_values(rows * in, 3);
        Values y(static_cast<std::size_t>(rows * out), nan_value);
        ByteInput input;
        input.assign(x.data(), rows, in, bytes);
        weights.run(input, y.data());
        for (Index r = 0; r < rows; ++r)
          for (Index o = 0; o < out; ++o) {
            const Rounded &a = input.rounded(r), &b = weights.rounded(o);
            const double exact = dot(&x[r * in], &layer.weight[o * in], in) + static_cast<double>(layer.bias[o]);
            const double bound = a.error * (b.norm + b.error) + a.norm * b.error + 1e-6 * (1 + a.norm * b.norm);
            CHECK(std::abs(static_cast<double>(y[r * out + o]) - exact) <= bound);
          }
      }
  }
}

TEST_CASE("what rounding took is told, and little of it") {
  const Values x = uniform_values(256, 4);
  for (auto bytes : {ByteInput::Bytes::one, ByteInput::Bytes::two}) {
    ByteInput input;
    input.assign(x.data(), 1, 256, bytes);
    const Rounded& r = input.rounded(0);
    CHECK(std::abs(static_cast<double>(r.norm) - std::sqrt(dot(x.data(), x.data(), 256))) <= 1e-5);
    CHECK(r.error > 0);
    CHECK(r.error <= r.norm * (bytes == ByteInput::Bytes::one ? Real(0.01) : Real(0.0001)));
  }
}

TEST_CASE("bytes and half bytes at their largest do not run over") {
  for (Index in : {8, 300, 1024, 66000})
    for (Real sign : {Real{1}, Real{-1}}) {
      CAPTURE(in);
      const Values x(static_cast<std::size_t>(in), Real{1}), w(static_cast<std::size_t>(3 * in), sign);
      const LinearWeights layer{w.data(), nullptr, in, 3, {}};
      Values y(3);
      ByteInput input;
      for (auto bytes : {ByteInput::Bytes::one, ByteInput::Bytes::two}) {
        input.assign(x.data(), 1, in, bytes);
        ByteWeights(layer).run(input, y.data());
        for (Real value : y) CHECK(std::abs(value - sign * static_cast<Real>(in)) <= Real(1e-4) * static_cast<Real>(in));
      }
      NibbleWeights(layer).run(x.data(), y.data());
      for (Real value : y) CHECK(std::abs(value - sign * static_cast<Real>(in)) <= Real(1e-4) * static_cast<Real>(in));
    }
}

TEST_CASE("an output by half bytes is about the layer's") {
  for (const auto& [in, out] : {std::pair<Index, Index>{1, 1}, {3, 5}, {8, 64}, {37, 70}, {256, 130}, {1030, 65}}) {
    CAPTURE(in);
    const PlainLayer layer(in, out);
    const NibbleWeights weights(layer.weights);
    const Values x = uniform_values(in, 3);
    Values y(static_cast<std::size_t>(out), nan_value);
    weights.run(x.data(), y.data());
    const double likely = weights.likely_error() * std::sqrt(dot(x.data(), x.data(), in)), n = static_cast<double>(in);
    CHECK(likely <= 0.5 * std::sqrt(n));
    for (Index o = 0; o < out; ++o) {
      const double exact = dot(x.data(), &layer.weight[o * in], in) + static_cast<double>(layer.bias[o]);
      CHECK(std::abs(static_cast<double>(y[o]) - exact) <= n * (0.5 / 7 + 0.5 / 63));
      if (in > 200) CHECK(std::abs(static_cast<double>(y[o]) - exact) <= likely);
    }
  }
}

TEST_CASE("the largest output found by bytes is the largest") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    for (const auto& [rows, in, out] : {std::array<Index, 3>{1, 1, 1}, {3, 5, 7}, {9, 64, 300}, {40, 256, 8000}, {5, 300, 500},
                                        {2, 0, 4}}) {
      CAPTURE(in);
      CAPTURE(out);
      const PlainLayer layer(in, out, seed);
      const Values x = uniform_values(rows * in, seed + 5);
      for (const Ids& barred : {Ids{}, Ids{0, 2}}) {
        if (out < 3 && !barred.empty()) continue;
        CHECK(by_bytes(layer.weights, x, rows, barred) == by_all(layer.weights, x, rows, barred));
      }
    }
}

TEST_CASE("of outputs that differ by their last bits the largest is found, of equal ones the first") {
  constexpr Index out = 700, rows = 20;
  for (Index in : {0, 30, 256, 600})
    for (Real spread : {Real(0), Real(1e-6), Real(1e-4), Real(1e-2)})
      for (bool bias : {true, false}) {
        CAPTURE(in);
        CAPTURE(spread);
        CAPTURE(bias);
        PlainLayer layer(in, out);
        std::fill(layer.bias.begin(), layer.bias.end(), Real(0.5));
        if (!bias) layer.weights.bias = nullptr;
        make_alike(layer, spread);
        const Values x = uniform_values(rows * in, 9);
        const Ids found = by_bytes(layer.weights, x, rows, {0});
        CHECK(found == by_all(layer.weights, x, rows, {0}));
        if (spread == 0 || in == 0) CHECK(found == Ids(rows, 1));
        if (in == 0) CHECK(one_thread->prepare_largest(layer.weights, Ids{0})->guess(x.data()) > 0);
      }
}

TEST_CASE("numbers whose squares are none are bounded as any") {
  constexpr Index in = 64, out = 200, rows = 10;
  const int exponent = std::numeric_limits<Real>::min_exponent10;  // -37
  for (int small : {exponent / 2 - 1, exponent / 2 - 4, exponent * 2 / 3, exponent * 4 / 5}) {
    CAPTURE(small);
    const Real factor = std::pow(Real{10}, static_cast<Real>(small));
    for (bool weights : {false, true}) {
      PlainLayer layer(in, out);
      layer.weights.bias = nullptr;
      make_alike(layer, Real(0.01));
      Values x = uniform_values(rows * in, 9);
      for (Real& value : weights ? layer.weight : x) value *= factor;
      CHECK(by_bytes(layer.weights, x, rows, {}) == by_all(layer.weights, x, rows, {}));
    }
  }
}

TEST_CASE("several threads may ask one layer for its largest output") {
  constexpr Index in = 64, out = 500, rows = 8;
  const PlainLayer layer(in, out);
  const Values x = uniform_values(rows * in, 9);
  const Ids expected = by_all(layer.weights, x, rows, {});
  const auto largest = one_thread->prepare_largest(layer.weights, {});
  std::vector<Ids> found(4, Ids(rows)), guessed(4, Ids(rows));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (Index r = 0; r < rows; ++r) guessed[t][static_cast<std::size_t>(r)] = largest->guess(x.data() + r * in);
      largest->find(x.data(), rows, found[t].data());
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 0; t < 4; ++t) {
    CHECK(found[t] == expected);
    CHECK(guessed[t] == guessed[0]);
  }
}

TEST_CASE("the largest output is found among numbers of any size, and of what is none") {
  constexpr Index in = 40, out = 200;
  const Real least = std::numeric_limits<Real>::min(), most = std::numeric_limits<Real>::max();
  const auto check = [](const PlainLayer& layer, const Values& x) {
    const Index rows = static_cast<Index>(x.size()) / in;
    CHECK(by_bytes(layer.weights, x, rows, {3}) == by_all(layer.weights, x, rows, {3}));
  };
  for (Real factor : {least, std::sqrt(least), std::sqrt(std::sqrt(most)), std::sqrt(most), most / 100, Real{0}, nan_value, infinity}) {
    CAPTURE(factor);
    PlainLayer layer(in, out);
    Values x = uniform_values(3 * in, 7);
    for (Index i = in; i < 2 * in; ++i) x[i] *= factor;  // between two rows as they should be
    check(layer, x);
    for (Index i = 0; i < in; ++i) layer.weight[5 * in + i] *= factor;
    check(layer, x);
    layer.bias[6] = -infinity;
    layer.bias[7] = Real(-1e9);
    layer.bias[8] = factor;
    check(layer, x);
  }
  PlainLayer layer(in, out);
  layer.weight[9 * in] = infinity;  // one among numbers
  const Values ones(in, Real{1});
  CHECK(by_bytes(layer.weights, ones, 1, {}) == Ids{9});
  std::fill(layer.bias.begin(), layer.bias.end(), -infinity);
  CHECK(by_bytes(layer.weights, uniform_values(in, 7), 1, {}) == Ids{-1});
  CHECK(one_thread->prepare_largest(layer.weights, {})->guess(uniform_values(in, 7).data()) == -1);
}

TEST_CASE("a guess is nearly always the largest output") {
  constexpr Index in = 256, out = 3000, rows = 100;
  const PlainLayer layer(in, out);
  const Values x = uniform_values(rows * in, 3);
  const Ids barred{7}, expected = by_all(layer.weights, x, rows, barred);
  const auto largest = one_thread->prepare_largest(layer.weights, barred);
  Index right = 0;
  for (Index r = 0; r < rows; ++r) right += largest->guess(x.data() + r * in) == expected[r];
  CHECK(right >= 98);
  for (Real bad : {nan_value, infinity}) {
    const Values row(in, bad);
    CHECK(largest->guess(row.data()) == -1);
  }
  // A row of weights that holds no number is never guessed, and keeps none from being so.
  PlainLayer broken(in, out);
  broken.weight[9 * in] = broken.weight[(out - 1) * in] = nan_value;
  const auto others = one_thread->prepare_largest(broken.weights, barred);
  for (Index r = 0; r < 10; ++r) {
    const std::int32_t guess = others->guess(x.data() + r * in);
    CHECK(guess >= 0);
    CHECK(guess != 9);
    CHECK(guess != out - 1);
  }
  // Where all are alike it is one of them, and none that is barred.
  PlainLayer alike(in, 100);
  for (Index o = 0; o < 100; ++o) std::copy_n(alike.weight.begin(), in, alike.weight.begin() + o * in);
  std::fill(alike.bias.begin(), alike.bias.end(), Real{0});
  const std::int32_t any = one_thread->prepare_largest(alike.weights, Ids{0})->guess(x.data());
  CHECK(any > 0);
  CHECK(any < 100);
}
