#include "course/terminal.hpp"

namespace tenfold::course {
namespace {
bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }
}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t count = 0;
  for (char c : text) count += starts_character(c);
  return count;
}

std::string fitted(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t count = 0;
  for (char c : text) {
    if (starts_character(c) && count++ == width) return out;
    out += c;
  }
  return out + std::string(width - count, ' ');
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += piece;
  return out;
}

}  // namespace tenfold::course
