/// @file
/// Corpus chrF2 (Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation") with one
/// reference for each segment, computed as sacreBLEU 2 computes it by default: characters are Unicode code
/// points, white space is left out, n-grams have 1 to 6 characters, recall weighs beta² = 4 times as much as
/// precision, words are not counted.
#pragma once
#include <span>
#include <string>

namespace tenfold {

/// What a chrF score was computed with; its signature says so.
struct ChrfOptions {
  bool lowercase = false;  ///< both sides in lower case first
};

/// A corpus chrF2 score.
struct ChrfScore {
  /// The longest n-grams of characters that count (Popović 2015).
  static constexpr std::size_t max_order = 6;
  /// How many times as much recall counts as precision.
  static constexpr double beta = 2;

  double score = 0;      ///< in percent, 0 to 100
  double precision = 0;  ///< mean over the orders that both sides have, in percent
  double recall = 0;     ///< likewise
  ChrfOptions options;   ///< what it was computed with

  /// "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:tenfold-0.1"
  std::string signature() const;
  /// The line sacreBLEU prints: "chrF2|<signature> = 59.73".
  std::string format() const;
};

/// chrF2 of `hypotheses[i]` against `references[i]`, all UTF-8. A segment may be empty; the hypothesis of an
/// empty reference is not counted against precision. Throws DataError if the counts differ, there are no
/// segments, or one is not UTF-8.
ChrfScore corpus_chrf(std::span<const std::string> hypotheses, std::span<const std::string> references,
                      const ChrfOptions& options = {});

}  // namespace tenfold
