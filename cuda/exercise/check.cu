// The grader of the kernel ladder's exercise.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "device_array.hpp"
#include "exercise.hpp"

using namespace tenfold;
using namespace tenfold::course;

namespace {

__global__ void sum_warps(const float* x, float* y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = exercise::warp_sum(x[i]);
}

// What warp_sum gives each of `count` threads, 64 to a block; the counters then hold what it took.
std::vector<float> warp_sums(const std::vector<float>& x) {
  DeviceArray<float> in(x), out(x.size());
  emulator::reset_counters();
  must(launch({dim3(static_cast<unsigned>(x.size() / 64)), dim3(64)}, sum_warps, in.get(), out.get()), "warp_sum");
  return out.download();
}

std::vector<float> numbers(std::size_t count) {
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<float>((i * 37 + 5) % 101);  // exact sums
  return x;
}

void sum_in_every_lane() {
  const std::vector<float> x = numbers(64), got = warp_sums(x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    float want = 0;
    for (std::size_t lane = 0; lane < 32; ++lane) want += x[i / 32 * 32 + lane];
    expect(got[i] == want, fmt::format("lane {} of warp {} has {}, and the sum of the warp's 32 values is {}", i % 32,
                                       i / 32, got[i], want));
  }
}

void sum_takes_five_exchanges() {
  warp_sums(numbers(64));
  const auto operations = emulator::counters().warp_operations;
  expect(operations <= 10, fmt::format("a warp takes {} warp operations; each can double what a lane has the sum of, so "
                                       "log2(32) = 5 are enough", operations / 2.0));
}

void sum_needs_no_memory() {
  warp_sums(numbers(64));
  const emulator::Counters& n = emulator::counters();
  expect(n.shared_bytes == 0 && n.barriers == 0 && n.atomics == 0,
         fmt::format("{} bytes of shared memory, {} barriers, {} atomics: the lanes of a warp can do without all of them",
                     n.shared_bytes, n.barriers, n.atomics));
}

// The transpose of x [rows, cols], whose numbers are their places; the counters then hold what it took.
std::vector<float> transposed(int rows, int cols) {
  std::vector<float> x(static_cast<std::size_t>(rows) * cols);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  DeviceArray<float> in(x), out(std::vector<float>(x.size(), -1.0f));
  emulator::reset_counters();
  const auto tiles = [](int n) { return static_cast<unsigned>((n + exercise::side - 1) / exercise::side); };
  must(launch({dim3(tiles(cols), tiles(rows)), dim3(exercise::side, exercise::block_rows)}, exercise::transpose,
              Counted<const float>(in.get()), Counted<float>(out.get()), rows, cols), "transpose");
  return out.download();
}

void expect_transposed(int rows, int cols) {
  const std::vector<float> y = transposed(rows, cols);
  for (int c = 0; c < cols; ++c)
    for (int r = 0; r < rows; ++r) {
      const float got = y[static_cast<std::size_t>(c) * rows + r], want = static_cast<float>(r * cols + c);
      expect(got == got, fmt::format("[{}, {}]: y[{}, {}] is NaN, as shared memory is before it is written. Every thread must "
                                     "have written its part of the tile before any reads it (a barrier), and none beyond the edge of x "
                                     "may write to y", rows, cols, c, r));
      expect(got != -1, fmt::format("[{}, {}]: y[{}, {}] is not written", rows, cols, c, r));
      expect(got == want, fmt::format("[{}, {}]: y[{}, {}] is {}, and x[{}, {}] is {}", rows, cols, c, r, got, r, c, want));
    }
}

void transpose_of_whole_tiles() { expect_transposed(64, 96); }
void transpose_at_the_edges() {
  expect_transposed(1, 1);
  expect_transposed(33, 31);
  expect_transposed(45, 70);
}

void loads_are_neighbours() {
  expect_transposed(64, 96);
  const auto& loads = emulator::counters().loads;
  const std::size_t least = 64 * 96 * 4 / 32;
  expect(loads.accesses >= 64 * 96, "x is not read through the Counted pointer");
  expect(loads.pieces <= least, fmt::format("the loads of x touch {} pieces of 32 bytes, and {} are enough: threads with "
                                            "neighbouring threadIdx.x must read neighbouring numbers", loads.pieces, least));
}

void stores_are_neighbours() {
  expect_transposed(64, 96);
  const auto& stores = emulator::counters().stores;
  const std::size_t least = 64 * 96 * 4 / 32;
  expect(stores.pieces <= least, fmt::format("the stores to y touch {} pieces of 32 bytes, and {} are enough: threads with "
                                             "neighbouring threadIdx.x must write neighbouring numbers", stores.pieces, least));
}

void banks_are_free() {
  expect_transposed(64, 96);
  const emulator::Counters& n = emulator::counters();
  const auto accesses = n.shared_loads.accesses + n.shared_stores.accesses, passes = n.shared_loads.pieces + n.shared_stores.pieces;
  expect(accesses >= 2 * 64 * 96, "the tile is not used through the Counted pointer");
  expect(passes <= accesses / 32, fmt::format("the banks of shared memory are busy for {} passes, and {} are enough: the 32 "
                                              "lanes of a warp must find their numbers in 32 banks", passes, accesses / 32));
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "The kernel ladder: a sum over a warp, and a transpose",
               {{"sum_in_every_lane", sum_in_every_lane},
                {"sum_takes_five_exchanges", sum_takes_five_exchanges},
                {"sum_needs_no_memory", sum_needs_no_memory},
                {"transpose_of_whole_tiles", transpose_of_whole_tiles},
                {"transpose_at_the_edges", transpose_at_the_edges},
                {"loads_are_neighbours", loads_are_neighbours},
                {"stores_are_neighbours", stores_are_neighbours},
                {"banks_are_free", banks_are_free}});
}
