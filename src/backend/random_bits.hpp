/// @file
/// Dropout's random bits many at a time: the numbers of Dropout::keeps(), drawn side by side in vectors.
#pragma once
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "backend/kernels.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Elements whose bits are drawn at once: 32 Philox blocks of 8 elements.
inline constexpr Index bits_at_once = 256;

/// Numbers of 64 bits side by side. Of a Philox block each holds one word in its low half; the high half may be anything.
#if defined(__AVX512F__)
using Words [[gnu::vector_size(64)]] = std::uint64_t;
#elif defined(__AVX2__)
using Words [[gnu::vector_size(32)]] = std::uint64_t;
#else
using Words [[gnu::vector_size(16)]] = std::uint64_t;
#endif
inline constexpr int word_lanes = sizeof(Words) / 8;  ///< how many

/// The products of the low halves. Processors have an instruction for that, where GCC takes one for whole products (AVX-512's is
/// three times as slow) or makes room in other lanes first.
[[gnu::always_inline]] inline Words low_product(Words a, Words b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Words>(  // of all lanes; GCC 12 warns of its own header where no mask is given
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Words>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Words>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

/// 0, 1, 2, …: the number of each lane.
template <std::size_t... lane>
constexpr Words lane_numbers(std::index_sequence<lane...>) {
  return Words{lane...};
}

/// Lanes of a and b in turn, behind one another in memory: a's first, b's first, a's second, …
template <std::size_t... lane>
[[gnu::always_inline]] inline void store_in_turn(Words a, Words b, std::uint16_t* to, std::index_sequence<lane...>) {
  constexpr auto from = [](std::size_t n) { return n / 2 + n % 2 * word_lanes; };
  const Words first = __builtin_shuffle(a, b, Words{from(lane)...});
  const Words second = __builtin_shuffle(a, b, Words{from(lane + word_lanes)...});
  std::memcpy(to, &first, sizeof first);
  std::memcpy(to + sizeof first / sizeof *to, &second, sizeof second);
}

/// bits[i] belongs to element 256 · group + i. This is philox() of core/philox.hpp for many blocks side by side.
inline void draw_bits(const Dropout& d, Index group, std::uint16_t* bits) {
  constexpr int blocks = bits_at_once / 8, vectors = 4;  // at a time, so that none waits for the one before
  static_assert(blocks % (vectors * word_lanes) == 0);
  static_assert(std::endian::native == std::endian::little);  // of a word the low half comes first
  constexpr std::make_index_sequence<word_lanes> lanes;
  constexpr std::uint64_t low = 0xffffffff;
  const Words m0 = Words{} + 0xD2511F53, m1 = Words{} + 0xCD9E8D57;
  constexpr std::uint32_t w0 = 0x9E3779B9, w1 = 0xBB67AE85;
  Words position = lane_numbers(lanes) + static_cast<std::uint64_t>(group) * blocks;
  for (int block = 0; block < blocks; block += vectors * word_lanes) {
    Words c0[vectors], c1[vectors], c2[vectors], c3[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v, position += word_lanes) {
      c0[v] = position;
      c1[v] = position >> 32;
      c2[v] = Words{} + d.stream;
      c3[v] = Words{} + (d.stream >> 32);
    }
    auto k0 = static_cast<std::uint32_t>(d.seed), k1 = static_cast<std::uint32_t>(d.seed >> 32);
    for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const Words p0 = low_product(c0[v], m0), p1 = low_product(c2[v], m1);
        c0[v] = (p1 >> 32) ^ c1[v] ^ k0;
        c1[v] = p1;
        c2[v] = (p0 >> 32) ^ c3[v] ^ k1;
        c3[v] = p0;
      }
      k0 += w0;
      k1 += w1;
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      store_in_turn((c0[v] & low) | (c1[v] << 32), (c2[v] & low) | (c3[v] << 32), bits + 8 * (block + v * word_lanes), lanes);
  }
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
