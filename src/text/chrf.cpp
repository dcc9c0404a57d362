#include "text/chrf.hpp"

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <vector>

#include "text/metric_common.hpp"
#include "text/mt_unicode.hpp"
#include "text/ngram_counts.hpp"

namespace tenfold {
namespace {

constexpr std::size_t longest_ngram = ChrfScore::max_order;
using Counts = std::array<NgramCounts, longest_ngram>;

// Code points plus one, so that U+0000 does not look like the end; no white space.
std::vector<std::uint32_t> symbols_of(std::u32string_view text) {
  std::vector<std::uint32_t> symbols;
  symbols.reserve(text.size());
  for (const char32_t c : text) {
    if (!mt::is_space(c)) symbols.push_back(static_cast<std::uint32_t>(c) + 1);
  }
  return symbols;
}

void add_segment(Counts& sums, std::u32string_view hypothesis, std::u32string_view reference) {
  const NgramWindows<longest_ngram> ours(symbols_of(hypothesis)), theirs(symbols_of(reference));
  for (std::size_t n = 1; n <= longest_ngram; ++n) {
    NgramCounts counts = ours.match(theirs, n);
    if (counts.reference == 0) counts.hypothesis = 0;
    sums[n - 1] += counts;
  }
}

// F of the mean precision and the mean recall over the orders that occur on both sides ("effective order").
void finish(ChrfScore& chrf, const Counts& sums) {
  int orders = 0;
  for (const NgramCounts& counts : sums) {
    if (counts.hypothesis == 0 || counts.reference == 0) continue;
    const double matches = 100 * static_cast<double>(counts.matches);
    chrf.precision += matches / static_cast<double>(counts.hypothesis);
    chrf.recall += matches / static_cast<double>(counts.reference);
    ++orders;
  }
  if (orders == 0 || chrf.precision + chrf.recall == 0) return;
  chrf.precision /= orders;
  chrf.recall /= orders;
  constexpr double weight = ChrfScore::beta * ChrfScore::beta;
  chrf.score = (1 + weight) * chrf.precision * chrf.recall / (weight * chrf.precision + chrf.recall);
}

}  // namespace

std::string ChrfScore::signature() const {
  return fmt::format("nrefs:1|case:{}|eff:yes|nc:{}|nw:0|space:no|version:{}",
                     options.lowercase ? "lc" : "mixed", longest_ngram, metric_version);
}

std::string ChrfScore::format() const {
  return fmt::format("chrF{:.0f}|{} = {:.2f}", beta, signature(), score);
}

ChrfScore corpus_chrf(std::span<const std::string> hypotheses, std::span<const std::string> references,
                      const ChrfOptions& options) {
  check_segments("chrf", hypotheses, references);
  Counts sums{};
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    add_segment(sums, decode_segment("chrf", "hypothesis", hypotheses, i, options.lowercase),
                decode_segment("chrf", "reference", references, i, options.lowercase));
  }
  ChrfScore chrf;
  chrf.options = options;
  finish(chrf, sums);
  return chrf;
}

}  // namespace tenfold
