/// @file
/// CRC-32 as zlib computes it, several times faster where the processor multiplies polynomials: a checkpoint is read as
/// fast as the memory is, not as fast as it is summed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace tenfold {

/// The CRC-32 of what `crc` is the CRC-32 of, followed by `bytes`; that of nothing is 0.
std::uint32_t crc32_of(std::uint32_t crc, std::span<const std::byte> bytes);

}  // namespace tenfold
