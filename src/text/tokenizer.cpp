#include "text/tokenizer.hpp"

#include <fmt/format.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/errors.hpp"
#include "text/model_check.hpp"
#include "text/utf8.hpp"

namespace tenfold {

struct Tokenizer::Model {
  std::string serialized;
  sentencepiece::SentencePieceProcessor processor;
};

namespace {

using sentencepiece::util::Status;

constexpr std::string_view word_mark = "\xE2\x96\x81";  // U+2581, SentencePiece's visible space
constexpr std::string_view unknown_mark =
    "\xE2\x96\x85";  // U+2585, by which its trainer marks rare characters

/// `text` with a space for every `unwanted`.
std::string spaced(std::string_view text, std::string_view unwanted) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = text.find(unwanted); at != std::string_view::npos; at = text.find(unwanted)) {
    result.append(text.substr(0, at)).append(1, ' ');
    text.remove_prefix(at + unwanted.size());
  }
  return result.append(text);
}

std::string prepare(std::string_view text) { return spaced(normalise(text), word_mark); }

/// Where a training text longer than this is cut: after its last space, or else between two characters. The
/// trainer leaves out long lines (max_sentence_length), and its arithmetic gives up on very long words.
constexpr std::size_t longest_training_line = 4096;

/// Where the first line of a training text ends. A marker spelled out in the text is cut in two as well, for
/// the trainer would strike it out, and a character that occurs nowhere else with it.
std::size_t cut_point(std::string_view text) {
  const std::string_view start = text.substr(0, longest_training_line);
  for (std::size_t at = start.find('<'); at != std::string_view::npos; at = start.find('<', at + 1)) {
    for (const std::string_view marker : {"<pad>", "<unk>", "<s>", "</s>"}) {
      if (text.substr(at).starts_with(marker)) return at + 1;
    }
  }
  if (start.size() == text.size()) return text.size();
  const std::size_t space = start.rfind(' ');
  if (space != std::string_view::npos) return space + 1;
  std::size_t at = start.size();
  while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

/// What the trainer learns from: prepared, none empty, none too long.
std::vector<std::string> training_lines(std::span<const std::string_view> texts) {
  std::vector<std::string> lines;
  lines.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (const auto at = find_invalid_utf8(texts[i])) {
      throw DataError(fmt::format("tokenizer: text {} is not UTF-8 (byte {})", i + 1, *at + 1));
    }
    // The trainer would leave out a whole line for the sake of one unknown_mark.
    const std::string prepared = spaced(prepare(texts[i]), unknown_mark);
    for (std::string_view rest = prepared; !rest.empty();) {
      const std::string_view line = rest.substr(0, cut_point(rest));
      if (!is_blank(line)) lines.emplace_back(line);
      rest.remove_prefix(line.size());
    }
  }
  if (lines.empty())
    throw DataError(fmt::format("tokenizer: no text to learn from in {} lines", texts.size()));
  return lines;
}

class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return at_ == lines_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return lines_[at_]; }
  Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  std::size_t at_ = 0;
};

/// Two calls may not overlap: SentencePiece's log level is one for the process.
Status run_trainer(const std::vector<std::string>& lines, const TokenizerOptions& options,
                   std::string& model) {
  Lines iterator(lines);
  const bool unigram = options.model == TokenizerOptions::Model::unigram;
  return sentencepiece::SentencePieceTrainer::Train(
      {{"vocab_size", std::to_string(options.vocab_size)},
       {"model_type", unigram ? "unigram" : "bpe"},
       {"character_coverage", fmt::format("{}", options.character_coverage)},
       {"normalization_rule_name", "identity"},
       {"pad_id", std::to_string(SpecialIds::pad)},
       {"unk_id", std::to_string(SpecialIds::unk)},
       {"bos_id", std::to_string(SpecialIds::bos)},
       {"eos_id", std::to_string(SpecialIds::eos)},
       {"max_sentence_length", std::to_string(2 * longest_training_line)},
       // Sums of the unigram trainer depend on the number of threads, so it is the same everywhere.
       {"num_threads", "4"},
       {"minloglevel", "3"}},
      &iterator, &model);
}

/// The number after `words` in a message of SentencePiece.
std::optional<std::int32_t> number_after(std::string_view message, std::string_view words) {
  const std::size_t at = message.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view digits = message.substr(at + words.size());
  std::int32_t number = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc{})
    return std::nullopt;
  return number;
}

