/// @file
/// UTF-8: strict validation, counting, and the normal form in which tenfold trains and translates.
/// Nothing here keeps state. Only normalise() throws.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tenfold {

/// One code point and where the next one begins.
struct CodePoint {
  char32_t value;    ///< its number in Unicode
  std::size_t next;  ///< byte offset of what follows it
};

/// The code point that starts at byte `at`, or nothing when the bytes there are not UTF-8: a stray or missing
/// continuation byte, an overlong form, a surrogate, or a value above U+10FFFF (RFC 3629, section 4).
std::optional<CodePoint> decode_utf8(std::string_view text, std::size_t at);

/// Offset of the first byte that is not UTF-8, or nothing when all of `text` is.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// Number of code points in valid UTF-8.
std::size_t count_code_points(std::string_view text);

/// True for what separates words and prints nothing: Unicode white space, control characters (NUL too), the
/// zero-width space and the byte-order mark.
bool is_blank(char32_t code_point);

/// True when valid UTF-8 holds nothing but blanks, or nothing at all.
bool is_blank(std::string_view text);

/// `text` in Unicode normal form C, with every blank turned into one ordinary space. The tokenizer sees only
/// this. Throws DataError when `text` is not UTF-8.
std::string normalise(std::string_view text);

}  // namespace tenfold
