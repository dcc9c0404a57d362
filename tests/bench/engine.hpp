/// @file
/// The engine's side of `make bench`: what each command of bench_engine measures. bench.py runs it beside
/// peer.py and makes figures of both; here nothing is derived, only timed. Every function returns one JSON
/// object.
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "translate/preparation.hpp"

namespace tenfold::bench {

/// What is measured on: token ids that the peer reads, too.
///
/// FOLDER/{train,valid}.{source,target} hold a sentence a line, ids without markers; FOLDER/batches a batch a
/// line, as numbers of training lines from 0, in the trainer's order; FOLDER/tokenizer.model the pieces;
/// FOLDER/about.json what text it is.
struct Workload {
  Tokenizers tokenizers;
  TrainingData data;
};

/// Makes FOLDER: of `text` (a folder with train.en, train.de, val.en, val.de, plain or .gz), or of the
/// built-in corpus where `text` is empty. Throws IoError, DataError.
nlohmann::json prepare(const std::filesystem::path& folder, const std::filesystem::path& text);
/// Reads what prepare() made. Throws IoError, DataError.
Workload load(const std::filesystem::path& folder);

/// `tiny` or `small` with the settings both sides train with. They do not follow the presets: a preset may
/// change, and a figure must mean next year what it means now. Throws UsageError for another size.
TrainSettings settings_of(const std::string& size);

/// How train() goes about it.
struct TrainOptions {
  std::string device = "cpu";
  int threads = 1, warm = 3, steps = 6;
};
/// Runs `warm` + `steps` steps of the Trainer; the seconds of each of the last `steps`, and the peak memory: of the
/// process, and of tensors, which on a card is the card's.
nlohmann::json train(const std::filesystem::path& folder, const std::string& size, const TrainOptions& options);

/// Trains for `steps` steps, `warm` not counting, and saves the model in `out`: one that translates as trained ones do, whose
/// ReLU leaves more zeros.
nlohmann::json teach(const std::filesystem::path& folder, const std::string& size, const TrainOptions& options,
                     const std::filesystem::path& out);

/// How decode() goes about it.
struct DecodeOptions {
  std::filesystem::path model;  ///< from teach(), which knows its size; empty for fresh weights
  std::string device = "cpu";
  int threads = 1;
  std::size_t sentences = 192, batch = 32;
  Index beam = 1;
  bool scores = false;  ///< of a greedy search; a beam always has them
  int repeats = 3;
};
/// Translates validation sentences to exactly their reference's length; the seconds of each pass.
nlohmann::json decode(const std::filesystem::path& folder, const std::string& size,
                      const DecodeOptions& options);

/// Writes a `small` model whose every translation is one word: with it, `tenfold translate` prints after two
/// tokens.
nlohmann::json checkpoint(const std::filesystem::path& folder, const std::filesystem::path& out);

/// GFLOP/s of OpenBLAS and of the engine's own product, 1024 cubed.
nlohmann::json sgemm(int threads);
/// Attention of `small` forth and back, and a whole encoder layer, by length.
nlohmann::json length_cost(int threads, Index longest, int repeats);
/// Output layer and loss forth and back, by vocabulary and tokens: time, and memory beyond the inputs.
nlohmann::json vocabulary_cost(int threads, int repeats);

}  // namespace tenfold::bench
