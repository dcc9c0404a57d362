#include "text/bleu.hpp"

#include <fmt/core.h>

#include <cmath>
#include <unordered_map>
#include <vector>

#include "text/metric_common.hpp"
#include "text/mt_unicode.hpp"
#include "text/ngram_counts.hpp"

namespace tenfold {
namespace {

constexpr std::size_t max_order = BleuScore::max_order;

// Numbers the words of one segment pair from 1, equal words alike.
class WordNumbers {
 public:
  std::vector<std::uint32_t> operator()(std::u32string_view text) {
    std::vector<std::uint32_t> numbers;
    for (const std::u32string_view word : mt::split_spaces(text)) {
      numbers.push_back(
          known_.try_emplace(word, static_cast<std::uint32_t>(known_.size() + 1)).first->second);
    }
    return numbers;
  }

 private:
  std::unordered_map<std::u32string_view, std::uint32_t> known_;
};

void add_segment(BleuScore& bleu, std::u32string_view hypothesis, std::u32string_view reference) {
  WordNumbers number;
  const auto ours = number(hypothesis);
  const auto theirs = number(reference);
  bleu.hypothesis_length += static_cast<std::int64_t>(ours.size());
  bleu.reference_length += static_cast<std::int64_t>(theirs.size());
  const NgramWindows<max_order> our_windows(ours), their_windows(theirs);
  for (std::size_t n = 1; n <= max_order; ++n) {
    const NgramCounts counts = our_windows.match(their_windows, n);
    bleu.matches[n - 1] += counts.matches;
    bleu.totals[n - 1] += counts.hypothesis;
  }
}

double brevity_penalty(std::int64_t hypothesis_length, std::int64_t reference_length) {
  if (hypothesis_length >= reference_length) return 1;
  if (hypothesis_length == 0) return 0;
  return std::exp(1 - static_cast<double>(reference_length) / static_cast<double>(hypothesis_length));
}

// Sets the precisions and the score from the sums.
void finish(BleuScore& bleu) {
  bleu.brevity_penalty = brevity_penalty(bleu.hypothesis_length, bleu.reference_length);
  // A match of any order is also a match of single words; without one, no smoothing makes a score.
  if (bleu.matches[0] == 0) return;
  double smoothed_away = 1;
  double log_sum = 0;
  for (std::size_t n = 0; n < max_order; ++n) {
    if (bleu.totals[n] == 0) return;
    if (bleu.matches[n] == 0) smoothed_away *= 2;
    const double matches = bleu.matches[n] == 0 ? 1 / smoothed_away : static_cast<double>(bleu.matches[n]);
    bleu.precisions[n] = 100 * matches / static_cast<double>(bleu.totals[n]);
    log_sum += std::log(bleu.precisions[n]);
  }
  bleu.score = bleu.brevity_penalty * std::exp(log_sum / max_order);
}

}  // namespace

std::string BleuScore::signature() const {
  return fmt::format("nrefs:1|case:{}|eff:no|tok:{}|smooth:exp|version:{}",
                     options.lowercase ? "lc" : "mixed", name_of(options.tokenization), metric_version);
}

std::string BleuScore::format() const {
  const double ratio = reference_length == 0 ? 0 : static_cast<double>(hypothesis_length) / reference_length;
  return fmt::format(
      "BLEU|{} = {:.2f} {:.1f}/{:.1f}/{:.1f}/{:.1f} (BP = {:.3f} ratio = {:.3f} hyp_len = {} ref_len = {})",
      signature(), score, precisions[0], precisions[1], precisions[2], precisions[3], brevity_penalty, ratio,
      hypothesis_length, reference_length);
}

BleuScore corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::string> references,
                      const BleuOptions& options) {
  check_segments("bleu", hypotheses, references);
  BleuScore bleu;
  bleu.options = options;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    const auto hypothesis = decode_segment("bleu", "hypothesis", hypotheses, i, options.lowercase);
    const auto reference = decode_segment("bleu", "reference", references, i, options.lowercase);
    add_segment(bleu, mt_tokenize(hypothesis, options.tokenization),
                mt_tokenize(reference, options.tokenization));
  }
  finish(bleu);
  return bleu;
}

}  // namespace tenfold
