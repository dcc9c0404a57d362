/// @file
/// Chapter 2's dictionaries: random keys with random values, asked with stored keys.
#pragma once
#include <cmath>
#include <vector>

#include "02-key-value-search/lesson.hpp"
#include "course/engine.hpp"
#include "course/tensors.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter02 {

using lab::random_tensor;

inline double norm(const std::vector<Real>& v) {
  double squares = 0;
  for (Real x : v) squares += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(squares);
}

/// What a look-up gives at one temperature, means over several queries.
struct Softness {
  double on_right = 0;  ///< weight of the pair that was asked for
  double to_exact =
      0;  ///< distance of the answer to its value, in units of that value's distance to the average
  double to_average = 0;  ///< distance to the average of all values, same unit
  double slope = 0;       ///< Frobenius norm of d answer / d query: covariance / temperature
};

inline Softness softness(std::uint64_t seed, double temperature, Index pairs, Index width) {
  constexpr Index queries = 20;
  const auto k = measuring_kernels();
  const Tensor keys = random_tensor(*k, {pairs, width}, seed, 1),
               values = random_tensor(*k, {pairs, width}, seed, 2);
  const Variable uniform = filled(*k, {1, pairs}, Real(1) / static_cast<Real>(pairs));
  const auto average = matmul(uniform, values).value.to_host();
  Softness mean;
  for (Index n = 0; n < queries; ++n) {
    const Variable w = match(keys.rows(n, 1), keys, temperature);  // [1, pairs]
    auto off_exact = matmul(w, values).value.to_host(), off_average = off_exact;
    const auto exact = values.rows(n, 1).to_host();
    auto unit = exact;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      off_exact[i] -= exact[i];
      off_average[i] -= average[i];
      unit[i] -= average[i];
    }
    mean.on_right += static_cast<double>(w.value.to_host()[static_cast<std::size_t>(n)]) / queries;
    mean.to_exact += norm(off_exact) / norm(unit) / queries;
    mean.to_average += norm(off_average) / norm(unit) / queries;
    mean.slope += norm(covariance(w, keys, values).value.to_host()) / temperature / queries;
  }
  return mean;
}

struct Recall {
  double on_right = 0;  ///< mean weight of the pair asked for
  double right = 0;     ///< percent of answers nearest to the right value, of all stored values
};

/// Asks for 64 (or all) of the stored keys at the temperature √width. With keys_as_values the answer is a
/// mean of keys.
inline Recall recall(std::uint64_t seed, Index pairs, Index width, bool keys_as_values) {
  const Index queries = std::min<Index>(64, pairs);
  const auto k = measuring_kernels();
  const Tensor keys = random_tensor(*k, {pairs, width}, seed, 1),
               values = random_tensor(*k, {pairs, width}, seed, 2);
  const Variable w = match(keys.rows(0, queries), keys, std::sqrt(static_cast<double>(width)));
  const Variable answers = matmul(w, keys_as_values ? keys : values);
  const auto weights = w.value.to_host(), near = matmul(answers, values, false, true).value.to_host(),
             all = values.to_host();
  std::vector<double> squares(static_cast<std::size_t>(pairs), 0);
  for (Index j = 0; j < pairs; ++j)
    for (Index c = 0; c < width; ++c) {
      const double v = static_cast<double>(all[static_cast<std::size_t>(j * width + c)]);
      squares[static_cast<std::size_t>(j)] += v * v;
    }
  Recall r;
  for (Index i = 0; i < queries; ++i) {
    const auto at = [&](Index j) { return static_cast<std::size_t>(i * pairs + j); };
    r.on_right += static_cast<double>(weights[at(i)]) / static_cast<double>(queries);
    Index best = 0;  // least |answer - v|², that is most 2 answer·v - |v|²
    const auto closeness = [&](Index j) {
      return 2 * static_cast<double>(near[at(j)]) - squares[static_cast<std::size_t>(j)];
    };
    for (Index j = 1; j < pairs; ++j)
      if (closeness(j) > closeness(best)) best = j;
    r.right += 100.0 * (best == i) / static_cast<double>(queries);
  }
  return r;
}

/// How many rows of the matrix are independent: elimination with the largest remaining entry as pivot, until
/// what remains is below 1e-9 of the largest entry.
inline Index numeric_rank(std::vector<Real> m, Index rows, Index columns) {
  const auto at = [&](Index r, Index c) -> Real& { return m[static_cast<std::size_t>(r * columns + c)]; };
  Real first = 0;
  for (Index rank = 0; rank < std::min(rows, columns); ++rank) {
    Index pivot_row = rank, pivot_column = rank;
    for (Index r = rank; r < rows; ++r)
      for (Index c = rank; c < columns; ++c)
        if (std::abs(at(r, c)) > std::abs(at(pivot_row, pivot_column))) pivot_row = r, pivot_column = c;
    const Real pivot = std::abs(at(pivot_row, pivot_column));
    if (rank == 0) first = pivot;
    if (!(pivot > Real(1e-9) * first)) return rank;
    for (Index c = 0; c < columns; ++c) std::swap(at(rank, c), at(pivot_row, c));
    for (Index r = 0; r < rows; ++r) std::swap(at(r, rank), at(r, pivot_column));
    for (Index r = rank + 1; r < rows; ++r) {
      const Real factor = at(r, rank) / at(rank, rank);
      for (Index c = rank; c < columns; ++c) at(r, c) -= factor * at(rank, c);
    }
  }
  return std::min(rows, columns);
}

}  // namespace chapter02
}  // namespace tenfold::inline TENFOLD_REAL
