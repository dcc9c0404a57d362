#include "core/allocator.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/errors.hpp"

namespace tenfold {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t guard_bytes = 64;
// A block that is set aside has at most so many bytes, and is at most such a part of a segment: all of them are a 128th of one.
constexpr std::size_t most_aside = 32, most_bytes_aside = std::size_t{1} << 16, least_segment_share = 128 * most_aside;
constexpr unsigned char poison = 0xff;  // all ones is a NaN in float and double
constexpr unsigned char canary = 0xa5;

std::atomic<bool> default_guards{false};
std::atomic<std::size_t> system_segment_bytes{std::size_t{1} << 30};

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

[[noreturn]] void throw_out_of_memory(const MemorySource& source, std::size_t wanted, std::size_t used) {
  char text[160];
  std::snprintf(text, sizeof text,
                "out of memory%s: %.1f MiB wanted beside %.1f MiB in use; a smaller batch or model needs less",
                source.host_accessible() ? "" : " on the card", double(wanted) / (1 << 20), double(used) / (1 << 20));
  if (source.host_accessible()) throw Error(text);
  throw CudaError(text);
}

void arm(char* start, std::size_t asked) {
  std::memset(start, canary, guard_bytes);
  std::memset(start + guard_bytes, poison, asked);
  std::memset(start + guard_bytes + asked, canary, guard_bytes);
}

void verify(const char* start, std::size_t asked) {
  const auto intact = [](const char* at) {
    return std::all_of(at, at + guard_bytes, [](char c) { return static_cast<unsigned char>(c) == canary; });
  };
  if (!intact(start)) throw std::logic_error("allocator: memory before a block was overwritten");
  if (!intact(start + guard_bytes + asked)) throw std::logic_error("allocator: memory after a block was overwritten");
}

}  // namespace

void* SystemMemory::obtain(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  madvise(memory, bytes, MADV_HUGEPAGE);  // a wish, not a need: fewer page faults and TLB misses
  return memory;
}

void SystemMemory::give_back(void* memory, std::size_t bytes) noexcept { munmap(memory, bytes); }

std::size_t SystemMemory::segment_bytes() const { return system_segment_bytes; }
void SystemMemory::set_segment_bytes(std::size_t bytes) { system_segment_bytes = bytes; }

struct Allocator::Books {
  struct Block {
    std::size_t bytes;
    std::size_t asked;
    bool free;
    bool aside = false;
  };
  using Blocks = std::map<char*, Block>;
  struct Segment {
    char* memory = nullptr;
    std::size_t bytes = 0;
  };

  Books(MemorySource& memory, bool guarded) : source(memory), guards(guarded) { aside.reserve(most_aside + 1); }
  ~Books();
  void* allocate(std::size_t asked);
  void release(void* memory);

  void* obtain_single(std::size_t asked);
  void release_single(void* memory);
  Blocks::iterator find_free(std::size_t bytes);
  Blocks::iterator cut(std::size_t bytes);
  Blocks::iterator grow(std::size_t bytes);
  Segment obtain_segment(std::size_t bytes);
  bool give_back_free_segments();
  void erase_free(Blocks::iterator block);
  bool is_small(std::size_t bytes) const;
  Blocks::iterator take_aside(std::size_t bytes);
  void set_aside(Blocks::iterator block);
  void merge_first_aside();
  void merge(Blocks::iterator block);

  MemorySource& source;
  const bool guards;
  mutable std::mutex mutex;
  std::vector<Segment> segments;
  Blocks blocks;                                    // all blocks, by address: neighbours merge
  std::set<std::pair<std::size_t, char*>> free;     // free blocks, by size: best fit
  std::set<char*> segment_starts;                   // merging never crosses a segment's edge
  std::vector<Blocks::iterator> aside;              // at most most_aside, in the order in which they were freed
  Stats stats;
};

