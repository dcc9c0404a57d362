#include "text/mt_unicode.hpp"

#include "text/utf8.hpp"

namespace tenfold::mt {
Decoded decode_utf8(std::string_view bytes) {
  Decoded decoded;
  decoded.text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const auto point = tenfold::decode_utf8(bytes, at);
    if (!point) {
      decoded.bad_byte = at;
      return decoded;
    }
    decoded.text.push_back(point->value);
    at = point->next;
  }
  return decoded;
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == 0x20 || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::vector<std::u32string_view> split_spaces(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    const std::size_t start = at;
    while (at < text.size() && !is_space(text[at])) ++at;
    words.push_back(text.substr(start, at - start));
  }
  return words;
}

std::u32string_view strip_left(std::u32string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::u32string_view strip_right(std::u32string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace tenfold::mt
