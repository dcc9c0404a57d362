/// @file
/// The sums of several vectors' lanes, all at once: alone each takes as many steps as it has halves, and uses fewer
/// lanes with every step; together they keep the lanes full.
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "backend/vector.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// A vector whose lanes can be moved about.
using Lanes [[gnu::vector_size(vector_width * sizeof(Real))]] = Real;

/// A vector from anywhere.
inline Lanes lanes_at(const Real* x) {
  Lanes out;
  __builtin_memcpy(&out, x, sizeof out);
  return out;
}

/// The pieces of a and then those of b, `piece` lanes each, half as long: the first half of every piece plus the
/// second.
template <int piece, std::size_t... lane>
[[gnu::always_inline]] inline Lanes halved(Lanes a, Lanes b, std::index_sequence<lane...>) {
  constexpr int half = piece / 2;
  constexpr auto from = [](std::size_t number) {
    const int to = static_cast<int>(number);
    return to / half * piece + to % half;
  };
  using Order [[gnu::vector_size(sizeof(Lanes))]] = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;
  return __builtin_shuffle(a, b, Order{from(lane)...}) + __builtin_shuffle(a, b, Order{(from(lane) + half)...});
}

/// Lane i of the result is the sum of the lanes of x[i]; those from `count` on are not specified. x is overwritten.
template <int count, int piece = static_cast<int>(vector_width)>
[[gnu::always_inline]] inline Lanes lane_sums(Lanes* x) {
  static_assert(count <= vector_width && (count & (count - 1)) == 0);
  if constexpr (piece == 1) {
    return x[0];
  } else {
    constexpr int next = count > 1 ? count / 2 : 1;
    constexpr std::make_index_sequence<static_cast<std::size_t>(vector_width)> lanes;
    for (int i = 0; i < next; ++i) x[i] = halved<piece>(x[2 * i], x[count > 1 ? 2 * i + 1 : 0], lanes);
    return lane_sums<next, piece / 2>(x);
  }
}

}  // namespace tenfold::inline TENFOLD_REAL
