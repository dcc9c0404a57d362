/// @file
/// Which parallel text a command works on: files or the built-in corpus; read, checked, and remembered in run.json.
#pragma once
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/sentence_pair.hpp"

namespace tenfold::cli {

/// Training and validation text.
struct SplitText {
  std::vector<SentencePair> train, validation;
};

struct CorpusOptions {
  std::string tsv, source, target;                    ///< training text
  std::string valid_tsv, valid_source, valid_target;  ///< validation text; none: held out from the training text
  std::vector<int> columns{1, 2};
  std::int64_t builtin = 0;   ///< so many pairs of the built-in corpus instead of files
  std::int64_t held_out = 0;  ///< how many pairs to hold out; 0: a twentieth, at most 1000
  std::int64_t max_characters = 2000;
  bool strict = false;  ///< refuse a corpus with a faulty line instead of leaving the line out
  std::uint64_t seed = 1;

  void declare(CLI::App& command);
  /// Whether any of them differs from its default.
  bool given() const { return to_json() != CorpusOptions().to_json(); }
  /// Reads the text and says on standard error what was read. Throws UsageError, IoError, DataError.
  SplitText read() const;

  /// With absolute paths, so that a run can be resumed from anywhere.
  nlohmann::json to_json() const;
  static CorpusOptions from_json(const nlohmann::json& j);
};

}  // namespace tenfold::cli
