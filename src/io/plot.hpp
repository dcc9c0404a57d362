/// @file
/// Pictures of a training run and of attention, drawn by gnuplot as SVG or PNG. A picture is written
/// atomically. Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which most colour-blind
/// readers can tell apart.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>

namespace tenfold {

/// Draws loss (training and validation), BLEU and learning rate, one below the other, against the training step, from a
/// run log (see run_log.hpp): its events "train" {step, loss, learning_rate} and "validation" {step, loss, bleu}.
/// Missing or null values, and a BLEU below 0, leave a gap. Throws UsageError (output is neither .svg nor .png), IoError, or
/// DataError (not a run log, or nothing in it to draw).
void plot_run(const std::filesystem::path& run_log, const std::filesystem::path& output);

/// Which of the attention weights in a file to draw; both count from 0.
struct AttentionChoice {
  std::size_t sentence = 0;          ///< the place in the file
  std::optional<std::size_t> layer;  ///< the last one if not given
};

/// Draws the weights of all heads of one layer as heat maps, source tokens across and target tokens down. The
/// file:
/// {"sentences":[{"source":[token, …],"target":[token, …],"layers":[{"heads":[[[weight per source] per
/// target], …]}, …]}, …]} with weights of 0 to 1. Throws UsageError (output is neither .svg nor .png; no such
/// sentence or layer), IoError, or DataError (the file breaks the format, or a sentence is too long to draw).
void plot_attention(const std::filesystem::path& attention, const std::filesystem::path& output,
                    const AttentionChoice& choice = {});

}  // namespace tenfold
