/// @file
/// Reading parallel text: a TSV file, or two files whose lines belong together; plain or gzip
/// (text/lines.hpp).
///
/// Every line is accounted for: it becomes a pair, or it is counted under the rule it broke. A side may not
/// be invalid UTF-8, hold a NUL byte, be blank, or be longer than CorpusPolicy::max_characters. The text of a
/// pair is kept exactly as read, and so are exact duplicates.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "text/sentence_pair.hpp"

namespace tenfold {

/// The rules a line can break, in the order in which they are looked at.
enum class LineFault { too_few_columns, invalid_utf8, nul_byte, blank_side, too_long };
/// How many rules LineFault lists.
constexpr std::size_t line_fault_count = 5;
/// "invalid UTF-8", "blank side", …
std::string_view to_string(LineFault fault);

/// What is let in, and what becomes of the rest.
struct CorpusPolicy {
  /// What happens to a line that breaks a rule: it is counted and left out, or the whole corpus is refused.
  enum class OnFault { skip, refuse };
  OnFault on_fault = OnFault::skip;    ///< leave out and count, unless told otherwise
  std::int64_t max_characters = 2000;  ///< Unicode code points in one side.
  std::size_t max_examples = 5;        ///< Faulty lines that CorpusReport::examples names.
};

/// What became of the lines.
struct CorpusReport {
  std::string name;                                      ///< The file, or "source + target".
  std::int64_t lines = 0;                                ///< Lines read; of two files, lines of each.
  std::int64_t pairs = 0;                                ///< Lines that became a pair.
  std::array<std::int64_t, line_fault_count> skipped{};  ///< By LineFault.
  std::vector<std::string> examples;                     ///< "train.en:17: blank side", the first few.

  /// Lines left out, whatever the reason.
  std::int64_t skipped_in_all() const;
  /// One line saying how many lines were read, kept and skipped for which reason; then a line per example. No
  /// newline at the end.
  std::string summary() const;
};

/// Parallel text and how it was read.
struct Corpus {
  std::vector<SentencePair> pairs;  ///< in the file's order
  CorpusReport report;              ///< what became of the lines
};

/// Reads tab-separated text; columns count from 1 and others are ignored. Throws UsageError for columns that
/// make no sense, IoError when the file cannot be read whole, and DataError "file:line: reason" for the first
/// faulty line when the policy is to refuse, or when no line is usable.
Corpus read_tsv(const std::filesystem::path& path, int source_column = 1, int target_column = 2,
                const CorpusPolicy& policy = {});

/// Reads two files whose lines belong together. Throws as read_tsv does; and, whatever the policy, DataError
/// when the files have different numbers of lines, for then no line is known to belong to another.
Corpus read_parallel(const std::filesystem::path& source_path, const std::filesystem::path& target_path,
                     const CorpusPolicy& policy = {});

}  // namespace tenfold
