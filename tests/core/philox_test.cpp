// Random numbers: the published known answers, and the statistics of what is made from them.
#include <doctest/doctest.h>

#include <cmath>

#include "core/philox.hpp"
#include "core/random_values.hpp"

using namespace tenfold;

// From tests/kat_vectors of the Random123 distribution (github.com/DEShawResearch/random123), lines "philox4x32 10".
// Counter words are position and stream, key words the seed, low word first.
TEST_CASE("philox gives the known answers of Random123") {
  CHECK(philox(0, 0, 0) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint64_t ones = ~std::uint64_t{0};
  CHECK(philox(ones, ones, ones) == PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a sequence walks through the blocks of its stream") {
  PhiloxSequence sequence(5, 9);
  for (std::uint64_t position = 0; position < 3; ++position)
    for (std::uint32_t word : philox(5, 9, position)) CHECK(sequence.bits() == word);
}

// Bounds are five standard deviations of the estimate, and the numbers are the same in every run.
TEST_CASE("uniform numbers have the moments of a uniform distribution") {
  PhiloxSequence random(1, 2);
  const int n = 1'000'000;
  double sum = 0, squares = 0, low = 1, high = 0;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform();
    sum += u;
    squares += u * u;
    low = std::min(low, u);
    high = std::max(high, u);
  }
  CHECK(low >= 0);
  CHECK(high < 1);
  CHECK(high > 0.9999);
  CHECK(std::abs(sum / n - 0.5) <= 5 * std::sqrt(1.0 / 12 / n));
  CHECK(std::abs(squares / n - 1.0 / 3) <= 5 * std::sqrt(4.0 / 45 / n));
}

TEST_CASE("normal numbers have the moments of a normal distribution") {
  PhiloxSequence random(3, 4);
  const int n = 1'000'000;
  double moment[5] = {};
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    for (int power = 1; power <= 4; ++power) moment[power] += std::pow(x, power) / n;
  }
  const double unit = 5 / std::sqrt(double(n));  // the variances of x, x², x³, x⁴ are 1, 2, 15, 96
  CHECK(std::abs(moment[1]) <= unit);
  CHECK(std::abs(moment[2] - 1) <= unit * std::sqrt(2.0));
  CHECK(std::abs(moment[3]) <= unit * std::sqrt(15.0));
  CHECK(std::abs(moment[4] - 3) <= unit * std::sqrt(96.0));
}

TEST_CASE("whole numbers below n are all met, about equally often") {
  PhiloxSequence random(7);
  int count[7] = {};
  for (int i = 0; i < 70'000; ++i) ++count[random.below(7)];
  for (int c : count) CHECK(std::abs(c - 10'000) <= 5 * std::sqrt(10'000 * 6.0 / 7));
}

TEST_CASE("random values for checks are floats, off zero where asked, and differ by stream") {
  const auto values = random_values(1, 1, 1000, 0.05);
  for (double v : values) {
    CHECK((std::abs(v) == 0.05 || v == static_cast<double>(static_cast<float>(v))));
    CHECK(std::abs(v) >= 0.05);
  }
  CHECK(values == random_values(1, 1, 1000, 0.05));
  CHECK(values != random_values(1, 2, 1000, 0.05));
  CHECK(values != random_values(2, 1, 1000, 0.05));
}

// FNV-1a test vectors of its authors: isthe.com/chongo/tech/comp/fnv.
TEST_CASE("names hash as FNV-1a does") {
  CHECK(hash_name("", 0) == 0xcbf29ce484222325);
  CHECK(hash_name("a", 1) == 0xaf63dc4c8601ec8c);
  CHECK(hash_name("foobar", 6) == 0x85944171f73967e8);
}
