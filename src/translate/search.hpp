/// @file
/// From source ids to target ids: greedy and beam search.
///
/// Greedy takes the likeliest token each time. Beam search keeps the `beam` likeliest beginnings; a hypothesis that
/// ended is ranked by log-probability / length^length_penalty, its end token counted. A sentence is done when `beam`
/// hypotheses ended, or at its length limit.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nn/transformer.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// How to search, and how long outputs may get.
struct SearchOptions {
  Index beam = 1;                ///< 1 is greedy
  double length_penalty = 1;     ///< 0 ranks by log-probability alone, which favours short output
  Index nbest = 1;               ///< hypotheses returned per sentence, at most `beam`
  double length_factor = 2;      ///< limit of the output: factor · source tokens + extra, within the model's max_length
  Index length_extra = 20;       ///< tokens
  bool scores = true;            ///< false: a greedy search may leave probabilities and scores at 0, which is faster

  /// Throws UsageError that names the first field that is out of range.
  void validate() const;
};

/// One output of the search.
struct Hypothesis {
  std::vector<std::int32_t> tokens;  ///< without bos and eos
  double log_probability = 0;        ///< natural log, of all tokens and the end
  double score = 0;                  ///< what hypotheses are ranked by
  bool ended = true;                 ///< false: cut at the length limit
};

/// Translates sentences of ids (without eos) as one batch; result [sentence][rank], best first. What a sentence comes to
/// does not depend on the others. `prepared`, if any, holds the model's weights for several searches.
/// Throws ShapeError for a sentence longer than the model's max_length - 1, UsageError for options out of range.
std::vector<std::vector<Hypothesis>> search(Transformer& model, std::span<const std::vector<std::int32_t>> sources,
                                            const SearchOptions& options, PreparedWeights* prepared = nullptr);

/// Cuts [0, count) into batches of at most `batch` and nearly equal size, at least one for each caller that the device
/// serves side by side, and up to four for each if they are still of sixteen then; calls body(first, last) for each, from
/// several threads; the last batch first, since sorted sentences are longest there. Exceptions come through.
void in_batches(Kernels& kernels, std::size_t count, std::size_t batch,
                const std::function<void(std::size_t first, std::size_t last)>& body);

}  // namespace tenfold::inline TENFOLD_REAL
