/// @file
/// What a kernel costs, counted by the emulator: the resources a card has to spend.
#pragma once
#include <cstdint>

namespace tenfold::emulator {

/// Counted since reset_counters(), over all blocks and threads.
struct Counters {
  std::uint64_t launches = 0, blocks = 0, threads = 0;  ///< started
  std::uint64_t barriers = 0;         ///< of a block, one for all its threads
  std::uint64_t warp_operations = 0;  ///< shuffles, votes, __syncwarp: one for all lanes that take part
  std::uint64_t atomics = 0;          ///< one a thread
  std::uint64_t shared_bytes = 0;     ///< the most that a block had, static and dynamic
  std::uint64_t switches = 0;         ///< of the emulator itself, from thread to thread
};
/// The counters as they stand.
const Counters& counters();
/// All to 0.
void reset_counters();

}  // namespace tenfold::emulator
