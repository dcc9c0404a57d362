// The caching allocator: reuse, merging, best fit, and the guards that the other tests rely on.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "core/allocator.hpp"
#include "core/errors.hpp"

using namespace tenfold;

namespace {

// Small segments, so that a test can fill them; and a limit, so that memory can run out.
class SmallMemory final : public MemorySource {
 public:
  explicit SmallMemory(std::size_t segment, std::size_t limit = std::size_t{1} << 30, bool on_host = true)
      : segment_(segment), left_(limit), on_host_(on_host) {}
  void* obtain(std::size_t bytes) override {
    if (bytes > left_) return nullptr;
    left_ -= bytes;
    return std::aligned_alloc(64, bytes);
  }
  void give_back(void* memory, std::size_t bytes) noexcept override {
    left_ += bytes;
    std::free(memory);
  }
  bool host_accessible() const override { return on_host_; }
  std::size_t segment_bytes() const override { return segment_; }

 private:
  std::size_t segment_, left_;
  bool on_host_;
};

struct Unguarded : Allocator {
  explicit Unguarded(std::size_t segment = 1024, std::size_t limit = std::size_t{1} << 30)
      : Allocator(std::make_unique<SmallMemory>(segment, limit), false) {}
};
struct Guarded : Allocator {
  explicit Guarded(std::size_t segment = 4096) : Allocator(std::make_unique<SmallMemory>(segment), true) {}
};

}  // namespace

TEST_CASE("blocks are aligned, distinct and counted") {
  Unguarded memory;
  void *a = memory.allocate(1), *b = memory.allocate(0), *c = memory.allocate(100);
  for (void* p : {a, b, c}) CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
  CHECK(a != b);
  CHECK(b != c);
  CHECK(memory.stats().used_bytes == 64 + 64 + 128);
  CHECK(memory.stats().allocations == 3);
  CHECK(memory.stats().segments == 1);
  for (void* p : {a, b, c}) memory.release(p);
  CHECK(memory.stats().used_bytes == 0);
  CHECK(memory.stats().peak_bytes == 256);
}

TEST_CASE("freed neighbours merge, in whichever order they are freed") {
  for (const std::vector<int>& order : {std::vector{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}}) {
    Unguarded memory(3 * 64);
    void* parts[] = {memory.allocate(64), memory.allocate(64), memory.allocate(64)};
    for (int i : order) memory.release(parts[i]);
    CHECK(memory.allocate(3 * 64) == parts[0]);
    CHECK(memory.stats().segments == 1);
  }
}

TEST_CASE("merging stays within a segment") {
  Unguarded memory(128);
  std::vector<void*> segments;
  for (int i = 0; i < 8; ++i) segments.push_back(memory.allocate(128));
  for (void* p : segments) memory.release(p);
  CHECK(memory.stats().segments == 8);
  memory.allocate(256);
  CHECK(memory.stats().segments == 9);
}

TEST_CASE("the smallest hole that fits is taken") {
  Unguarded memory(1024);
  void* large = memory.allocate(320);
  memory.allocate(64);
  void* small = memory.allocate(128);
  memory.allocate(64);
  memory.release(large);
  memory.release(small);
  CHECK(memory.allocate(128) == small);
  CHECK(memory.allocate(300) == large);
}

TEST_CASE("the small block that was freed last is handed out again whole, to who asks for its size") {
  Unguarded memory(std::size_t{1} << 20);
  void *a = memory.allocate(64), *b = memory.allocate(64), *c = memory.allocate(128), *d = memory.allocate(320);
  for (void* p : {d, c, a, b}) memory.release(p);
  CHECK(memory.allocate(64) == b);
  CHECK(memory.allocate(100) == c);
  CHECK(memory.allocate(64) == a);
  CHECK(memory.allocate(640) == d);  // more than a 4096th of the segment: it has merged with what follows
  CHECK(memory.stats().used_bytes == 256 + 640);
}

