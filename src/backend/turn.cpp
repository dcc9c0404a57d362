#include "backend/turn.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "backend/vector.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

using Lane = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;

template <int side>
struct VectorsOf {
  using Row [[gnu::vector_size(side * sizeof(Real))]] = Real;
  using Order [[gnu::vector_size(side * sizeof(Real))]] = Lane;
};

/// Turns a square: its upper right quarter changes places with the lower left one, and then the same is done in all quarters.
/// GCC would go through memory if it did not see every row by itself.
template <int half, int side, std::size_t... lane>
[[gnu::always_inline]] inline void turn_square(typename VectorsOf<side>::Row* rows, std::index_sequence<lane...> all) {
  using Order = typename VectorsOf<side>::Order;
  constexpr auto upper = [](std::size_t n) { return static_cast<Lane>(n & half ? side + n - half : n); };
  constexpr auto lower = [](std::size_t n) { return static_cast<Lane>(n & half ? side + n : n + half); };
#pragma GCC unroll 16
  for (int i = 0; i < side; ++i) {
    if (i & half) continue;
    const auto a = rows[i], b = rows[i + half];
    rows[i] = __builtin_shuffle(a, b, Order{upper(lane)...});
    rows[i + half] = __builtin_shuffle(a, b, Order{lower(lane)...});
  }
  if constexpr (half > 1) turn_square<half / 2, side>(rows, all);
}

/// turn() of as many columns from `j` on as fill whole squares; the first that is left.
template <int side>
Index turn_strips(const Real* x, Index x_stride, Index rows, Index cols, Real* out, Index out_stride, Index j) {
  for (; j + side <= cols; j += side) {
    const Real* from = x + j * x_stride;
    Index l = 0;
    for (; l + side <= rows; l += side) {
      typename VectorsOf<side>::Row square[side];
#pragma GCC unroll 16
      for (Index i = 0; i < side; ++i) __builtin_memcpy(&square[i], from + i * x_stride + l, sizeof square[i]);
      turn_square<side / 2, side>(square, std::make_index_sequence<side>{});
#pragma GCC unroll 16
      for (Index i = 0; i < side; ++i) __builtin_memcpy(out + (l + i) * out_stride + j, &square[i], sizeof square[i]);
    }
    for (; l < rows; ++l)
      for (Index r = 0; r < side; ++r) out[l * out_stride + j + r] = from[r * x_stride + l];
  }
  return j;
}

}  // namespace

void turn(const Real* x, Index x_stride, Index rows, Index cols, Real* out, Index out_stride) {
  Index j = 0;
  if constexpr (vector_width >= 8) j = turn_strips<8>(x, x_stride, rows, cols, out, out_stride, j);  // or a row fills several
  j = turn_strips<4>(x, x_stride, rows, cols, out, out_stride, j);
  for (; j < cols; ++j)
    for (Index l = 0; l < rows; ++l) out[l * out_stride + j] = x[j * x_stride + l];
}

}  // namespace tenfold::inline TENFOLD_REAL
