#include "text/utf8.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "core/errors.hpp"

namespace tenfold {
namespace {

/// What the first byte of a sequence says: how many bytes, its own payload, and the least value that is not
/// overlong.
struct Lead {
  int length;
  char32_t payload;
  char32_t least;
};

std::optional<Lead> read_lead(unsigned char byte) {
  if (byte < 0x80) return Lead{1, byte, 0};
  if (byte >= 0xC0 && byte < 0xE0) return Lead{2, char32_t(byte & 0x1F), 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return Lead{3, char32_t(byte & 0x0F), 0x800};
  if (byte >= 0xF0 && byte < 0xF8) return Lead{4, char32_t(byte & 0x07), 0x10000};
  return std::nullopt;
}

bool all_ascii_print(std::string_view text) {
  for (const unsigned char byte : text) {
    if (byte < 0x20 || byte >= 0x7F) return false;
  }
  return true;
}

std::string blanks_to_spaces(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto point = decode_utf8(text, at);
    if (!point) throw DataError(fmt::format("text: invalid UTF-8 at byte {}", at + 1));
    if (is_blank(point->value)) {
      result += ' ';
    } else {
      result.append(text, at, point->next - at);
    }
    at = point->next;
  }
  return result;
}

}  // namespace

std::optional<CodePoint> decode_utf8(std::string_view text, std::size_t at) {
  if (at >= text.size()) return std::nullopt;
  const auto lead = read_lead(static_cast<unsigned char>(text[at]));
  if (!lead || text.size() - at < static_cast<std::size_t>(lead->length)) return std::nullopt;
  char32_t value = lead->payload;
  for (int i = 1; i < lead->length; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (byte & 0x3F);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < lead->least || surrogate || value > 0x10FFFF) return std::nullopt;
  return CodePoint{value, at + lead->length};
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto point = decode_utf8(text, at);
    if (!point) return at;
    at = point->next;
  }
  return std::nullopt;
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (const unsigned char byte : text) count += (byte & 0xC0) != 0x80;
  return count;
}

bool is_blank(char32_t c) {
  // White_Space of PropList.txt (Unicode 15), the general category Cc, and two invisible separators.
  return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200B) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

bool is_blank(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto point = decode_utf8(text, at);
    if (!point || !is_blank(point->value)) return false;
    at = point->next;
  }
  return true;
}

std::string normalise(std::string_view text) {
  if (all_ascii_print(text)) return std::string(text);
  // Blanks go first: utf8proc takes lengths, so a NUL would pass, but no blank may take part in a
  // composition.
  const std::string spaced = blanks_to_spaces(text);
  utf8proc_uint8_t* mapped = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(spaced.data()),
                                   static_cast<utf8proc_ssize_t>(spaced.size()), &mapped,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (length == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (length < 0) throw DataError(fmt::format("text: cannot be brought to NFC: {}", utf8proc_errmsg(length)));
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length));
}

}  // namespace tenfold
