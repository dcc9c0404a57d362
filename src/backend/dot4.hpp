/// @file
/// What processors have for products of bytes: of each four neighbours the products, unsigned times signed, are added to a
/// number of 32 bits. VNNI does it with one instruction for 64 bytes, which is four times what it does with numbers of 32 bits.
#pragma once
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include <cstdint>

#include "core/real.hpp"
#include "core/shape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Bytes that are multiplied at once.
#if defined(__AVX512VNNI__)
inline constexpr Index byte_vector = 64;
#elif defined(__AVX2__)
inline constexpr Index byte_vector = 32;
#else
inline constexpr Index byte_vector = 16;
#endif
inline constexpr Index byte_lanes = byte_vector / 4;  ///< numbers of 32 bits in a vector
/// Weights are stored in panels of outputs, so many vectors wide; the last is filled up with zeros.
inline constexpr Index byte_vectors = 4;
inline constexpr Index panel_outputs = byte_vectors * byte_lanes;  ///< of a panel
/// How many panels.
constexpr Index byte_panels(Index out) { return (out + panel_outputs - 1) / panel_outputs; }

/// Added to a signed number so that it becomes an unsigned byte; such numbers are smaller than this. Without an instruction for
/// it two products are first added in 16 bits, where two of 127 · 127 fit and two of 255 · 127 do not.
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
inline constexpr int byte_offset = 128;
#else
inline constexpr int byte_offset = 64;
#endif

/// A vector of sums, or of four bytes each.
using Ints [[gnu::vector_size(byte_vector)]] = std::int32_t;
/// As many numbers.
using Reals [[gnu::vector_size(byte_lanes * sizeof(Real))]] = Real;

/// sum + Σ x q over the four bytes of each lane, x unsigned, the same in all lanes, and q signed.
[[gnu::always_inline]] inline Ints dot4(Ints sum, Ints x, Ints q) {
#if defined(__AVX512VNNI__)
  return reinterpret_cast<Ints>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(x),
                                                    reinterpret_cast<__m512i>(q)));
#elif defined(__AVXVNNI__)
  return reinterpret_cast<Ints>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(sum), reinterpret_cast<__m256i>(x),
                                                        reinterpret_cast<__m256i>(q)));
#elif defined(__AVX2__)
  const __m256i pairs = _mm256_maddubs_epi16(reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(q));
  return sum + reinterpret_cast<Ints>(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#elif defined(__SSE2__)
  const auto bytes = reinterpret_cast<__m128i>(q);
  const __m128i inputs = _mm_unpacklo_epi8(reinterpret_cast<__m128i>(x), _mm_setzero_si128());  // alike for all lanes
  const __m128i low = _mm_madd_epi16(inputs, _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8));
  const __m128i high = _mm_madd_epi16(inputs, _mm_srai_epi16(_mm_unpackhi_epi8(bytes, bytes), 8));
  const __m128 a = _mm_castsi128_ps(low), b = _mm_castsi128_ps(high);
  return sum + reinterpret_cast<Ints>(_mm_shuffle_ps(a, b, 0x88)) + reinterpret_cast<Ints>(_mm_shuffle_ps(a, b, 0xDD));
#else
  for (int byte = 0; byte < 32; byte += 8) sum += ((x >> byte) & 255) * ((q << (24 - byte)) >> 24);
  return sum;
#endif
}

}  // namespace tenfold::inline TENFOLD_REAL
