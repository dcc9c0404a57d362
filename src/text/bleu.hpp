/// @file
/// Corpus BLEU (Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation") with
/// one reference for each segment, computed as sacreBLEU 2 computes it by default.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "text/mt_tokenize.hpp"

namespace tenfold {

/// What a BLEU score was computed with; its signature says so.
struct BleuOptions {
  MtTokenization tokenization = MtTokenization::v13a;  ///< how words are cut
  bool lowercase = false;                              ///< both sides in lower case first
};

/// A corpus BLEU score and what it was made of. Index n - 1 of an array is for n-grams of n words.
struct BleuScore {
  /// The longest n-grams that count (Papineni et al. 2002).
  static constexpr std::size_t max_order = 4;

  double score = 0;                               ///< in percent, 0 to 100
  std::array<double, max_order> precisions{};     ///< in percent, smoothed where nothing matched
  std::array<std::int64_t, max_order> matches{};  ///< n-grams of the hypotheses found in their references
  std::array<std::int64_t, max_order> totals{};   ///< n-grams of the hypotheses
  double brevity_penalty = 1;  ///< exp(1 - reference / hypothesis length), 1 where the hypotheses are longer
  std::int64_t hypothesis_length = 0;  ///< in words
  std::int64_t reference_length = 0;   ///< in words
  BleuOptions options;                 ///< what it was computed with

  /// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:tenfold-0.1"
  std::string signature() const;
  /// The line sacreBLEU prints: "BLEU|<signature> = 33.71 66.1/41.0/… (BP = 1.000 ratio = … hyp_len = …
  /// ref_len = …)".
  std::string format() const;
};

/// BLEU of `hypotheses[i]` against `references[i]`, all UTF-8. A segment may be empty. Counts are summed over
/// the corpus; an order without a match gets half the precision one match would, the next such order a
/// quarter, and so on (mteval's smoothing, "exp"). Where no hypothesis is four words long the score is 0.
/// Throws DataError if the counts differ, there are no segments, or one is not UTF-8.
BleuScore corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::string> references,
                      const BleuOptions& options = {});

}  // namespace tenfold
