/// @file
/// What BLEU and chrF ask of their input, and how they name themselves.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace tenfold {

/// Stands in a signature where sacreBLEU puts its own version, so that nobody takes one for the other.
inline constexpr std::string_view metric_version = "tenfold-0.1";

/// Throws DataError unless there is at least one hypothesis and one reference for each. `metric` begins the
/// message.
void check_segments(std::string_view metric, std::span<const std::string> hypotheses,
                    std::span<const std::string> references);

/// The code points of `segments[i]`, in lower case if asked. Throws DataError, naming `metric`, `side`
/// ("hypothesis" or "reference") and the segment's number from 1, if it is not UTF-8.
std::u32string decode_segment(std::string_view metric, std::string_view side,
                              std::span<const std::string> segments, std::size_t i, bool lowercase);

}  // namespace tenfold
