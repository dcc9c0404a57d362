#include "backend/nibble_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/dot4.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr int nibble_limit = 7, nibble_offset = 8;  ///< largest number a weight becomes; added to it

Index eights(Index in) { return (in + 7) / 8; }

/// Σ u h for the outputs of a panel. Of each byte the lower half belongs to the first four of eight inputs.
void panel_sums(Index groups, const std::uint8_t* u, const std::uint8_t* panel, Ints (&total)[byte_vectors]) {
  Ints low[byte_vectors], high[byte_vectors];
#pragma GCC unroll 8
  for (int v = 0; v < byte_vectors; ++v) low[v] = high[v] = Ints{};
  for (Index g = 0; g < groups; ++g, panel += 4 * panel_outputs) {
    std::int32_t eight[2];
    std::memcpy(eight, u + g * 8, sizeof eight);
    const Ints first = eight[0] - Ints{}, second = eight[1] - Ints{};
#pragma GCC unroll 8
    for (int v = 0; v < byte_vectors; ++v) {
      Ints weights;
      std::memcpy(&weights, panel + v * byte_vector, sizeof weights);
      low[v] = dot4(low[v], first, weights & 0x0F0F0F0F);
      high[v] = dot4(high[v], second, (weights >> 4) & 0x0F0F0F0F);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < byte_vectors; ++v) total[v] = low[v] + high[v];
}

}  // namespace

NibbleWeights::NibbleWeights(const LinearWeights& weights) : in_(weights.in), out_(weights.out) {
  const Index stored = byte_panels(out_) * panel_outputs, stride = eights(in_) * 4;
  values_.resize(static_cast<std::size_t>(stored * stride));
  scales_.resize(static_cast<std::size_t>(stored));
  biases_.resize(static_cast<std::size_t>(stored));
  sums_.resize(static_cast<std::size_t>(stored));
  if (weights.bias) std::copy_n(weights.bias, out_, biases_.begin());
  std::vector<std::int16_t> numbers(static_cast<std::size_t>(2 * stride), -nibble_offset);
  Real errors = 0;
  for (Index o = 0; o < out_; ++o) {
    const Rounded rounded = round_row(weights.weight + o * in_, in_, nibble_limit, numbers.data());
    if (std::isfinite(rounded.error)) errors += rounded.error;
    scales_[static_cast<std::size_t>(o)] = rounded.scale;
    std::uint8_t* to = values_.data() + o / panel_outputs * panel_outputs * stride + o % panel_outputs * 4;
    std::int32_t sum = 0;
    for (Index i = 0; i < 2 * stride; i += 8, to += 4 * panel_outputs)
      for (Index byte = 0; byte < 4; ++byte) {
        const int low = numbers[static_cast<std::size_t>(i + byte)] + nibble_offset;
        const int high = numbers[static_cast<std::size_t>(i + byte + 4)] + nibble_offset;
        to[byte] = static_cast<std::uint8_t>(low | high << 4);
        sum += low + high;
      }
    sums_[static_cast<std::size_t>(o)] = sum;
  }
  // The errors of n products of random signs add up to √n times one of them; and six times that is seldom exceeded.
  const auto outputs = static_cast<Real>(std::max<Index>(1, out_)), inputs = static_cast<Real>(std::max<Index>(1, in_));
  likely_error_ = 6 * errors / outputs / std::sqrt(inputs);
}

void NibbleWeights::run(const Real* x, Real* y) const {
  thread_local std::vector<std::int16_t> numbers;
  thread_local AlignedVector<std::uint8_t> bytes;
  numbers.resize(static_cast<std::size_t>(in_));
  bytes.assign(static_cast<std::size_t>(eights(in_) * 8), 0);  // what is beyond the last input counts for nothing
  const Rounded rounded = round_row(x, in_, byte_offset - 1, numbers.data());
  std::int32_t all = 0;
  for (Index i = 0; i < in_; ++i) {
    const int u = numbers[static_cast<std::size_t>(i)] + byte_offset;
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(u);
    all += u;
  }
  // Σ (u - b)(h - 8) = Σ u h - b Σ h - 8 Σ u + 8 b n
  const std::int32_t rest = nibble_offset * (byte_offset * static_cast<std::int32_t>(in_) - all);
  for (Index p = 0; p < byte_panels(out_); ++p) {
    const Index o = p * panel_outputs;
    Ints total[byte_vectors];
    panel_sums(eights(in_), bytes.data(), values_.data() + o * eights(in_) * 4, total);
    Real out[panel_outputs];
#pragma GCC unroll 8
    for (int v = 0; v < byte_vectors; ++v) {
      Ints sums;
      Reals scales, biases;
      std::memcpy(&sums, sums_.data() + o + v * byte_lanes, sizeof sums);
      std::memcpy(&scales, scales_.data() + o + v * byte_lanes, sizeof scales);
      std::memcpy(&biases, biases_.data() + o + v * byte_lanes, sizeof biases);
      const Ints sum = total[v] - sums * byte_offset + rest;
      const Reals values = __builtin_convertvector(sum, Reals) * (scales * rounded.scale) + biases;
      std::memcpy(out + v * byte_lanes, &values, sizeof values);
    }
    std::copy_n(out, std::min(panel_outputs, out_ - o), y + o);
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
