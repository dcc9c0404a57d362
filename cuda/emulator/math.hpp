/// @file
/// CUDA's arithmetic beyond <cmath>. The fast ones (__expf and its like) are as exact here as the exact ones: rounding
/// is what an emulator on a CPU cannot prove.
#pragma once
#include <math.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

// glibc declares these without defining them.
/// exp(x), fast and less exact on a card.
inline float __expf(float x) noexcept { return expf(x); }
/// log(x), fast on a card.
inline float __logf(float x) noexcept { return logf(x); }
/// log2(x), fast on a card.
inline float __log2f(float x) noexcept { return log2f(x); }
/// x^y, fast on a card.
inline float __powf(float x, float y) noexcept { return powf(x, y); }
/// sin(x), fast on a card.
inline float __sinf(float x) noexcept { return sinf(x); }
/// cos(x), fast on a card.
inline float __cosf(float x) noexcept { return cosf(x); }

inline namespace cuda_emulated {

using std::max;
using std::min;

/// 1 / √x
inline float rsqrtf(float x) { return 1 / sqrtf(x); }
/// 1 / √x
inline double rsqrt(double x) { return 1 / sqrt(x); }
/// 1 / √x
inline float rsqrt(float x) { return rsqrtf(x); }
/// a / b, fast on a card.
inline float __fdividef(float a, float b) { return a / b; }
/// a b + c, rounded once.
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
/// a b + c, rounded once.
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
/// a + b, never fused into a multiply-add.
inline float __fadd_rn(float a, float b) { return a + b; }
/// a b, never fused into a multiply-add.
inline float __fmul_rn(float a, float b) { return a * b; }
/// a + b, never fused into a multiply-add.
inline double __dadd_rn(double a, double b) { return a + b; }
/// a b, never fused into a multiply-add.
inline double __dmul_rn(double a, double b) { return a * b; }
/// a / b, rounded to nearest.
inline float __fdiv_rn(float a, float b) { return a / b; }
/// √x, rounded to nearest.
inline float __fsqrt_rn(float x) { return sqrtf(x); }
/// 1 / x, rounded to nearest.
inline float __frcp_rn(float x) { return 1 / x; }
/// x within [0, 1].
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }

/// *address through the read-only cache.
template <class T>
inline T __ldg(const T* address) { return *address; }
/// *address, not to be kept in the caches.
template <class T>
inline T __ldcs(const T* address) { return *address; }
/// *address = value, not to be kept in the caches.
template <class T>
inline void __stcs(T* address, T value) { *address = value; }

/// The upper half of a 32 × 32 bit product.
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32);
}
/// Bits set in x.
inline int __popc(unsigned x) { return std::popcount(x); }
/// Number of the lowest set bit counted from 1; 0 when there is none.
inline int __ffs(int x) { return __builtin_ffs(x); }
/// Leading zero bits.
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
/// The bits of a number.
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
/// The bits of a number.
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
/// The number of these bits.
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
/// The number of these bits.
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
/// The bits of a number.
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
/// The number of these bits.
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
/// Rounded to nearest, ties to even.
inline int __float2int_rn(float x) { return static_cast<int>(lrintf(x)); }

}  // namespace cuda_emulated
