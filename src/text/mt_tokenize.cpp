#include "text/mt_tokenize.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "core/errors.hpp"
#include "text/mt_unicode.hpp"

namespace tenfold {
namespace {

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_not_digit(char32_t c) { return !is_digit(c); }
bool is_point(char32_t c) { return c == '.' || c == ','; }
bool is_dash(char32_t c) { return c == '-'; }

// ASCII punctuation, symbols and the space, without apostrophe, comma, dash and full stop.
bool is_symbol(char32_t c) {
  return (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

std::u32string isolate_symbols(std::u32string_view text) {
  std::u32string out;
  out.reserve(2 * text.size());
  for (const char32_t c : text) {
    if (is_symbol(c)) {
      out += {U' ', c, U' '};
    } else {
      out += c;
    }
  }
  return out;
}

enum class Outer { before, after };

// Where a `first` is followed by a `second`, puts a space between them and one before or after the two. From
// left to right, without overlap: the two characters of one find are not looked at again.
template <class First, class Second>
std::u32string part(std::u32string_view text, First first, Second second, Outer outer) {
  std::u32string out;
  out.reserve(text.size() + text.size() / 4);
  std::size_t i = 0;
  while (i + 1 < text.size()) {
    if (!first(text[i]) || !second(text[i + 1])) {
      out += text[i++];
      continue;
    }
    if (outer == Outer::before) out += U' ';
    out += {text[i], U' ', text[i + 1]};
    if (outer == Outer::after) out += U' ';
    i += 2;
  }
  if (i < text.size()) out += text[i];
  return out;
}

// What 13a and zh share (sacreBLEU's tokenizer_re.py), each rule on the outcome of the one before.
std::u32string part_punctuation(std::u32string_view text) {
  std::u32string out = isolate_symbols(text);
  out = part(out, is_not_digit, is_point, Outer::after);
  out = part(out, is_point, is_not_digit, Outer::before);
  return part(out, is_digit, is_dash, Outer::after);
}

void replace_all(std::u32string& text, std::u32string_view from, std::u32string_view to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::u32string tokenize_13a(std::u32string_view segment) {
  std::u32string text(segment);
  replace_all(text, U"<skipped>", U"");
  replace_all(text, U"-\n", U"");
  replace_all(text, U"\n", U" ");
  replace_all(text, U"&quot;", U"\"");
  replace_all(text, U"&amp;", U"&");
  replace_all(text, U"&lt;", U"<");
  replace_all(text, U"&gt;", U">");
  // The spaces at both ends let the rules for points see a neighbour there; zh has none, and differs for it.
  return part_punctuation(U' ' + text + U' ');
}

// sacreBLEU's tokenizer_zh.py lists 22 ranges. Two were meant for planes above U+FFFF (U+20000 to U+2A6D6,
// U+2F800 to U+2FA1D), but four-digit escapes made them U+2001 to U+2A6D and U+2F81 to U+2FA1. So its scores,
// and ours, part dashes, curly quotes, … and € too, and leave the rare characters of those planes together.
bool is_chinese(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  static constexpr Range ranges[] = {
      {0x2001, 0x2A6D},  // see above; holds U+2600 to U+27BF of the list as well
      {0x2E80, 0x2EFF},  // radicals supplement
      {0x2F00, 0x2FDF},  // Kangxi radicals
      {0x2FF0, 0x303F},  // ideographic description, CJK symbols and punctuation
      {0x3100, 0x312F},  // Bopomofo
      {0x31A0, 0x31BF},  // Bopomofo extended
      {0x31C0, 0x31EF},  // strokes
      {0x3200, 0x33FF},  // enclosed letters and months, compatibility
      {0x3400, 0x4DB5},  // ideographs, extension A
      {0x4E00, 0x9FBB},  // ideographs
      {0xF900, 0xFA2D},  // compatibility ideographs, in three runs
      {0xFA30, 0xFA6A}, {0xFA70, 0xFAD9}, {0xFE10, 0xFE1F},  // vertical forms
      {0xFE30, 0xFE4F},                                      // compatibility forms
      {0xFF00, 0xFFEF},                                      // full-width and half-width forms
  };
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

std::u32string tokenize_zh(std::u32string_view segment) {
  std::u32string text;
  text.reserve(3 * segment.size());
  for (const char32_t c : mt::strip_left(segment)) {
    if (is_chinese(c)) {
      text += {U' ', c, U' '};
    } else {
      text += c;
    }
  }
  return part_punctuation(text);
}

}  // namespace

std::string_view name_of(MtTokenization tokenization) {
  switch (tokenization) {
    case MtTokenization::v13a:
      return "13a";
    case MtTokenization::zh:
      return "zh";
    case MtTokenization::none:
      return "none";
  }
  return "";
}

MtTokenization mt_tokenization_from(std::string_view name) {
  for (const auto known : {MtTokenization::v13a, MtTokenization::zh, MtTokenization::none}) {
    if (name_of(known) == name) return known;
  }
  throw UsageError(fmt::format("tokenization must be 13a, zh or none, got '{}'", name));
}

std::u32string mt_tokenize(std::u32string_view segment, MtTokenization tokenization) {
  const std::u32string_view text = mt::strip_right(segment);
  switch (tokenization) {
    case MtTokenization::v13a:
      return tokenize_13a(text);
    case MtTokenization::zh:
      return tokenize_zh(text);
    case MtTokenization::none:
      break;
  }
  return std::u32string(text);
}

}  // namespace tenfold
