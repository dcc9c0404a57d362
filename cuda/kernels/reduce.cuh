/// @file
/// Reductions over the threads that share a row: a warp of 32 for short rows, a whole block for long ones. The order in
/// which values are combined is fixed, so the same values give the same bits, and every thread gets the result.
///
/// All threads of the warp (of the block) must take part. `Team` below is 32 or the number of threads of the block.
#pragma once
#include <cmath>
#include <limits>

#include "core/real.hpp"
#include "device.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// All lanes of a warp.
inline constexpr unsigned whole_warp = 0xffffffffu;

/// a + b; the operation of a reduction.
struct Plus {
  /// Σ of nothing
  __device__ static constexpr Real none() { return 0; }
  /// The operation.
  __device__ Real operator()(Real a, Real b) const { return a + b; }
};
/// The larger of a and b, NaN only if both are.
struct Larger {
  /// The largest of nothing: below all.
  __device__ static constexpr Real none() { return -std::numeric_limits<Real>::infinity(); }
  /// The operation.
  __device__ Real operator()(Real a, Real b) const { return a > b || b != b ? a : b; }
};

/// Combines `value` over groups of `Width` neighbouring lanes (a power of two, at most 32); log2(Width) exchanges with
/// the lane whose number differs in one bit. Both partners compute the same sum, so all lanes end with the same bits.
template <int Width = 32, class Operation>
__device__ Real warp_reduce(Real value, Operation operation) {
#pragma unroll
  for (int distance = Width / 2; distance > 0; distance /= 2)
    value = operation(value, __shfl_xor_sync(whole_warp, value, distance));
  return value;
}

/// Combines `value` over a block of `Threads` threads: each warp its own lanes, then every warp the results of all.
template <int Threads, class Operation>
__device__ Real block_reduce(Real value, Operation operation) {
  constexpr int warps = Threads / 32;
  static_assert(Threads % 32 == 0 && warps <= 32 && (warps & (warps - 1)) == 0, "a power of two of warps");
  SHARED(Real, partial, [warps]);
  value = warp_reduce(value, operation);
  __syncthreads();  // the last reduction's results may still be being read
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  return warp_reduce<warps>(partial[threadIdx.x % warps], operation);
}

/// Combines `value` over the `Team` threads that share a row.
template <int Team, class Operation>
__device__ Real team_reduce(Real value, Operation operation) {
  if constexpr (Team == 32)
    return warp_reduce(value, operation);
  else
    return block_reduce<Team>(value, operation);
}
/// Σ of `value` over the team.
template <int Team>
__device__ Real team_sum(Real value) {
  return team_reduce<Team>(value, Plus{});
}
/// The largest `value` of the team; NaN is passed over.
template <int Team>
__device__ Real team_max(Real value) {
  return team_reduce<Team>(value, Larger{});
}

/// The running pair of a softmax seen value by value: the largest so far and Σ exp(value - largest). When the largest
/// grows, the sum so far is rescaled (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
struct OnlineSoftmax {
  Real largest = Larger::none();  ///< of the values seen
  Real total = 0;                 ///< Σ exp(value - largest); NaN, as from plain loops, once a value is +∞ or NaN

  /// One more value.
  __device__ void add(Real value) {
    if (value > largest) {
      total = total * std::exp(largest - value) + (1 + (value - value));
      largest = value;
    } else {
      total += value == largest ? 1 : std::exp(value - largest);
    }
  }
  /// What the team's threads have seen together.
  template <int Team>
  __device__ OnlineSoftmax over_team() const {
    const Real all = team_max<Team>(largest);
    // A thread that has seen nothing has no largest value; its share is 0 and not exp(-∞ + ∞).
    return {all, team_sum<Team>(largest == all ? total : total * std::exp(largest - all))};
  }
};

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
