/// @file
/// cuda_ladder_card: every version of every kernel on a card, held against the reference and timed, with the engine's
/// own kernel below: cuda_ladder_card [--check]
///
/// A time is the median of seven measurements, each of as many runs in a row as take some milliseconds. GB/s is what
/// the computation must move at least (each input read once, each output written once) over that time, whatever the
/// version moves in fact; GFLOP/s likewise.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "ladder/engine.hpp"
#include "ladder/ladder.hpp"

using namespace tenfold;
using namespace tenfold::ladder;

namespace {

double seconds(const std::function<void()>& run, int times) {
  must(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) run();
  must(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / times;
}

double median_microseconds(const std::function<void()>& run) {
  seconds(run, 1);  // the first run loads the kernel
  const int times = static_cast<int>(std::clamp(0.005 / seconds(run, 1), 1.0, 200.0));
  seconds(run, times);
  std::vector<double> all;
  for (int i = 0; i < 7; ++i) all.push_back(seconds(run, times));
  std::nth_element(all.begin(), all.begin() + 3, all.end());
  return all[3] * 1e6;
}

void print_time(const Ladder& ladder, const char* name, const char* change, double microseconds) {
  const Extents& e = ladder.timed;
  double bytes = 4.0 * static_cast<double>(ladder.outputs(e));
  for (const std::size_t count : ladder.inputs(e)) bytes += 4.0 * static_cast<double>(count);
  const double operations = ladder.operations(e);
  std::printf("%-8s%-36s%12.1f us %12.0f %s\n", name, change, microseconds,
              (operations > 0 ? operations : bytes) / microseconds / 1e3, operations > 0 ? "GFLOP/s" : "GB/s");
}

void print_card() {
  cudaDeviceProp p;
  must(cudaGetDeviceProperties(&p, 0), "cudaGetDeviceProperties");
  int clock = 0, bus = 0;
  must(cudaDeviceGetAttribute(&clock, cudaDevAttrMemoryClockRate, 0), "cudaDeviceGetAttribute");
  must(cudaDeviceGetAttribute(&bus, cudaDevAttrGlobalMemoryBusWidth, 0), "cudaDeviceGetAttribute");
  std::printf("%s, sm_%d%d, %d multiprocessors, memory %.0f GB/s at most\n", p.name, p.major, p.minor,
              p.multiProcessorCount, 2.0 * clock * bus / 8 / 1e6);
}

// The engine as a version. Its stream does not wait for the default one, nor the other way round: to be checked, it has
// to be alone.
ladder_engine::Engine* engine = nullptr;
template <int which>
void run_engine(const Arrays& a) {
  engine->run({which, a.extents.rows, a.extents.cols, a.extents.depth, a.in, a.out, a.scratch});
}
template <int which>
void run_engine_alone(const Arrays& a) {
  must(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  run_engine<which>(a);
  must(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}
using Run = void (*)(const Arrays&);
constexpr Run engine_runs[] = {run_engine<0>, run_engine<1>, run_engine<2>, run_engine<3>};
constexpr Run engine_alone[] = {run_engine_alone<0>, run_engine_alone<1>, run_engine_alone<2>, run_engine_alone<3>};

void check_all(const Ladder& ladder, const std::vector<Version>& versions, Run of_engine) {
  for (const Extents& extents : ladder.checked) {
    Bench bench(ladder, extents);
    for (const Version& version : versions) bench.check(version);
    bench.check({"engine", "", of_engine});
  }
}

}  // namespace

int main(int count, char** words) {
  const bool only_check = count > 1 && std::strcmp(words[1], "--check") == 0;
  try {
    int cards = 0;
    if (cudaGetDeviceCount(&cards) != cudaSuccess || cards == 0) {
      const char* required = std::getenv("REQUIRE_DEVICE");
      std::printf("cuda_ladder_card: there is no card that CUDA can use\n");
      return required && *required ? 1 : 77;  // which ctest reports as skipped
    }
    print_card();
    ladder_engine::Engine the_engine;
    engine = &the_engine;
    const auto all = all_versions<Plain>();
    for (std::size_t i = 0; i < ladders().size(); ++i) {
      const Ladder& ladder = ladders()[i];
      check_all(ladder, all[i], engine_alone[i]);
      const Extents e = ladder.timed;
      std::printf("\n%s %d x %d x %d: %zu versions and the engine's, all as the reference\n", ladder.name, e.rows, e.cols,
                  e.depth, all[i].size());
      if (only_check) continue;
      Bench bench(ladder, e);
      const Arrays arrays = bench.arrays();
      for (const Version& version : all[i])
        print_time(ladder, version.name, version.change, median_microseconds([&] { version.run(arrays); }));
      print_time(ladder, "engine", i == 2 ? "cuBLAS" : "cuda/kernels/", median_microseconds([&] { engine_runs[i](arrays); }));
      std::fflush(stdout);
    }
  } catch (const std::exception& error) {
    std::printf("cuda_ladder_card: %s\n", error.what());
    return 1;
  }
}
