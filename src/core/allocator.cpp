#include "core/allocator.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "core/errors.hpp"

namespace tenfold {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t guard_bytes = 64;
constexpr unsigned char poison = 0xff;  // all ones is a NaN in float and double
constexpr unsigned char canary = 0xa5;

std::atomic<bool> default_guards{false};
std::atomic<std::size_t> system_segment_bytes{std::size_t{1} << 30};

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

[[noreturn]] void throw_out_of_memory(std::size_t wanted, std::size_t used) {
  char text[160];
  std::snprintf(text, sizeof text,
                "out of memory: %.1f MiB wanted beside %.1f MiB in use; a smaller batch or model needs less",
                double(wanted) / (1 << 20), double(used) / (1 << 20));
  throw Error(text);
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

Allocator::Allocator(std::unique_ptr<MemorySource> source, bool guards)
    : source_(std::move(source)), guards_(guards && source_->host_accessible()) {}

Allocator::~Allocator() {
  if (source_->segment_bytes() == 0)
    for (const auto& [memory, block] : blocks_) source_->give_back(memory, block.bytes);
  for (const Segment& segment : segments_) source_->give_back(segment.memory, segment.bytes);
}

void Allocator::set_guards_by_default(bool on) { default_guards = on; }
bool Allocator::guards_by_default() { return default_guards; }

Allocator::Stats Allocator::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

Allocator::Blocks::iterator Allocator::find_free(std::size_t bytes) {
  const auto fit = free_.lower_bound({bytes, nullptr});
  return fit == free_.end() ? blocks_.end() : blocks_.find(fit->second);
}

Allocator::Blocks::iterator Allocator::grow(std::size_t bytes) {
  std::size_t want = round_up(bytes, source_->segment_bytes());
  char* memory = static_cast<char*>(source_->obtain(want));
  if (!memory) memory = static_cast<char*>(source_->obtain(want = bytes));
  if (!memory) throw_out_of_memory(bytes, stats_.used_bytes);
  ++stats_.segments;
  stats_.reserved_bytes += want;
  segments_.push_back({memory, want});
  segment_starts_.insert(memory);
  free_.insert({want, memory});
  return blocks_.insert({memory, {want, 0, true}}).first;
}

void Allocator::erase_free(Blocks::iterator block) { free_.erase({block->second.bytes, block->first}); }

void* Allocator::allocate(std::size_t asked) {
  const std::size_t padding = guards_ ? 2 * guard_bytes : 0;
  if (asked > (std::size_t{1} << 62)) throw Error("out of memory: an absurd size was asked for");
  if (source_->segment_bytes() == 0) return obtain_single(asked);
  const std::size_t bytes = std::max(round_up(asked + padding, alignment), alignment);

  std::lock_guard lock(mutex_);
  auto block = find_free(bytes);
  if (block == blocks_.end()) block = grow(bytes);
  erase_free(block);
  if (const std::size_t rest = block->second.bytes - bytes; rest > 0) {
    char* tail = block->first + bytes;
    blocks_.insert({tail, {rest, 0, true}});
    free_.insert({rest, tail});
  }
  block->second = {bytes, asked, false};
  ++stats_.allocations;
  stats_.used_bytes += bytes;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.used_bytes);
  if (!guards_) return block->first;
  arm(block->first, asked);
  return block->first + guard_bytes;
}

// No guards here: a source that is asked for each block knows its bounds better than a canary would.
void* Allocator::obtain_single(std::size_t asked) {
  const std::size_t bytes = std::max<std::size_t>(asked, 1);
  std::lock_guard lock(mutex_);
  void* memory = source_->obtain(bytes);
  if (!memory) throw_out_of_memory(bytes, stats_.used_bytes);
  blocks_.insert({static_cast<char*>(memory), {bytes, asked, false}});
  ++stats_.segments;
  ++stats_.allocations;
  stats_.reserved_bytes += bytes;
  stats_.used_bytes += bytes;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.used_bytes);
  return memory;
}

void Allocator::release_single(void* memory) {
  std::lock_guard lock(mutex_);
  const auto block = blocks_.find(static_cast<char*>(memory));
  if (block == blocks_.end()) throw std::logic_error("allocator: release of memory that is not in use");
  const std::size_t bytes = block->second.bytes;
  stats_.reserved_bytes -= bytes;
  stats_.used_bytes -= bytes;
  blocks_.erase(block);
  source_->give_back(memory, bytes);
}

void Allocator::release(void* memory) {
  if (source_->segment_bytes() == 0) return release_single(memory);
  std::lock_guard lock(mutex_);
  char* start = static_cast<char*>(memory) - (guards_ ? guard_bytes : 0);
  auto block = blocks_.find(start);
  if (block == blocks_.end() || block->second.free)
    throw std::logic_error("allocator: release of memory that is not in use");
  if (guards_) verify(start, block->second.asked);
  stats_.used_bytes -= block->second.bytes;
  block->second.free = true;

  const auto next = std::next(block);
  if (next != blocks_.end() && next->second.free && !segment_starts_.contains(next->first)) {
    erase_free(next);
    block->second.bytes += next->second.bytes;
    blocks_.erase(next);
  }
  if (block != blocks_.begin() && !segment_starts_.contains(block->first)) {
    const auto before = std::prev(block);
    if (before->second.free) {
      erase_free(before);
      before->second.bytes += block->second.bytes;
      blocks_.erase(block);
      block = before;
    }
  }
  free_.insert({block->second.bytes, block->first});
}

void Allocator::arm(char* start, std::size_t asked) const {
  std::memset(start, canary, guard_bytes);
  std::memset(start + guard_bytes, poison, asked);
  std::memset(start + guard_bytes + asked, canary, guard_bytes);
}

void Allocator::verify(const char* start, std::size_t asked) const {
  const auto intact = [](const char* at) {
    return std::all_of(at, at + guard_bytes, [](char c) { return static_cast<unsigned char>(c) == canary; });
  };
  if (!intact(start)) throw std::logic_error("allocator: memory before a block was overwritten");
  if (!intact(start + guard_bytes + asked)) throw std::logic_error("allocator: memory after a block was overwritten");
}

}  // namespace tenfold
