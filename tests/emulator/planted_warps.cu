/// @file
/// Planted bugs between the lanes of a warp, and between blocks.
#include "planted.hpp"

namespace tenfold::planted {
namespace {

constexpr unsigned all_lanes = 0xffffffffu;

// Neighbours exchange through memory of the warp's own: that needs __syncwarp.
__global__ void swap_neighbours(const float* x, float* y, bool bug) {
  SHARED(float, own, [4][32]);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  own[warp][lane] = x[threadIdx.x];
  if (!bug) __syncwarp();
  y[threadIdx.x] = own[warp][lane ^ 1];
}
void no_syncwarp(bool bug) {
  const std::vector<float> x = random_values(128);
  DeviceArray<float> in(x), out(x.size());
  must(launch({dim3(1), dim3(128)}, swap_neighbours, in.get(), out.get(), bug), "swap_neighbours");
  std::vector<double> want(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) want[i] = x[i ^ 1];
  expect(out.download(), want);
}

enum class Shuffle { right, names_absent, leaves_itself_out, from_absent };
__global__ void half_warp(float* y, Shuffle how) {
  float v = static_cast<float>(threadIdx.x);
  if (threadIdx.x < 16) {
    const unsigned mask = how == Shuffle::names_absent ? all_lanes : how == Shuffle::leaves_itself_out ? 0xfffeu : 0xffffu;
    v += __shfl_xor_sync(mask, v, how == Shuffle::from_absent ? 16 : 1);
  }
  y[threadIdx.x] = v;
}
void run_half_warp(Shuffle how) {
  DeviceArray<float> out(32);
  must(launch({dim3(1), dim3(32)}, half_warp, out.get(), how), "half_warp");
  std::vector<double> want(32);
  for (int i = 0; i < 32; ++i) want[i] = i < 16 ? i + (i ^ 1) : i;
  expect(out.download(), want);
}
void absent_lane(bool bug) { run_half_warp(bug ? Shuffle::names_absent : Shuffle::right); }
void lane_left_out(bool bug) { run_half_warp(bug ? Shuffle::leaves_itself_out : Shuffle::right); }
void from_absent_lane(bool bug) { run_half_warp(bug ? Shuffle::from_absent : Shuffle::right); }

// All lanes with the same key add to the same cell.
__global__ void histogram(const int* key, float* cells, int n, bool bug) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  if (bug)
    cells[key[i]] += 1;
  else
    atomicAdd(&cells[key[i]], 1.0f);
}
void not_atomic(bool bug) {
  std::vector<int> keys(300);
  std::vector<double> want(7);
  for (int i = 0; i < 300; ++i) ++want[keys[i] = i * i % 7];
  DeviceArray<int> in(keys);
  DeviceArray<float> out(std::vector<float>(7, 0.0f));
  must(launch({dim3(5), dim3(64)}, histogram, in.get(), out.get(), 300, bug), "histogram");
  expect(out.download(), want);
}

// Blocks add to the same sums, one row each.
__global__ void column_sums(const float* x, float* sums, int cols, bool bug) {
  const int c = threadIdx.x;
  if (c >= cols) return;
  if (bug)
    sums[c] += x[blockIdx.x * cols + c];
  else
    atomicAdd(&sums[c], x[blockIdx.x * cols + c]);
}
void blocks_race(bool bug) {
  const int rows = 9, cols = 40;
  const std::vector<float> x = random_values(static_cast<std::size_t>(rows) * cols);
  DeviceArray<float> in(x), out(std::vector<float>(cols, 0.0f));
  must(launch({dim3(rows), dim3(64)}, column_sums, in.get(), out.get(), cols, bug), "column_sums");
  std::vector<double> want(cols);
  for (std::size_t i = 0; i < x.size(); ++i) want[i % cols] += x[i];
  expect(out.download(), want);
}

// The block that is last adds what all have left behind; the fence makes that visible.
__global__ void last_block_sums(const float* x, float* partial, unsigned* done, float* sum, bool bug) {
  if (threadIdx.x != 0) return;
  float own = 0;
  for (int i = 0; i < 16; ++i) own += x[blockIdx.x * 16 + i];
  partial[blockIdx.x] = own;
  if (!bug) __threadfence();
  if (atomicAdd(done, 1u) != gridDim.x - 1) return;
  if (!bug) __threadfence();
  float total = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) total += partial[b];
  *sum = total;
}
void no_fence(bool bug) {
  const std::vector<float> x = random_values(80);
  DeviceArray<float> in(x), partial(5), out(1);
  DeviceArray<unsigned> done(std::vector<unsigned>(1, 0u));
  must(launch({dim3(5), dim3(32)}, last_block_sums, in.get(), partial.get(), done.get(), out.get(), bug), "last_block_sums");
  double want = 0;
  for (const float v : x) want += v;
  expect(out.download(), {want});
}

}  // namespace

std::vector<Planted> warp_cases() {
  return {{"no-syncwarp", no_syncwarp}, {"mask-names-absent-lane", absent_lane}, {"mask-leaves-out-caller", lane_left_out},
          {"shuffle-from-absent-lane", from_absent_lane}, {"not-atomic", not_atomic}, {"blocks-race", blocks_race},
          {"no-fence", no_fence}};
}

}  // namespace tenfold::planted
