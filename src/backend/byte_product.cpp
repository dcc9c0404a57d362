#include "backend/byte_product.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "backend/cpu.hpp"
#include "backend/dot4.hpp"
#include "backend/packed_weights.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index most_rows = byte_vector == 64 ? 6 : 2;  ///< of a tile: registers hold it, a row of a panel and an input
constexpr int weight_limit = 127;  ///< largest number a weight becomes
constexpr int high_offset = 64, low_values = 128;  ///< of two bytes; the number is (high - 64) · 128 + low

Index fours(Index in) { return (in + 3) / 4; }

/// The largest magnitude of x; NaN where x holds what is not finite.
Real largest_magnitude(const Real* x, Index n) {
  Real largest = 0, finite = 0;  // 0 · x is NaN for infinity and NaN, which a maximum may pass over
#pragma omp simd reduction(max : largest) reduction(+ : finite)
  for (Index i = 0; i < n; ++i) {
    largest = std::max(largest, std::abs(x[i]));
    finite += 0 * x[i];
  }
  return largest + finite;
}

/// Where a tile's outputs go, and what they are multiplied with.
struct Outputs {
  const Real *scales, *biases;  ///< of the panel
  const std::int32_t* sums;     ///< likewise
  const std::int8_t* next;      ///< where to begin fetching what is read after this; need not be memory
  Index step;                   ///< how far to go on with it in a turn
  Real* y;                      ///< [rows, out], the tile's
  Index out, cols;              ///< between y's rows; columns of the tile that are y's
};

/// `values` of one row to y, as many as are y's.
[[gnu::always_inline]] inline void store(const Reals (&values)[byte_vectors], const Outputs& to, Real* y) {
  if (to.cols == panel_outputs) {
    std::memcpy(y, values, sizeof values);
    return;
  }
  Real edge[panel_outputs];
  std::memcpy(edge, values, sizeof values);
  std::copy_n(edge, to.cols, y);
}

/// One tile: `rows` rows of bytes, `stride` apart, times a panel. Of a row with two bytes they are two rows, and come to one.
template <int rows, ByteInput::Bytes bytes>
void byte_tile(Index groups, const std::uint8_t* x, Index stride, const Rounded* rounded, const std::int8_t* panel,
               const Outputs& to) {
  constexpr bool two = bytes == ByteInput::Bytes::two;
  Ints total[rows][byte_vectors];
#pragma GCC unroll 8
  for (int v = 0; v < byte_vectors; ++v) {
    Ints sums;
    std::memcpy(&sums, to.sums + v * byte_lanes, sizeof sums);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) total[r][v] = two ? (r == 0 ? sums * -high_offset : Ints{}) : sums * -byte_offset;
  }
  const std::int8_t* next = to.next;
  for (Index g = 0; g < groups; ++g, panel += 4 * panel_outputs, next += to.step) {
    if constexpr (!two)
#pragma GCC unroll 4
      for (Index line = 0; line < 4; ++line)
        if (line * 64 < to.step) __builtin_prefetch(next + line * 64, 0, 2);
    Ints weights[byte_vectors];
#pragma GCC unroll 8
    for (int v = 0; v < byte_vectors; ++v) std::memcpy(&weights[v], panel + v * byte_vector, byte_vector);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      std::int32_t four;
      std::memcpy(&four, x + r * stride + g * 4, sizeof four);
      const Ints input = four - Ints{};
#pragma GCC unroll 8
      for (int v = 0; v < byte_vectors; ++v) total[r][v] = dot4(total[r][v], input, weights[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < (two ? 1 : rows); ++r) {
    Reals out[byte_vectors];
#pragma GCC unroll 8
    for (int v = 0; v < byte_vectors; ++v) {
      Reals sum = __builtin_convertvector(total[r][v], Reals), scales, biases;
      if constexpr (two) sum = sum * Real{low_values} + __builtin_convertvector(total[rows - 1][v], Reals);
      std::memcpy(&scales, to.scales + v * byte_lanes, sizeof scales);
      std::memcpy(&biases, to.biases + v * byte_lanes, sizeof biases);
      out[v] = sum * (scales * rounded[r].scale) + biases;
    }
    store(out, to, to.y + r * to.out);
  }
}

using ByteTile = void (*)(Index, const std::uint8_t*, Index, const Rounded*, const std::int8_t*, const Outputs&);

template <int... heights>
constexpr std::array<ByteTile, sizeof...(heights)> byte_tiles_of(std::integer_sequence<int, heights...>) {
  return {byte_tile<heights + 1, ByteInput::Bytes::one>...};
}

ByteTile tile_for(Index rows, ByteInput::Bytes bytes) {
  static constexpr auto tiles = byte_tiles_of(std::make_integer_sequence<int, static_cast<int>(most_rows)>());
  return bytes == ByteInput::Bytes::two ? byte_tile<2, ByteInput::Bytes::two> : tiles[static_cast<std::size_t>(rows - 1)];
}

}  // namespace

