/// @file
/// Translating text with a trained model: many lines at once, scoring pairs, looking at attention.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "text/batching.hpp"
#include "text/mt_tokenize.hpp"
#include "text/sentence_pair.hpp"
#include "translate/model_files.hpp"
#include "translate/search.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// One output of the search as text.
struct TranslatedText {
  std::string text;       ///< UTF-8
  Hypothesis hypothesis;  ///< its ids and scores
};

/// What became of one line.
struct Translation {
  std::vector<TranslatedText> best;    ///< best first, at least one
  std::vector<std::int32_t> source;    ///< the ids that were translated
  std::vector<std::string> warnings;   ///< what was not as it should be, a line each
};

/// Translates lines of text. A blank line gives blank translations, `nbest` of them as any line. Bytes that are not UTF-8 are replaced and NULs
/// dropped, and a line too long for the model is cut, each with a warning.
/// @param batch how many sentences are translated together, at most
/// @param prepared the model's weights, for who calls more than once
std::vector<Translation> translate(Transformer& model, const Tokenizers& tokenizers,
                                   std::span<const std::string> lines, const SearchOptions& options = {},
                                   std::size_t batch = 32, PreparedWeights* prepared = nullptr);

/// Log-probability of each target given its source, natural log, the end token included.
/// Throws DataError for a pair too long for the model.
std::vector<double> score(Transformer& model, const Tokenizers& tokenizers, std::span<const SentencePair> pairs);

/// Cross-entropy per token of tokenised pairs, without smoothing and dropout.
double validation_loss(Transformer& model, const Batcher& batcher);

/// How BLEU should cut this text into words: zh where most letters are Chinese characters, which 13a would leave in
/// one piece, else 13a.
MtTokenization fitting_tokenization(std::span<const std::string> references);

/// Moves a batch to the model's device.
DeviceBatch on_device(const Batch& batch, Kernels& kernels);

/// One attention matrix set: heads' weights, each [target, source].
struct AttentionMap {
  std::string name;  ///< "decoder.layers.0.multihead_attn"
  std::vector<std::vector<std::vector<float>>> heads;  ///< [head][target][source]
};

/// The attention of decoder to encoder while `target` is read after `source`. A target cut at the model's length
/// limit is shown without its last token, so that its end marker has a row.
struct AttentionPicture {
  std::vector<std::string> source, target;  ///< pieces, both with their end marker
  std::vector<AttentionMap> layers;         ///< from the input upwards
};
/// Reads `target` after `source` (ids without markers) and keeps every layer's weights.
AttentionPicture attention_picture(Transformer& model, const Tokenizers& tokenizers,
                                   const std::vector<std::int32_t>& source, std::vector<std::int32_t> target);

}  // namespace tenfold::inline TENFOLD_REAL
