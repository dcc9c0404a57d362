/// @file
/// Philox4x32-10: random numbers as a pure function of (seed, counter), so that dropout and initialisation depend on
/// what is asked, never on how many threads ask.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace tenfold {

/// What one counter gives: 128 random bits.
using PhiloxBlock = std::array<std::uint32_t, 4>;

/// Four independent uniform 32-bit words for one counter.
/// @param seed     the key
/// @param stream   which sequence (a dropout site at a training step, a parameter's name)
/// @param position which block of that sequence
constexpr PhiloxBlock philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t position) {
  constexpr std::uint64_t m0 = 0xD2511F53, m1 = 0xCD9E8D57;
  constexpr std::uint32_t w0 = 0x9E3779B9, w1 = 0xBB67AE85;
  auto lo = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  auto hi = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  PhiloxBlock c{lo(position), hi(position), lo(stream), hi(stream)};
  std::uint32_t k0 = lo(seed), k1 = hi(seed);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = m0 * c[0], p1 = m1 * c[2];
    c = {hi(p1) ^ c[1] ^ k0, lo(p1), hi(p0) ^ c[3] ^ k1, lo(p0)};
    k0 += w0;
    k1 += w1;
  }
  return c;
}

/// A sequence of random numbers: stream `stream` of `seed`, from its beginning.
class PhiloxSequence {
 public:
  /// Begins at position 0.
  explicit PhiloxSequence(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Uniform over all 32-bit words.
  std::uint32_t bits() {
    if (next_ == 4) {
      block_ = philox(seed_, stream_, position_++);
      next_ = 0;
    }
    return block_[next_++];
  }
  /// Uniform in [0, 1), 32 bits.
  double uniform() { return bits() * 0x1p-32; }
  /// Uniform in {0, …, n-1}, n > 0, by multiplication (bias below n / 2^32).
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(bits()) * n) >> 32);
  }
  /// Standard normal (Box and Muller 1958).
  double normal() {
    const double u = (bits() + 0.5) * 0x1p-32, v = uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

 private:
  std::uint64_t seed_, stream_, position_ = 0;
  PhiloxBlock block_{};
  int next_ = 4;
};

/// FNV-1a, 64 bits: a stream number from a name.
constexpr std::uint64_t hash_name(const char* text, std::size_t length) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < length; ++i) h = (h ^ static_cast<unsigned char>(text[i])) * 0x100000001b3;
  return h;
}

}  // namespace tenfold
