// The fast CRC-32 against zlib's.
#include "io/checksum.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <vector>

using namespace tenfold;

TEST_CASE("the checksum is zlib's, for every length, place and beginning") {
  std::vector<std::byte> data(1100);
  std::uint32_t state = 1;
  for (std::byte& b : data) b = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
  const auto expected = [&](std::uint32_t crc, std::size_t at, std::size_t size) {
    return static_cast<std::uint32_t>(::crc32(crc, reinterpret_cast<const Bytef*>(data.data() + at), static_cast<uInt>(size)));
  };
  for (std::size_t size = 0; size <= 1000; ++size)
    for (std::size_t at : {0, 1, 15, 64})
      for (std::uint32_t crc : {0U, 1U, 0xdeadbeefU, ~0U})
        REQUIRE(crc32_of(crc, {data.data() + at, size}) == expected(crc, at, size));
  CHECK(crc32_of(7, {}) == 7);
  const std::uint32_t part = crc32_of(0, {data.data(), 333});
  CHECK(crc32_of(part, {data.data() + 333, 667}) == expected(0, 0, 1000));
}
