/// @file
/// cuda_ladder: what every version of every kernel costs, counted on the emulator: cuda_ladder [--check]
///
/// Every version is first held against the reference at all sizes; --check leaves it at that.
#include <cstdio>
#include <cstring>

#include "ladder/ladder.hpp"

using namespace tenfold;
using namespace tenfold::ladder;

namespace {

void print_heading(const Ladder& ladder) {
  const Extents e = ladder.counted;
  std::printf("\n%s %d x %d", ladder.name, e.rows, e.cols);
  if (e.depth != 1) std::printf(" x %d", e.depth);
  std::printf("\n%-4s%-36s%10s%10s%10s%10s%10s%10s%9s%9s%9s\n", "", "", "loads", "stores", "KiB in", "KiB out", "shared",
              "passes", "KiB/blk", "barriers", "warp ops");
}

void print_counts(const Version& version, const emulator::Counters& n) {
  using Number = unsigned long long;
  std::printf("%-4s%-36s%10llu%10llu%10.0f%10.0f%10llu%10llu%9.1f%9llu%9llu\n", version.name, version.change,
              static_cast<Number>(n.loads.accesses), static_cast<Number>(n.stores.accesses), n.loads.pieces / 32.0,
              n.stores.pieces / 32.0, static_cast<Number>(n.shared_loads.accesses + n.shared_stores.accesses),
              static_cast<Number>(n.shared_loads.pieces + n.shared_stores.pieces), n.shared_bytes / 1024.0,
              static_cast<Number>(n.barriers), static_cast<Number>(n.warp_operations));
}

}  // namespace

int main(int count, char** words) {
  const bool only_check = count > 1 && std::strcmp(words[1], "--check") == 0;
  try {
    const auto plain = all_versions<Plain>(), counted = all_versions<Counted>();
    for (std::size_t i = 0; i < ladders().size(); ++i) {
      const Ladder& ladder = ladders()[i];
      for (const Extents& extents : ladder.checked) {
        Bench bench(ladder, extents);
        for (const Version& version : plain[i]) bench.check(version);
      }
      std::printf("%s: %zu versions, %zu sizes, all as the reference\n", ladder.name, plain[i].size(), ladder.checked.size());
    }
    if (only_check) return 0;
    std::printf("\nloads, stores: of global memory, one a thread; KiB in, out: what a card moves for them, in pieces of 32 bytes;\n"
                "shared: loads and stores of shared memory; passes: how long its banks are busy with them; KiB/blk: of it in a block\n");
    for (std::size_t i = 0; i < ladders().size(); ++i) {
      print_heading(ladders()[i]);
      for (const Version& version : counted[i]) {
        Bench bench(ladders()[i], ladders()[i].counted);
        emulator::reset_counters();
        bench.check(version);
        print_counts(version, emulator::counters());
      }
    }
  } catch (const std::exception& error) {
    std::printf("cuda_ladder: %s\n", error.what());
    return 1;
  }
}
