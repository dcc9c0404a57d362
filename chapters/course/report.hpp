/// @file
/// Report: what an experiment found, as numbers. Written as results.json beside the lesson, read again by the program
/// that fills the lesson's marked regions and by the test that measures anew and compares.
///
/// A fact is one number that a lesson may state, with how far it may move before the statement counts as wrong. A
/// claim is a sentence that held or did not. A table is what the terminal showed, cell by cell.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace tenfold::course {

/// How far a fact may move: |again - stated| <= absolute + relative · |stated|. Choose it from the spread over seeds.
struct Tolerance {
  double absolute = 0, relative = 0;  ///< in the fact's unit, and as a share of it
  bool compared = true;               ///< false: only shown
  /// A time or a rate: true on the machine that measured it, so shown but never compared.
  static Tolerance machine() { return {0, 0, false}; }
};

/// One measured number.
struct Fact {
  std::string name;     ///< unique in the chapter: "entropy/no-scale"
  double value = 0;     ///< as measured, in full precision
  Tolerance tolerance;  ///< how far it may move
  std::string text;  ///< as the lesson shows it
};

/// One sentence and whether it held.
struct Claim {
  std::string name, text;  ///< unique in the chapter, and the sentence
  bool holds = false;      ///< as measured
};

/// Cells as text; the first row is the heading. All rows have its length.
struct Table {
  std::string name;                            ///< unique in the chapter
  std::vector<std::vector<std::string>> rows;  ///< [row][column]
};

/// Everything that one run of an experiment found.
struct Report {
  int chapter = 0;                   ///< 1 to 10
  std::vector<std::uint64_t> seeds;  ///< what it was measured with
  std::vector<Fact> facts;           ///< in the order of measurement
  std::vector<Claim> claims;         ///< likewise
  std::vector<Table> tables;         ///< likewise
};

/// What results.json holds.
nlohmann::json to_json(const Report& report);
/// Throws DataError that begins with `source` when the JSON is no report.
Report report_from_json(const std::string& text, const std::string& source);

/// What in `again` contradicts `stated`, a line each: a fact that moved beyond its tolerance, a claim that turned, or
/// one that is not stated at all. Of a stated fact that was not measured again nothing is said.
std::vector<std::string> contradictions(const Report& stated, const Report& again);

/// Columns side by side, the first to the left and the others to the right, as the terminal shows a table.
std::string to_text(const Table& table);
/// The same for Markdown.
std::string to_markdown(const Table& table);
/// Comma-separated values, quoted where needed.
std::string to_csv(const Table& table);

}  // namespace tenfold::course
