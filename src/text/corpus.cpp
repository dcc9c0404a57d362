#include "text/corpus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "core/errors.hpp"
#include "text/lines.hpp"
#include "text/utf8.hpp"

namespace tenfold {
namespace {

struct Fault {
  LineFault kind;
  std::string detail;  // what was found, or empty
};

std::optional<Fault> find_fault(std::string_view side, const CorpusPolicy& policy) {
  if (const auto at = find_invalid_utf8(side)) {
    return Fault{LineFault::invalid_utf8, fmt::format("at byte {} of the sentence", *at + 1)};
  }
  if (side.find('\0') != std::string_view::npos) return Fault{LineFault::nul_byte, {}};
  if (is_blank(side)) return Fault{LineFault::blank_side, {}};
  const auto characters = static_cast<std::int64_t>(count_code_points(side));
  if (characters > policy.max_characters) {
    return Fault{LineFault::too_long,
                 fmt::format("{} characters, at most {}", characters, policy.max_characters)};
  }
  return std::nullopt;
}

/// Takes lines one after the other and keeps the account.
class Collector {
 public:
  Collector(std::string name, const CorpusPolicy& policy) : policy_(policy) {
    if (policy.max_characters < 1) {
      throw UsageError(fmt::format("corpus: the longest sentence must be at least 1 character, got {}",
                                   policy.max_characters));
    }
    corpus_.report.name = std::move(name);
  }

  void count_line() { ++corpus_.report.lines; }

  void add(std::string_view source, const LineReader& source_file, std::string_view target,
           const LineReader& target_file) {
    if (const auto fault = find_fault(source, policy_)) return reject(*fault, source_file);
    if (const auto fault = find_fault(target, policy_)) return reject(*fault, target_file);
    corpus_.pairs.push_back({std::string(source), std::string(target)});
  }

  void reject(const Fault& fault, const LineReader& file) {
    std::string message = fmt::format("{}:{}: {}", file.name(), file.line_number(), to_string(fault.kind));
    if (!fault.detail.empty()) message += fmt::format(" ({})", fault.detail);
    if (policy_.on_fault == CorpusPolicy::OnFault::refuse) throw DataError(message);
    ++corpus_.report.skipped[static_cast<std::size_t>(fault.kind)];
    if (corpus_.report.examples.size() < policy_.max_examples)
      corpus_.report.examples.push_back(std::move(message));
  }

  Corpus finish() {
    CorpusReport& report = corpus_.report;
    report.pairs = static_cast<std::int64_t>(corpus_.pairs.size());
    if (report.pairs == 0) {
      const std::string example =
          report.examples.empty() ? "" : fmt::format("; first: {}", report.examples.front());
      throw DataError(
          fmt::format("{}: no usable sentence pair in {} lines{}", report.name, report.lines, example));
    }
    return std::move(corpus_);
  }

 private:
  CorpusPolicy policy_;
  Corpus corpus_;
};

/// Column `number` (from 1) of a tab-separated line, or nothing when the line has fewer.
std::optional<std::string_view> column(std::string_view line, int number) {
  for (; number > 1; --number) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    line.remove_prefix(tab + 1);
  }
  return line.substr(0, line.find('\t'));
}

std::int64_t count_lines(LineReader& reader) {
  std::string line;
  while (reader.next(line)) {
  }
  return reader.line_number();
}

}  // namespace

std::string_view to_string(LineFault fault) {
  switch (fault) {
    case LineFault::too_few_columns:
      return "too few columns";
    case LineFault::invalid_utf8:
      return "invalid UTF-8";
    case LineFault::nul_byte:
      return "NUL byte";
    case LineFault::blank_side:
      return "blank side";
    case LineFault::too_long:
      return "too long";
  }
  return "unknown fault";
}

std::int64_t CorpusReport::skipped_in_all() const {
  return std::accumulate(skipped.begin(), skipped.end(), std::int64_t{0});
}

std::string CorpusReport::summary() const {
  std::string text =
      fmt::format("{}: {} lines, {} pairs kept, {} skipped", name, lines, pairs, skipped_in_all());
  std::string separator = " (";
  for (std::size_t i = 0; i < skipped.size(); ++i) {
    if (skipped[i] == 0) continue;
    text += fmt::format("{}{} {}", std::exchange(separator, ", "), skipped[i],
                        to_string(static_cast<LineFault>(i)));
  }
  if (skipped_in_all() > 0) text += ')';
  for (const std::string& example : examples) text += "\n  " + example;
  const auto unnamed = skipped_in_all() - static_cast<std::int64_t>(examples.size());
  if (unnamed > 0) text += fmt::format("\n  and {} more", unnamed);
  return text;
}

Corpus read_tsv(const std::filesystem::path& path, int source_column, int target_column,
                const CorpusPolicy& policy) {
  if (source_column < 1 || target_column < 1 || source_column == target_column) {
    throw UsageError(
        fmt::format("corpus: source and target must be two different columns counted from 1, got {} and {}",
                    source_column, target_column));
  }
  LineReader reader(path);
  Collector collector(reader.name(), policy);
  std::string line;
  while (reader.next(line)) {
    collector.count_line();
    const auto source = column(line, source_column);
    const auto target = column(line, target_column);
    if (source && target) {
      collector.add(*source, reader, *target, reader);
    } else {
      const int needed = std::max(source_column, target_column);
      const auto found = std::count(line.begin(), line.end(), '\t') + 1;
      collector.reject({LineFault::too_few_columns, fmt::format("{}, need {}", found, needed)}, reader);
    }
  }
  return collector.finish();
}

Corpus read_parallel(const std::filesystem::path& source_path, const std::filesystem::path& target_path,
                     const CorpusPolicy& policy) {
  LineReader source_file(source_path), target_file(target_path);
  Collector collector(source_file.name() + " + " + target_file.name(), policy);
  std::string source, target;
  while (true) {
    const bool has_source = source_file.next(source);
    const bool has_target = target_file.next(target);
    if (!has_source && !has_target) return collector.finish();
    if (!has_source || !has_target) {
      const auto sources = count_lines(source_file), targets = count_lines(target_file);
      throw DataError(
          fmt::format("corpus: {} has {} lines but {} has {}; lines that belong together must come in "
                      "equal numbers",
                      source_file.name(), sources, target_file.name(), targets));
    }
    collector.count_line();
    collector.add(source, source_file, target, target_file);
  }
}

}  // namespace tenfold
