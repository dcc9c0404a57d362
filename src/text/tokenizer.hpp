/// @file
/// Tokenizer: text to subword ids and back, by SentencePiece (Kudo and Richardson, EMNLP 2018).
///
/// Text is brought to its normal form first (normalise() in text/utf8.hpp: NFC, every blank one kind of
/// space), in training and in encoding alike; SentencePiece's own rules are switched off. Its built-in ones
/// are NFKC, which would turn the full-width punctuation of Chinese into another one, and its rule tables
/// cannot express NFC exactly. So the serialized model is a plain SentencePiece model with the normaliser
/// "identity": any SentencePiece can use it on NFC text.
///
/// SentencePiece joins runs of spaces, drops them at both ends, and marks a word's beginning with U+2581;
/// that character itself counts as a space in the text. A character the vocabulary lacks becomes `unk`,
/// decoded " ⁇ ". Markers such as "<s>" or "<pad>" are ordinary text; only the ids of SpecialIds are special.
///
/// A Tokenizer never changes, and may be used from several threads at once.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold {

/// The same in every vocabulary.
struct SpecialIds {
  static constexpr std::int32_t pad =
      0;  ///< Fills the end of short rows; never attended to, never in the loss.
  static constexpr std::int32_t unk = 1;  ///< Stands for characters outside the vocabulary.
  static constexpr std::int32_t bos = 2;  ///< Before the first target token.
  static constexpr std::int32_t eos = 3;  ///< After the last token.
  static constexpr std::int32_t count = 4;  ///< how many special ids there are
};

/// How a vocabulary is learned.
struct TokenizerOptions {
  /// SentencePiece's two ways to choose pieces: by likelihood (Kudo 2018), or by merging (Sennrich et al.
  /// 2016).
  enum class Model { unigram, bpe };
  Model model = Model::unigram;    ///< which of them
  std::int32_t vocab_size = 8000;  ///< Pieces in all, the special ones included.
  /// Share of the characters of the text that must be in the vocabulary; 1 for all of them.
  double character_coverage = 0.9995;
};

/// A learned vocabulary. Copies share it.
class Tokenizer {
 public:
  /// Learns a vocabulary from texts (UTF-8, each a sentence or a line). The same texts in the same order give
  /// the same model on any number of processors. Blank texts are passed over.
  ///
  /// Throws UsageError for options out of range; DataError when a text is not UTF-8, when there is no text,
  /// or when the vocabulary is larger or smaller than the text allows, saying what is possible.
  static Tokenizer train(std::span<const std::string_view> texts, const TokenizerOptions& options = {});

  /// Reads what serialized() gave. Throws DataError when it is not a SentencePiece model made by train();
  /// damage that leaves a well-formed model (another letter in a piece, say) cannot be told from the original
  /// here.
  static Tokenizer from_serialized(std::string model);

  /// The SentencePiece model, as spm_train would write it to a file.
  const std::string& serialized() const;

  /// Ids of the pieces of `text`, without bos or eos; none when the text is blank. Throws DataError when
  /// `text` is not UTF-8.
  std::vector<std::int32_t> encode(std::string_view text) const;
  /// The pieces themselves, for people to look at; an unknown one is shown as it is in the text.
  std::vector<std::string> pieces(std::string_view text) const;

  /// The text of these ids; pad, bos and eos have none. Throws DataError for an id outside the vocabulary.
  std::string decode(std::span<const std::int32_t> ids) const;

  /// The piece of this id; special ones are "<pad>", "<unk>", "<s>", "</s>". Throws DataError as decode()
  /// does.
  const std::string& piece(std::int32_t id) const;
  /// Pieces in all, the special ones included.
  std::int32_t vocab_size() const;

 private:
  struct Model;
  explicit Tokenizer(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  std::shared_ptr<const Model> model_;
};

}  // namespace tenfold
