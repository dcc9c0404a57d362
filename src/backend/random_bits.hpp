/// @file
/// Dropout's random bits many at a time: the numbers of Dropout::keeps(), drawn side by side so that SIMD
/// can.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "backend/kernels.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Elements whose bits are drawn at once: 32 Philox blocks of 8 elements.
inline constexpr Index bits_at_once = 256;

/// bits[i] belongs to element 256 · group + i. This is philox() of core/philox.hpp with the loop over its
/// rounds outside and the blocks side by side within, the order that the compiler turns into SIMD.
inline void draw_bits(const Dropout& d, Index group, std::uint16_t* bits) {
  constexpr int blocks = bits_at_once / 8;
  constexpr std::uint64_t m0 = 0xD2511F53, m1 = 0xCD9E8D57;
  constexpr std::uint32_t w0 = 0x9E3779B9, w1 = 0xBB67AE85;
  auto lo = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  auto hi = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  std::uint32_t c0[blocks], c1[blocks], c2[blocks], c3[blocks];
  for (int b = 0; b < blocks; ++b) {
    const std::uint64_t position = static_cast<std::uint64_t>(group) * blocks + static_cast<std::uint64_t>(b);
    c0[b] = lo(position);
    c1[b] = hi(position);
    c2[b] = lo(d.stream);
    c3[b] = hi(d.stream);
  }
  std::uint32_t k0 = lo(d.seed), k1 = hi(d.seed);
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int b = 0; b < blocks; ++b) {
      const std::uint64_t p0 = m0 * c0[b], p1 = m1 * c2[b];
      c0[b] = hi(p1) ^ c1[b] ^ k0;
      c1[b] = lo(p1);
      c2[b] = hi(p0) ^ c3[b] ^ k1;
      c3[b] = lo(p0);
    }
    k0 += w0;
    k1 += w1;
  }
  // Of a word the low half comes first, and so it lies in memory.
  static_assert(std::endian::native == std::endian::little);
  std::uint32_t words[4 * blocks];
#pragma omp simd
  for (int b = 0; b < blocks; ++b) {
    words[4 * b] = c0[b];
    words[4 * b + 1] = c1[b];
    words[4 * b + 2] = c2[b];
    words[4 * b + 3] = c3[b];
  }
  std::memcpy(bits, words, sizeof words);
}

/// Calls body(i, count, bits) for runs of elements i … i + count that cover [begin, end); bits[0] is element
/// i's.
template <class Body>
void for_random_bits(const Dropout& d, Index begin, Index end, const Body& body) {
  std::uint16_t bits[bits_at_once];
  for (Index i = begin; i < end;) {
    const Index group = i / bits_at_once;
    const Index count = std::min(end, (group + 1) * bits_at_once) - i;
    draw_bits(d, group, bits);
    body(i, count, bits + i % bits_at_once);
    i += count;
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
