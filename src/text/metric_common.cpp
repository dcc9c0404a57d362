#include "text/metric_common.hpp"

#include <fmt/core.h>

#include <utility>

#include "core/errors.hpp"
#include "text/mt_unicode.hpp"

namespace tenfold {

void check_segments(std::string_view metric, std::span<const std::string> hypotheses,
                    std::span<const std::string> references) {
  if (hypotheses.size() != references.size()) {
    throw DataError(
        fmt::format("{}: every hypothesis needs one reference, got {} hypotheses and {} references", metric,
                    hypotheses.size(), references.size()));
  }
  if (hypotheses.empty()) throw DataError(fmt::format("{}: needs at least one segment, got none", metric));
}

std::u32string decode_segment(std::string_view metric, std::string_view side,
                              std::span<const std::string> segments, std::size_t i, bool lowercase) {
  mt::Decoded decoded = mt::decode_utf8(segments[i]);
  if (decoded.bad_byte) {
    throw DataError(fmt::format("{}: {} {} must be UTF-8, but byte {} (0x{:02X}) starts no valid character",
                                metric, side, i + 1, *decoded.bad_byte + 1,
                                static_cast<unsigned char>(segments[i][*decoded.bad_byte])));
  }
  if (lowercase) return mt::to_lower(decoded.text);
  return std::move(decoded.text);
}

}  // namespace tenfold
