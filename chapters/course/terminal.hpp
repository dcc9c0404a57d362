/// @file
/// Small helpers for text in a terminal.
#pragma once
#include <string>
#include <string_view>

namespace tenfold::course {

/// How many columns UTF-8 text takes, counting every code point as one.
std::size_t columns_of(std::string_view text);
/// `text` cut or padded with spaces to exactly `width` columns.
std::string fitted(std::string_view text, std::size_t width);
/// `piece`, `count` times.
std::string repeated(std::string_view piece, std::size_t count);

}  // namespace tenfold::course
