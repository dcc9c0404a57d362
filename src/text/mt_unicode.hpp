/// @file
/// The little Unicode that scoring needs: strict UTF-8 decoding, white space and lower case, each as Python's
/// str type defines it, because that is what sacreBLEU's scores rest on. Nothing here looks at the locale.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::mt {

/// What decode_utf8 found: the code points, and where decoding stopped if the bytes are not UTF-8.
struct Decoded {
  std::u32string text;
  std::optional<std::size_t> bad_byte;  ///< offset from 0 of the first byte that starts no valid character
};

/// Decodes UTF-8 strictly: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is a character.
Decoded decode_utf8(std::string_view bytes);

/// Whether Python's str.isspace() holds: the White_Space property and the separators U+001C to U+001F.
bool is_space(char32_t c);

/// The maximal runs of non-space characters, as views into `text`.
std::vector<std::u32string_view> split_spaces(std::u32string_view text);

/// `text` without leading white space.
std::u32string_view strip_left(std::u32string_view text);

/// `text` without trailing white space.
std::u32string_view strip_right(std::u32string_view text);

/// Lower case as Python's str.lower(): Unicode 14 mappings, İ becomes i and a combining dot, and a capital
/// sigma at the end of a word becomes ς.
std::u32string to_lower(std::u32string_view text);

}  // namespace tenfold::mt
