/// @file
/// Attention of one query per batch entry, as in decoding token by token, without dropout.
///
/// All heads of an entry are gone through together: then its keys are read from the first to the last, and its values eight
/// vectors of columns at a time, whose sums stay in registers; head by head every piece would come from another
/// place. Nothing is transposed, which pays from two queries on; those take the other way (cpu_attention.cpp) although it
/// would just pay for three, so that a short sentence is summed in the same order alone and in company.
#pragma once
#include "backend/kernels.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// As Kernels::attention() for a.queries == 1.
void lone_queries(const Attention& a, int threads, const Real* q, const Real* k, const Real* v, Real* o, Real* log_sums);

}  // namespace tenfold::inline TENFOLD_REAL
