/// @file
/// Traffic: every access of a block through Counted<T>, and what a card would make of them.
///
/// A warp runs in step, so the accesses of its lanes belong together that come from the same line of the kernel (the
/// same instruction), each lane's n-th with the others' n-th. A card serves such a group at once.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "emulator/counters.hpp"

namespace tenfold::emulator {

/// See the head of this file.
class Traffic {
 public:
  /// Where the memory is, and which way it goes.
  enum class Kind : std::uint8_t { load, store, shared_load, shared_store };
  /// An access of `thread` of the block, made by the instruction at `site`.
  void note(Kind kind, const void* site, int thread, const void* address, std::size_t bytes);
  /// Adds what the block did to `counters`, and forgets it.
  void end_block(Counters& counters);

 private:
  struct Access {
    std::uint64_t group;  // site, how many times the thread was there before, warp
    Kind kind;
    std::uint64_t unit;   // a piece of 32 bytes, or a word of a bank
    bool operator<(const Access& other) const;
    bool operator==(const Access& other) const { return group == other.group && kind == other.kind && unit == other.unit; }
  };
  struct Site {
    std::uint32_t number;
    std::array<std::uint32_t, 1024> visits;  // by thread
  };

  std::vector<Access> accesses_;
  std::unordered_map<const void*, Site> sites_;
  std::array<Counters::Traffic, 4> sums_{};
};

}  // namespace tenfold::emulator
