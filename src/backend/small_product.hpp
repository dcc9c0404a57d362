/// @file
/// Products of small matrices without BLAS's price per call: what attention is made of.
///
/// A tile of c stays in registers while the k loop runs: each step loads one row of b's tile and adds
/// multiples of it to every row of c's tile. Written with std::experimental::simd (Parallelism TS 2), since
/// compilers keep such a tile in registers only when told so.
#pragma once
#include "core/real.hpp"
#include "core/shape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// c = alpha · a b, or c += alpha · a b when `add`. a is [m, k] and reached as a[i · a_row + l · a_col], so
/// either order will do; b is [k, n] and c [m, n], both with rows ldb and ldc apart.
struct SmallProduct {
  Index m = 0, n = 0, k = 0;
  Index a_row = 0, a_col = 1, ldb = 0, ldc = 0;
  Real alpha = 1;
  bool add = false;
};

/// The product, which begins with c's first row and column.
void small_product(const SmallProduct& p, const Real* a, const Real* b, Real* c);

}  // namespace tenfold::inline TENFOLD_REAL