TEST_CASE("of many small blocks that were freed the last ones are handed out, the last of all first") {
  Unguarded memory(std::size_t{1} << 20);
  std::vector<void*> blocks;
  for (int i = 0; i < 80; ++i) blocks.push_back(memory.allocate(i % 2 ? 64 : 128));
  for (std::size_t i = 0; i < 80; i += 2) memory.release(blocks[i]);
  for (std::size_t i = 78; i > 78 - 2 * 16; i -= 2) CHECK(memory.allocate(128) == blocks[i]);
  for (std::size_t i = 1; i < 40; i += 2) memory.release(blocks[i]);  // others in between
  for (std::size_t i = 39; i > 30; i -= 2) CHECK(memory.allocate(64) == blocks[i]);
  CHECK(memory.allocate(128) == blocks[46]);
}

TEST_CASE("a small guarded block that is set aside is guarded and fresh when it comes back") {
  Guarded memory(std::size_t{1} << 22);
  auto* first = static_cast<unsigned char*>(memory.allocate(100));
  std::fill_n(first, 100, 7);
  memory.release(first);
  CHECK_THROWS_AS(memory.release(first), std::logic_error);
  auto* again = static_cast<unsigned char*>(memory.allocate(120));  // as many bytes with what rounds them up
  REQUIRE(again == first);
  CHECK(std::all_of(again, again + 120, [](unsigned char c) { return c == 0xff; }));
  const unsigned char kept = again[120];
  again[120] = 0;
  CHECK_THROWS_AS(memory.release(again), std::logic_error);
  again[120] = kept;
  memory.release(again);
}

TEST_CASE("however many small blocks were freed, they merge when there is no room") {
  constexpr std::size_t segment = std::size_t{1} << 20;
  Unguarded memory(segment);
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 100; ++i) blocks.push_back(memory.allocate(64));
  void* rest = memory.allocate(segment - 100 * 64);
  for (std::size_t i = 0; i < 100; ++i) memory.release(blocks[i * 7 % 100]);
  CHECK_THROWS_AS(memory.release(blocks[93]), std::logic_error);  // the last of them, set aside
  CHECK(memory.allocate(100 * 64) == blocks[0]);
  memory.release(blocks[0]);
  memory.release(rest);
  CHECK(memory.allocate(segment) == blocks[0]);
  CHECK(memory.stats().segments == 1);
}

TEST_CASE("a pattern that repeats, or a smaller one, asks the source for nothing") {
  std::size_t segment = 1024;
  SUBCASE("nothing is set aside") {}
  SUBCASE("much is") { segment = std::size_t{1} << 22; }
  Unguarded memory(segment);
  const auto pattern = [&](std::size_t size) {
    std::vector<void*> blocks;
    for (std::size_t i = 1; i <= 20; ++i) blocks.push_back(memory.allocate(i * size));
    for (std::size_t i = 0; i < blocks.size(); i += 2) memory.release(blocks[i]);
    for (std::size_t i = 1; i < blocks.size(); i += 2) memory.release(blocks[i]);
  };
  pattern(100);
  const auto first = memory.stats();
  for (int i = 0; i < 50; ++i) pattern(i % 2 == 0 ? 100 : 64);
  CHECK(memory.stats().segments == first.segments);
  CHECK(memory.stats().reserved_bytes == first.reserved_bytes);
  CHECK(memory.stats().peak_bytes == first.peak_bytes);
  CHECK(memory.stats().used_bytes == 0);
}

TEST_CASE("what runs out on a card is the card's error, so that another device can be taken") {
  Allocator card(std::make_unique<SmallMemory>(1024, 1024, false), false);
  CHECK_THROWS_WITH_AS(
      card.allocate(std::size_t{2} << 20),
      "out of memory on the card: 2.0 MiB wanted beside 0.0 MiB in use; a smaller batch or model needs less", CudaError);
}

