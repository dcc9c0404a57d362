/// @file
/// The JSON header of a safetensors file, apart from the file: what tensors it names and where their bytes
/// lie. Internal to src/io.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.hpp"

namespace tenfold::safetensors {

using Entry = SafetensorsReader::Entry;

struct Header {
  std::vector<Entry> entries;  // ordered by begin; they tile the data
  Metadata metadata;           // with the checksums
};

/// The longest header that is accepted, as in the format's own library.
inline constexpr std::uint64_t longest_header = 100'000'000;

/// Checks everything the header says against `data_size`, the number of bytes after it. Throws DataError that
/// begins with `file`.
Header parse_header(std::string_view json, std::uint64_t data_size, const std::string& file);

/// The text of a header, padded with spaces so that the data begin at a multiple of 8 bytes.
std::string format_header(std::span<const StoredTensor> tensors, const Metadata& metadata,
                          const std::string& file);

}  // namespace tenfold::safetensors