Rounded round_row(const Real* x, Index n, int limit, std::int16_t* q) {
  const Real largest = largest_magnitude(x, n), most = static_cast<Real>(limit);
  const bool usable = largest > 0 && std::isfinite(most / largest);
  const Real factor = usable ? most / largest : 0, scale = usable ? largest / most : 0;
  for (Index i = 0; i < n; ++i) {
    const Real scaled = usable ? x[i] * factor : 0;
    q[i] = static_cast<std::int16_t>(static_cast<int>(scaled + (scaled < 0 ? Real{-0.5} : Real{0.5})));
  }
  Real error = 0, norm = 0;
#pragma omp simd reduction(+ : error, norm)
  for (Index i = 0; i < n; ++i) {
    const Real difference = x[i] - scale * static_cast<Real>(q[i]);
    error += difference * difference;
    norm += x[i] * x[i];
  }
  const Real lost = std::numeric_limits<Real>::min() * static_cast<Real>(n);  // squares too small to be numbers
  return {scale, std::sqrt(error + lost), std::sqrt(norm + lost)};
}

void ByteInput::assign(const Real* x, Index rows, Index in, Bytes bytes) {
  bytes_ = bytes;
  stride_ = fours(in) * 4;
  rounded_.resize(static_cast<std::size_t>(rows));
  values_.resize(static_cast<std::size_t>((bytes == Bytes::two ? 2 : rows) * stride_));
  numbers_.resize(static_cast<std::size_t>(in));
  std::int16_t* numbers = numbers_.data();
  const int limit = bytes == Bytes::two ? high_offset * low_values - 1 : byte_offset - 1;
  for (Index r = 0; r < rows; ++r) {
    rounded_[static_cast<std::size_t>(r)] = round_row(x + r * in, in, limit, numbers);
    std::uint8_t *first = values_.data() + r * stride_, *second = first + stride_;
    if (bytes == Bytes::one)
      for (Index i = 0; i < in; ++i) first[i] = static_cast<std::uint8_t>(numbers[i] + byte_offset);
    else
      for (Index i = 0; i < in; ++i) {
        const auto number = static_cast<unsigned>(numbers[i] + high_offset * low_values);
        first[i] = static_cast<std::uint8_t>(number / low_values);
        second[i] = static_cast<std::uint8_t>(number % low_values);
      }
  }
}

ByteWeights::ByteWeights(const LinearWeights& weights)
    : in_(weights.in), out_(weights.out) {
  const Index stored = byte_panels(out_) * panel_outputs, stride = fours(in_) * 4;
  values_.resize(static_cast<std::size_t>(stored * stride));
  scales_.resize(static_cast<std::size_t>(stored));
  biases_.resize(static_cast<std::size_t>(stored));
  sums_.resize(static_cast<std::size_t>(stored));
  rounded_.resize(static_cast<std::size_t>(out_));
  if (weights.bias) std::copy_n(weights.bias, out_, biases_.begin());
  std::vector<std::int16_t> numbers(static_cast<std::size_t>(stride));
  for (Index o = 0; o < out_; ++o) {
    const Rounded rounded = round_row(weights.weight + o * in_, in_, weight_limit, numbers.data());
    rounded_[static_cast<std::size_t>(o)] = rounded;
    scales_[static_cast<std::size_t>(o)] = rounded.scale;
    std::int8_t* to = values_.data() + o / panel_outputs * panel_outputs * stride + o % panel_outputs * 4;
    std::int32_t sum = 0;
    for (Index i = 0; i < stride; ++i) sum += numbers[static_cast<std::size_t>(i)];
    for (Index i = 0; i < stride; i += 4, to += 4 * panel_outputs)
      for (Index byte = 0; byte < 4; ++byte)
        to[byte] = static_cast<std::int8_t>(numbers[static_cast<std::size_t>(i + byte)]);
    sums_[static_cast<std::size_t>(o)] = sum;
  }
}

void ByteWeights::run(const ByteInput& x, Real* y) const {
  if (x.rows() == 0) return;
  const Index groups = fours(in_), tiles = (x.rows() + most_rows - 1) / most_rows;
  for (Index p = 0; p < byte_panels(out_); ++p) {
    const Index o = p * panel_outputs, cols = std::min(panel_outputs, out_ - o);
    const std::int8_t* panel = values_.data() + o * groups * 4;
    // Each tile fetches its share of the panel that follows; there is none after the last.
    const Index step = p + 1 < byte_panels(out_) ? (4 * panel_outputs + tiles - 1) / tiles : 0;
    for (Index t = 0; t < tiles; ++t) {
      const Index first = x.rows() * t / tiles, end = x.rows() * (t + 1) / tiles;
      tile_for(end - first, x.bytes())(groups, x.row(first), x.stride(), &x.rounded(first), panel,
                                       {scales_.data() + o, biases_.data() + o, sums_.data() + o,
                                        step ? panel + groups * (4 * panel_outputs + t * step) : panel, step, y + first * out_ + o, out_, cols});
    }
  }
}

RoughLinear::RoughLinear(const LinearWeights& weights) : weights_(weights), bytes_(weights) {}

void RoughLinear::run(const Real* x, Real* y, Index rows) const {
  thread_local ByteInput input;
  for (Index r = 0; r < rows; ++r, x += weights_.in, y += weights_.out) {
    input.assign(x, 1, weights_.in, ByteInput::Bytes::two);
    bytes_.run(input, y);
    if (weights_.activation == Activation::relu)
      for (Index o = 0; o < weights_.out; ++o) y[o] = y[o] < 0 ? 0 : y[o];
    if (weights_.activation == Activation::gelu) apply_gelu(y, weights_.out);
  }
}

std::unique_ptr<PreparedLinear> CpuKernels::prepare_roughly(const LinearWeights& weights) {
  if (!ByteWeights::fits(weights)) return std::make_unique<PlainLinear>(*this, weights);
  return std::make_unique<RoughLinear>(weights);
}

}  // namespace tenfold::inline TENFOLD_REAL
