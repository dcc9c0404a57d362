#include "course/mutant_sources.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <sstream>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"

namespace tenfold::course {
namespace {

constexpr std::string_view opening = "namespace exercise {";

std::string with_line_breaks(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != text.npos; ++at) text.replace(at, 2, "\n");
  return text;
}

void set(Mutant& m, const std::string& key, const std::string& value, const std::string& where) {
  if (key == "breaks") {
    m.breaks = value;
  } else if (key == "find") {
    m.find = with_line_breaks(value);
  } else if (key == "write") {
    m.write = with_line_breaks(value);
  } else if (key == "fails") {
    const auto colon = value.find(": ");
    if (colon == value.npos) throw DataError(where + ": \"fails\" must be CHECK: TEXT");
    m.check = value.substr(0, colon);
    m.message = value.substr(colon + 2);
  } else {
    throw DataError(where + ": unknown key \"" + key + "\"");
  }
}

void add_mutant(const std::string& id, const std::string& where, std::vector<Mutant>& all) {
  // It is written into code and given to a shell.
  if (id.empty() || id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != id.npos)
    throw DataError(where + ": a mutant's name must be letters, digits and dashes, got \"" + id + "\"");
  for (const Mutant& m : all)
    if (m.id == id) throw DataError(where + ": the mutant " + id + " is there already");
  all.push_back({id, "", "", "", "", ""});
}

/// Replaces what occurs exactly once.
std::string replaced(std::string text, std::string_view find, std::string_view write, const std::string& what) {
  const auto at = text.find(find);
  if (at == text.npos || text.find(find, at + 1) != text.npos)
    throw DataError(fmt::format("{} must occur exactly once in the solution: {}", what, find));
  return text.replace(at, find.size(), write);
}

/// "result name(type argument, type argument)", and the names in it.
struct Declaration {
  std::string text, name;
  std::vector<std::string> arguments;
};

bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::string last_name(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  std::size_t begin = text.size();
  while (begin > 0 && in_name(text[begin - 1])) --begin;
  return std::string(text.substr(begin));
}

/// Of a statement that ends with ")".
Declaration declaration(const std::string& text) {
  std::size_t open = text.size() - 1;
  for (int depth = 1; depth > 0 && open > 0;) depth += text[--open] == ')' ? 1 : text[open] == '(' ? -1 : 0;
  Declaration d{text, last_name(std::string_view(text).substr(0, open)), {}};
  int depth = 0;
  std::size_t begin = open + 1;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const bool last = i + 1 == text.size();
    if (last ? i > begin : text[i] == ',' && depth == 0) {
      const std::string argument = text.substr(begin, i - begin);
      const std::string name = last_name(argument);
      if (name.empty() || argument.find_first_not_of(' ') + name.size() >= argument.size()) d.name.clear();  // a type alone
      d.arguments.push_back(name);
      begin = i + 1;
    }
    depth += text[i] == '<' || text[i] == '(' ? 1 : text[i] == '>' || text[i] == ')' ? -1 : 0;
  }
  if (d.name.empty()) throw DataError("the header's functions and their arguments must have names: " + text);
  return d;
}

/// Adds a statement if it declares a function.
void add_function(std::string statement, std::vector<Declaration>& found) {
  statement.erase(statement.find_last_not_of(' ') + 1);
  const auto open = statement.find('(');
  if (open == statement.npos || statement.find('=') < open || statement.starts_with("using ")) return;
  if (!statement.ends_with(')') || statement.find('=') != statement.npos)
    throw DataError("the header's functions must be declared without default arguments and specifiers: " + statement);
  found.push_back(declaration(statement));
  for (std::size_t i = 0; i + 1 < found.size(); ++i)
    if (found[i].name == found.back().name) throw DataError("the header's functions must have different names: " + statement);
}

/// The functions that a header declares in the namespace; not what is in its classes.
std::vector<Declaration> declarations(const std::string& header) {
  if (header.find("/*") != header.npos) throw DataError("the header's comments must begin with //");
  std::istringstream lines(header);
  std::string text;
  for (std::string line; std::getline(lines, line);) text += line.substr(0, line.find("//")) + ' ';
  const auto begin = text.find(opening);
  if (begin == text.npos) throw DataError("the header has no opening \"" + std::string(opening) + "\"");
  std::vector<Declaration> found;
  std::string statement;
  int depth = 0;
  for (std::size_t i = begin + opening.size(); i < text.size() && depth >= 0; ++i) {
    const char c = text[i];
    if (c == '{' || c == '}') {
      depth += c == '{' ? 1 : -1;
      statement.clear();
    } else if (depth == 0 && c == ';') {
      add_function(statement, found);
      statement.clear();
    } else if (depth == 0 && (c != ' ' || (!statement.empty() && statement.back() != ' '))) {
      statement += c;
    }
  }
  return found;
}

constexpr const char* choice = R"(
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace exercise {{
namespace {{

/// The number of the mutant that is asked for.
int chosen_mutant() {{
  constexpr std::string_view ids[] = {{"{}"}};
  const char* const id = std::getenv("{}");
  int i = 0;
  for (std::string_view one : ids) {{
    if (id && one == id) return i;
    ++i;
  }}
  std::fprintf(stderr, "{} must name a mutant\n");
  std::exit(2);
}}

}}  // namespace
)";

}  // namespace

std::vector<Mutant> read_mutants(const std::string& path) {
  std::vector<Mutant> all;
  std::istringstream in(read_file(path));
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = fmt::format("{}:{}", path, ++number);
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.find(' ');
    const std::string key = line.substr(0, space);
    const auto begin = space == line.npos ? line.npos : line.find_first_not_of(' ', space);
    const std::string value = begin == line.npos ? "" : line.substr(begin);
    if (key == "mutant")
      add_mutant(value, where, all);
    else if (all.empty())
      throw DataError(where + ": the table must begin with a mutant");
    else
      set(all.back(), key, value, where);
  }
  for (const Mutant& m : all)
    if (m.breaks.empty() || m.find.empty() || m.check.empty())
      throw DataError(path + ": the mutant " + m.id + " lacks one of breaks, find, fails");
  if (all.empty()) throw DataError(path + ": there is no mutant");
  return all;
}

std::string joined_mutants(const std::vector<Mutant>& mutants, const std::string& header, const std::string& solution) {
  std::string out = "// The mutants of an exercise's solution, made from their table.\n";
  std::vector<std::string> ids, spaces;
  for (const Mutant& m : mutants) {
    ids.push_back(m.id);
    spaces.push_back(fmt::format("mutant_{}", ids.size()));
    const std::string faulty = replaced(solution, m.find, m.write, "what the mutant " + m.id + " replaces");
    out += fmt::format("#line 1 \"{}\"\n{}\n", m.id,
                       replaced(faulty, opening, fmt::format("namespace exercise::{} {{", spaces.back()), "its namespace"));
  }
  out += "#line 1 \"choice\"\n" + fmt::format(choice, fmt::join(ids, "\", \""), mutant_variable, mutant_variable);
  for (const Declaration& d : declarations(header))
    out += fmt::format("\n{} {{\n  static constexpr decltype(&{}) mutants_[] = {{{}::{}}};\n"
                       "  return mutants_[chosen_mutant()]({});\n}}\n",
                       d.text, d.name, fmt::join(spaces, "::" + d.name + ", "), d.name, fmt::join(d.arguments, ", "));
  return out + "\n}  // namespace exercise\n";
}

}  // namespace tenfold::course