Allocator::Allocator(std::unique_ptr<MemorySource> source, bool guards)
    : source_(std::move(source)), books_(std::make_unique<Books>(*source_, guards && source_->host_accessible())) {}

Allocator::~Allocator() = default;

void* Allocator::allocate(std::size_t bytes) { return books_->allocate(bytes); }
void Allocator::release(void* memory) { books_->release(memory); }

Allocator::Books::~Books() {
  if (source.segment_bytes() == 0)
    for (const auto& [memory, block] : blocks) source.give_back(memory, block.bytes);
  for (const Segment& segment : segments) source.give_back(segment.memory, segment.bytes);
}

void Allocator::set_guards_by_default(bool on) { default_guards = on; }
bool Allocator::guards_by_default() { return default_guards; }

Allocator::Stats Allocator::stats() const {
  std::lock_guard lock(books_->mutex);
  return books_->stats;
}

Allocator::Books::Blocks::iterator Allocator::Books::find_free(std::size_t bytes) {
  const auto fit = free.lower_bound({bytes, nullptr});
  return fit == free.end() ? blocks.end() : blocks.find(fit->second);
}

// A whole segment, or just what is needed where that is all there is; no memory where there is not even that.
Allocator::Books::Segment Allocator::Books::obtain_segment(std::size_t bytes) {
  for (const std::size_t want : {round_up(bytes, source.segment_bytes()), bytes})
    if (auto* memory = static_cast<char*>(source.obtain(want))) return {memory, want};
  return {};
}

// Work that still uses what is given back is the source's to wait for, as cudaFree does.
bool Allocator::Books::give_back_free_segments() {
  const auto in_use = [&](const Segment& segment) {
    const Block& block = blocks.at(segment.memory);
    return !block.free || block.bytes < segment.bytes;
  };
  const auto unused = std::partition(segments.begin(), segments.end(), in_use);
  const bool any = unused != segments.end();
  for (auto segment = unused; segment != segments.end(); ++segment) {
    free.erase({segment->bytes, segment->memory});
    blocks.erase(segment->memory);
    segment_starts.erase(segment->memory);
    stats.reserved_bytes -= segment->bytes;
    source.give_back(segment->memory, segment->bytes);
  }
  segments.erase(unused, segments.end());
  return any;
}

Allocator::Books::Blocks::iterator Allocator::Books::grow(std::size_t bytes) {
  Segment segment = obtain_segment(bytes);
  // Segments that are free, each too small by itself, may make room for one that is large enough.
  if (!segment.memory && give_back_free_segments()) segment = obtain_segment(bytes);
  if (!segment.memory) throw_out_of_memory(source, bytes, stats.used_bytes);
  ++stats.segments;
  stats.reserved_bytes += segment.bytes;
  segments.push_back(segment);
  segment_starts.insert(segment.memory);
  free.insert({segment.bytes, segment.memory});
  return blocks.insert({segment.memory, {segment.bytes, 0, true}}).first;
}

void Allocator::Books::erase_free(Blocks::iterator block) { free.erase({block->second.bytes, block->first}); }

// A block of just that size out of a free one.
Allocator::Books::Blocks::iterator Allocator::Books::cut(std::size_t bytes) {
  auto block = find_free(bytes);
  if (block == blocks.end()) {
    while (!aside.empty()) merge_first_aside();
    block = find_free(bytes);
  }
  if (block == blocks.end()) block = grow(bytes);
  erase_free(block);
  if (const std::size_t rest = block->second.bytes - bytes; rest > 0) {
    char* tail = block->first + bytes;
    blocks.insert({tail, {rest, 0, true}});
    free.insert({rest, tail});
  }
  return block;
}

bool Allocator::Books::is_small(std::size_t bytes) const {
  return bytes <= std::min(most_bytes_aside, source.segment_bytes() / least_segment_share);
}

