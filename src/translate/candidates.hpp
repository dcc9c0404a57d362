/// @file
/// Which continuations of a sentence's beginnings are the best: what a step of search() keeps of all logits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/real.hpp"
#include "core/shape.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// One beginning and a token that may follow it.
struct Candidate {
  double log_probability;  ///< of the whole
  std::size_t parent;      ///< which beginning
  std::int32_t token;      ///< what follows
};

/// Whether `a` comes first: by log-probability, ties by position, so that nothing depends on the sorting algorithm.
bool better(const Candidate& a, const Candidate& b);

/// A beginning that is to be continued.
struct Beginning {
  const Real* logits;   ///< [vocabulary]
  double base;          ///< turns a logit into the log-probability of the whole; where not finite, nothing can follow
  const Real* largest;  ///< of each stretch of logits (OutputSummary), or null
};

/// The `count` best continuations, best first; fewer where there are not as many. The tokens pad and bos are never wanted, nor
/// is one whose logit is no number or minus infinity.
std::vector<Candidate> best_continuations(std::span<const Beginning> beginnings, Index vocabulary, std::size_t count);

}  // namespace tenfold::inline TENFOLD_REAL