TEST_CASE("memory that runs out gives an error that says how much was wanted, and nothing is lost") {
  Unguarded memory(std::size_t{1} << 20, std::size_t{3} << 20);
  void* kept = memory.allocate(std::size_t{2} << 20);
  CHECK_THROWS_WITH_AS(
      memory.allocate(std::size_t{2} << 20),
      "out of memory: 2.0 MiB wanted beside 2.0 MiB in use; a smaller batch or model needs less", Error);
  CHECK_THROWS_AS(memory.allocate(~std::size_t{0}), Error);
  CHECK(memory.stats().used_bytes == std::size_t{2} << 20);
  memory.release(kept);
  CHECK(memory.allocate(std::size_t{2} << 20) == kept);
}

TEST_CASE("when memory runs out, segments that nobody uses make room for a larger one") {
  constexpr std::size_t mib = std::size_t{1} << 20;
  Unguarded memory(mib, 4 * mib);
  void* parts[] = {memory.allocate(mib), memory.allocate(mib), memory.allocate(mib), memory.allocate(mib / 2)};
  auto* kept = static_cast<char*>(memory.allocate(mib / 2));  // beside parts[3], so that its segment is half in use
  *kept = 'k';
  for (void* part : parts) memory.release(part);
  CHECK(memory.stats().segments == 4);
  void* large = memory.allocate(3 * mib);
  CHECK(memory.stats().segments == 5);
  CHECK(memory.stats().reserved_bytes == 4 * mib);
  CHECK(memory.stats().used_bytes == 3 * mib + mib / 2);
  CHECK(*kept == 'k');
  CHECK(memory.allocate(mib / 2) == parts[3]);
  memory.release(kept);
  CHECK_THROWS_AS(memory.allocate(mib), Error);  // the half segment that is left is too small, and in use
  memory.release(large);
  CHECK(memory.allocate(3 * mib) == large);
}

TEST_CASE("what is not in use cannot be released") {
  Unguarded memory;
  void* p = memory.allocate(10);
  memory.release(p);
  CHECK_THROWS_WITH_AS(memory.release(p), "allocator: release of memory that is not in use", std::logic_error);
  int elsewhere = 0;
  CHECK_THROWS_AS(memory.release(&elsewhere), std::logic_error);
}

TEST_CASE("guarded memory begins as NaN, also when it is used again") {
  Guarded memory;
  for (int round = 0; round < 2; ++round) {
    auto* values = static_cast<float*>(memory.allocate(9 * sizeof(float)));
    for (int i = 0; i < 9; ++i) CHECK(std::isnan(values[i]));
    std::memset(values, 0, 9 * sizeof(float));
    memory.release(values);
    auto* doubles = static_cast<double*>(memory.allocate(3 * sizeof(double)));
    for (int i = 0; i < 3; ++i) CHECK(std::isnan(doubles[i]));
    memory.release(doubles);
  }
}

TEST_CASE("a write one byte outside of a guarded block is caught at its release") {
  Guarded memory;
  for (std::size_t size : {0, 1, 64, 100}) {
    auto* bytes = static_cast<char*>(memory.allocate(size));
    const auto caught = [&](std::ptrdiff_t at, const char* text) {
      const char kept = bytes[at];
      bytes[at] = 0;
      CHECK_THROWS_WITH_AS(memory.release(bytes), text, std::logic_error);
      bytes[at] = kept;
    };
    const auto end = static_cast<std::ptrdiff_t>(size);
    for (std::ptrdiff_t at : {-1, -64}) caught(at, "allocator: memory before a block was overwritten");
    for (std::ptrdiff_t at : {end, end + 63}) caught(at, "allocator: memory after a block was overwritten");
    std::memset(bytes, 0, size);
    CHECK_NOTHROW(memory.release(bytes));
  }
}

TEST_CASE("the system's memory is large and zero until written") {
  Allocator memory(std::make_unique<SystemMemory>(), false);
  auto* values = static_cast<double*>(memory.allocate(1 << 20));
  CHECK(values[0] == 0);
  values[(1 << 17) - 1] = 1;
  CHECK(memory.stats().reserved_bytes == std::size_t{1} << 30);
  memory.release(values);
}
