/// @file
/// Grouping a block's accesses by warp and instruction.
#include "emulator/traffic.hpp"

#include <algorithm>
#include <tuple>

#include "emulator/scheduler.hpp"

namespace tenfold::emulator {
namespace {

constexpr std::size_t piece = 32, word = 4, banks = 32;

// How long shared memory is busy with one group's words: the most in one bank.
std::uint64_t passes(const std::array<std::uint32_t, banks>& words) { return *std::max_element(words.begin(), words.end()); }

}  // namespace

bool Traffic::Access::operator<(const Access& other) const {
  return std::tie(kind, group, unit) < std::tie(other.kind, other.group, other.unit);
}

void Traffic::note(Kind kind, const void* site, int thread, const void* address, std::size_t bytes) {
  Counters::Traffic& sum = sums_[static_cast<std::size_t>(kind)];
  ++sum.accesses;
  sum.bytes += bytes;
  const auto [found, is_new] = sites_.try_emplace(site);
  Site& s = found->second;
  if (is_new) s = {static_cast<std::uint32_t>(sites_.size()), {}};
  // 20 bits of site, 32 of visit, 5 of warp.
  const std::uint64_t group = (static_cast<std::uint64_t>(s.number) << 37) |
                              (static_cast<std::uint64_t>(s.visits[static_cast<std::size_t>(thread)]++) << 5) |
                              static_cast<std::uint64_t>(thread / lanes);
  const std::size_t unit = kind == Kind::load || kind == Kind::store ? piece : word;
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  for (std::uintptr_t u = begin / unit; u <= (begin + bytes - 1) / unit; ++u) accesses_.push_back({group, kind, u});
}

void Traffic::end_block(Counters& counters) {
  if (accesses_.empty()) return;
  std::sort(accesses_.begin(), accesses_.end());
  accesses_.erase(std::unique(accesses_.begin(), accesses_.end()), accesses_.end());
  for (std::size_t i = 0; i < accesses_.size();) {
    const Access& first = accesses_[i];
    std::array<std::uint32_t, banks> words{};
    std::uint64_t units = 0;
    for (; i < accesses_.size() && accesses_[i].kind == first.kind && accesses_[i].group == first.group; ++i) {
      ++units;
      ++words[accesses_[i].unit % banks];
    }
    const bool global = first.kind == Kind::load || first.kind == Kind::store;
    sums_[static_cast<std::size_t>(first.kind)].pieces += global ? units : passes(words);
  }
  Counters::Traffic* const into[] = {&counters.loads, &counters.stores, &counters.shared_loads, &counters.shared_stores};
  for (std::size_t k = 0; k < 4; ++k) {
    into[k]->accesses += sums_[k].accesses;
    into[k]->bytes += sums_[k].bytes;
    into[k]->pieces += sums_[k].pieces;
  }
  sums_ = {};
  accesses_.clear();
  sites_.clear();
}

}  // namespace tenfold::emulator

void tenfold::emulator::count_load(const void* address, std::size_t bytes) {
  scheduler().access(false, __builtin_return_address(0), address, bytes);
}

void tenfold::emulator::count_store(const void* address, std::size_t bytes) {
  scheduler().access(true, __builtin_return_address(0), address, bytes);
}
