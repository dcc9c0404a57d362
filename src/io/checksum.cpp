// The message is a polynomial over the numbers 0 and 1, and its CRC the remainder modulo P of degree 32. Sixteen bytes A,
// which stand D bits before the message's end, weigh A x^D, and modulo P that is A (x^D mod P): so they may be multiplied
// into the sixteen bytes at the end, and be forgotten. With four such accumulators 64 bytes go by in four steps; what is
// left at the end, zlib sums. (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009.)
#include "io/checksum.hpp"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tenfold {
namespace {

std::uint32_t by_zlib(std::uint32_t crc, const std::byte* data, std::size_t size) {
  return static_cast<std::uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(data), size));
}

#if defined(__x86_64__)

/// x^n mod P with the bits in the order of a CRC, the highest power lowest, and moved up by one: a product of two numbers
/// in that order comes out one place too low.
constexpr long long power(int n) {
  std::uint32_t r = 0x80000000U;  // 1
  for (int i = 0; i < n; ++i) r = (r >> 1) ^ ((r & 1U) ? 0xedb88320U : 0U);
  return static_cast<long long>(static_cast<std::uint64_t>(r) << 1);
}

/// a, moved on by so many bits as the factors say, and the sixteen bytes that stand there.
__attribute__((target("pclmul,sse4.1"))) inline __m128i fold(__m128i a, __m128i factors, __m128i next) {
  const __m128i first = _mm_clmulepi64_si128(a, factors, 0x00), second = _mm_clmulepi64_si128(a, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

/// Of at least 64 bytes.
__attribute__((target("pclmul,sse4.1"))) std::uint32_t by_folding(std::uint32_t crc, const std::byte* data,
                                                                  std::size_t size) {
  // The first eight bytes of sixteen stand 64 bits further from the end than the others.
  const __m128i by_512 = _mm_set_epi64x(power(512 - 32), power(512 + 32));
  const __m128i by_128 = _mm_set_epi64x(power(128 - 32), power(128 + 32));
  const auto load = [&data](int i) __attribute__((target("pclmul,sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i);
  };
  __m128i a = _mm_xor_si128(load(0), _mm_cvtsi32_si128(static_cast<int>(~crc)));
  __m128i b = load(1), c = load(2), d = load(3);
  data += 64;
  size -= 64;
  for (; size >= 64; size -= 64, data += 64) {
    a = fold(a, by_512, load(0));
    b = fold(b, by_512, load(1));
    c = fold(c, by_512, load(2));
    d = fold(d, by_512, load(3));
  }
  const __m128i all = fold(fold(fold(a, by_128, b), by_128, c), by_128, d);
  std::byte left[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(left), all);
  return by_zlib(by_zlib(~0U, left, sizeof left), data, size);  // which inverts what it begins with
}

bool can_fold() {
  static const bool can = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return can;
}

#endif

}  // namespace

std::uint32_t crc32_of(std::uint32_t crc, std::span<const std::byte> bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= 64 && can_fold()) return by_folding(crc, bytes.data(), bytes.size());
#endif
  return bytes.empty() ? crc : by_zlib(crc, bytes.data(), bytes.size());
}

}  // namespace tenfold