/// SentencePiece's message in one line without its place in the source: "Internal: a.cc(1) [a == b] Text." ->
/// "Text."
std::string one_line(const Status& status) {
  std::string_view message = status.error_message();
  if (const std::size_t bracket = message.rfind("] "); bracket != std::string_view::npos) {
    message.remove_prefix(bracket + 2);
  }
  return spaced(message, "\n");
}

constexpr std::string_view too_large_words = "Please set it to a value <= ";
constexpr std::string_view too_small_words = "smaller than required_chars. ";

/// The largest vocabulary these lines support. The bound in SentencePiece's message is what was left of this
/// one attempt; with it as the wish, fewer may be left again, so it is tried.
std::int32_t largest_vocabulary(const std::vector<std::string>& lines, TokenizerOptions options,
                                std::int32_t bound) {
  std::string model;
  while (bound < options.vocab_size) {
    options.vocab_size = bound;
    const Status status = run_trainer(lines, options, model);
    bound = status.ok() ? bound : number_after(status.error_message(), too_large_words).value_or(bound);
  }
  return bound;
}

[[noreturn]] void report(const Status& status, const std::vector<std::string>& lines,
                         const TokenizerOptions& options) {
  const std::string_view message = status.error_message();
  if (const auto bound = number_after(message, too_large_words)) {
    const auto largest = largest_vocabulary(lines, options, *bound);
    throw DataError(
        fmt::format("tokenizer: vocabulary of {} is larger than this text supports (at most {}); use "
                    "--vocabulary {} or more text",
                    options.vocab_size, largest, largest));
  }
  if (message.find(too_small_words) != std::string_view::npos) {
    const auto needed = number_after(message, fmt::format("{} vs ", options.vocab_size));
    throw DataError(
        fmt::format("tokenizer: vocabulary of {} is smaller than the characters of this text need (at "
                    "least {}); use --vocabulary {} or a lower character coverage",
                    options.vocab_size, needed.value_or(0), needed.value_or(0)));
  }
  throw DataError(fmt::format("tokenizer: training failed: {}", one_line(status)));
}

void check(const TokenizerOptions& options) {
  if (options.vocab_size <= SpecialIds::count) {
    throw UsageError(
        fmt::format("tokenizer: the vocabulary must be larger than its {} special pieces, got {}",
                    SpecialIds::count, options.vocab_size));
  }
  if (!(options.character_coverage > 0.9 && options.character_coverage <= 1)) {
    throw UsageError(fmt::format("tokenizer: character coverage must be above 0.9 and at most 1, got {}",
                                 options.character_coverage));
  }
}

}  // namespace

Tokenizer Tokenizer::train(std::span<const std::string_view> texts, const TokenizerOptions& options) {
  check(options);
  const std::vector<std::string> lines = training_lines(texts);
  std::string model;
  if (const Status status = run_trainer(lines, options, model); !status.ok()) report(status, lines, options);
  return from_serialized(std::move(model));
}

Tokenizer Tokenizer::from_serialized(std::string model) {
  check_sentencepiece_model(model);
  const auto loaded = std::make_shared<Model>();
  loaded->serialized = std::move(model);
  const Status status = loaded->processor.LoadFromSerializedProto(loaded->serialized);
  if (!status.ok()) throw DataError(fmt::format("tokenizer: the model cannot be used: {}", one_line(status)));
  return Tokenizer(loaded);
}

const std::string& Tokenizer::serialized() const { return model_->serialized; }

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int> ids;
  const Status status = model_->processor.Encode(prepare(text), &ids);
  if (!status.ok()) throw DataError(fmt::format("tokenizer: cannot encode: {}", one_line(status)));
  return {ids.begin(), ids.end()};
}

std::vector<std::string> Tokenizer::pieces(std::string_view text) const {
  std::vector<std::string> pieces;
  const Status status = model_->processor.Encode(prepare(text), &pieces);
  if (!status.ok()) throw DataError(fmt::format("tokenizer: cannot encode: {}", one_line(status)));
  return pieces;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  for (const std::int32_t id : ids) piece(id);
  std::string text;
  const Status status = model_->processor.Decode(std::vector<int>(ids.begin(), ids.end()), &text);
  if (!status.ok()) throw DataError(fmt::format("tokenizer: cannot decode: {}", one_line(status)));
  return text;
}

const std::string& Tokenizer::piece(std::int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw DataError(fmt::format("tokenizer: there is no piece {} in a vocabulary of {}", id, vocab_size()));
  }
  return model_->processor.IdToPiece(id);
}

std::int32_t Tokenizer::vocab_size() const { return model_->processor.GetPieceSize(); }

}  // namespace tenfold
