#include "course/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "course/terminal.hpp"

namespace tenfold::course {
using nlohmann::json;
namespace {

template <class T>
const T* find(const std::vector<T>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string complaint(const Report& stated, const Fact& again) {
  const Fact* fact = find(stated.facts, again.name);
  if (!fact) return fmt::format("{} = {} is stated nowhere", again.name, again.text);
  if (!fact->tolerance.compared) return "";
  const double allowed = fact->tolerance.absolute + fact->tolerance.relative * std::abs(fact->value);
  const double moved = std::abs(again.value - fact->value);
  if (moved <= allowed) return "";
  return fmt::format("{} is stated as {}, but was {} this time (it may move by {:.3g}, and moved by {:.3g})", again.name,
                     fact->text, again.text, allowed, moved);
}

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\n") == cell.npos) return cell;
  std::string out = "\"";
  for (char c : cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

json to_json(const Report& report) {
  json out{{"chapter", report.chapter}, {"seeds", report.seeds}};
  out["facts"] = json::array();
  for (const Fact& f : report.facts) {
    json fact{{"name", f.name}, {"value", f.value}, {"text", f.text}};
    if (f.tolerance.compared) fact["tolerance"] = {{"absolute", f.tolerance.absolute}, {"relative", f.tolerance.relative}};
    out["facts"].push_back(std::move(fact));
  }
  out["claims"] = json::array();
  for (const Claim& c : report.claims) out["claims"].push_back({{"name", c.name}, {"text", c.text}, {"holds", c.holds}});
  out["tables"] = json::array();
  for (const Table& t : report.tables) out["tables"].push_back({{"name", t.name}, {"rows", t.rows}});
  return out;
}

Report report_from_json(const std::string& text, const std::string& source) {
  try {
    const json in = json::parse(text);
    Report r;
    r.chapter = in.at("chapter");
    r.seeds = in.at("seeds").get<std::vector<std::uint64_t>>();
    for (const json& f : in.at("facts")) {
      Fact fact{f.at("name"), f.at("value"), Tolerance::machine(), f.at("text")};
      if (f.contains("tolerance")) fact.tolerance = {f["tolerance"].at("absolute"), f["tolerance"].at("relative"), true};
      r.facts.push_back(std::move(fact));
    }
    for (const json& c : in.at("claims")) r.claims.push_back({c.at("name"), c.at("text"), c.at("holds")});
    for (const json& t : in.at("tables"))
      r.tables.push_back({t.at("name"), t.at("rows").get<std::vector<std::vector<std::string>>>()});
    return r;
  } catch (const json::exception&) {
    throw DataError(source + ": this is not an experiment's report");
  }
}

std::vector<std::string> contradictions(const Report& stated, const Report& again) {
  std::vector<std::string> out;
  for (const Fact& f : again.facts)
    if (std::string c = complaint(stated, f); !c.empty()) out.push_back(std::move(c));
  for (const Claim& c : again.claims) {
    const Claim* before = find(stated.claims, c.name);
    if (!before)
      out.push_back(fmt::format("the claim {} is stated nowhere", c.name));
    else if (before->holds != c.holds)
      out.push_back(fmt::format("the claim {} {} this time: {}", c.name, c.holds ? "holds" : "does not hold", c.text));
  }
  return out;
}

std::string to_text(const Table& table) {
  std::vector<std::size_t> widths;
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], columns_of(row[i]));
    }
  std::string out;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    std::string line = " ";
    for (std::size_t i = 0; i < table.rows[r].size(); ++i) {
      const std::string& cell = table.rows[r][i];
      const std::string gap(widths[i] - columns_of(cell), ' ');
      line += i == 0 ? " " + cell + gap : "   " + gap + cell;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    if (r == 0) {
      std::size_t total = 1;
      for (std::size_t i = 0; i < widths.size(); ++i) total += widths[i] + (i ? 3 : 0);
      out += "  " + repeated("─", total - 1) + "\n";
    }
  }
  return out;
}

std::string to_markdown(const Table& table) {
  std::string out;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    out += "|";
    for (const std::string& cell : table.rows[r]) out += " " + cell + " |";
    out += "\n";
    if (r > 0) continue;
    out += "|";
    for (std::size_t i = 0; i < table.rows[r].size(); ++i) out += i == 0 ? "---|" : "---:|";
    out += "\n";
  }
  return out;
}

std::string to_csv(const Table& table) {
  std::string out;
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) out += (i ? "," : "") + quoted(row[i]);
    out += "\n";
  }
  return out;
}

}  // namespace tenfold::course