// The last one freed is the nearest.
Allocator::Books::Blocks::iterator Allocator::Books::take_aside(std::size_t bytes) {
  if (!is_small(bytes)) return blocks.end();
  const auto at = std::find_if(aside.rbegin(), aside.rend(), [&](const auto& block) { return block->second.bytes == bytes; });
  if (at == aside.rend()) return blocks.end();
  const auto found = *at;
  aside.erase(std::next(at).base());
  return found;
}

void Allocator::Books::set_aside(Blocks::iterator block) {
  block->second.aside = true;
  aside.push_back(block);
  if (aside.size() > most_aside) merge_first_aside();
}

void Allocator::Books::merge_first_aside() {
  const auto block = aside.front();
  aside.erase(aside.begin());
  merge(block);
}

void* Allocator::Books::allocate(std::size_t asked) {
  const std::size_t padding = guards ? 2 * guard_bytes : 0;
  if (asked > (std::size_t{1} << 62)) throw Error("out of memory: an absurd size was asked for");
  if (source.segment_bytes() == 0) return obtain_single(asked);
  const std::size_t bytes = std::max(round_up(asked + padding, alignment), alignment);

  std::lock_guard lock(mutex);
  auto block = take_aside(bytes);
  if (block == blocks.end()) block = cut(bytes);
  block->second = {bytes, asked, false};
  ++stats.allocations;
  stats.used_bytes += bytes;
  stats.peak_bytes = std::max(stats.peak_bytes, stats.used_bytes);
  if (!guards) return block->first;
  arm(block->first, asked);
  return block->first + guard_bytes;
}

// No guards here: a source that is asked for each block knows its bounds better than a canary would.
void* Allocator::Books::obtain_single(std::size_t asked) {
  const std::size_t bytes = std::max<std::size_t>(asked, 1);
  std::lock_guard lock(mutex);
  void* memory = source.obtain(bytes);
  if (!memory) throw_out_of_memory(source, bytes, stats.used_bytes);
  blocks.insert({static_cast<char*>(memory), {bytes, asked, false}});
  ++stats.segments;
  ++stats.allocations;
  stats.reserved_bytes += bytes;
  stats.used_bytes += bytes;
  stats.peak_bytes = std::max(stats.peak_bytes, stats.used_bytes);
  return memory;
}

void Allocator::Books::release_single(void* memory) {
  std::lock_guard lock(mutex);
  const auto block = blocks.find(static_cast<char*>(memory));
  if (block == blocks.end()) throw std::logic_error("allocator: release of memory that is not in use");
  const std::size_t bytes = block->second.bytes;
  stats.reserved_bytes -= bytes;
  stats.used_bytes -= bytes;
  blocks.erase(block);
  source.give_back(memory, bytes);
}

void Allocator::Books::release(void* memory) {
  if (source.segment_bytes() == 0) return release_single(memory);
  std::lock_guard lock(mutex);
  char* start = static_cast<char*>(memory) - (guards ? guard_bytes : 0);
  auto block = blocks.find(start);
  if (block == blocks.end() || block->second.free || block->second.aside)
    throw std::logic_error("allocator: release of memory that is not in use");
  if (guards) verify(start, block->second.asked);
  stats.used_bytes -= block->second.bytes;
  if (is_small(block->second.bytes))
    set_aside(block);
  else
    merge(block);
}

// Makes a block free, one with its free neighbours.
void Allocator::Books::merge(Blocks::iterator block) {
  block->second.free = true;
  block->second.aside = false;
  const auto next = std::next(block);
  if (next != blocks.end() && next->second.free && !segment_starts.contains(next->first)) {
    erase_free(next);
    block->second.bytes += next->second.bytes;
    blocks.erase(next);
  }
  if (block != blocks.begin() && !segment_starts.contains(block->first)) {
    const auto before = std::prev(block);
    if (before->second.free) {
      erase_free(before);
      before->second.bytes += block->second.bytes;
      blocks.erase(block);
      block = before;
    }
  }
  free.insert({block->second.bytes, block->first});
}

}  // namespace tenfold
