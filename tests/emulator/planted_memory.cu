/// @file
/// Planted bugs in what a kernel reads and writes.
#include "planted.hpp"

namespace tenfold::planted {
namespace {

// y[i] = x[i + shift], for `count` elements.
__global__ void copy(const float* x, float* y, int count, int shift) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = x[i + shift];
}
void run_copy(int count, int shift) {
  const std::vector<float> x = random_values(100);
  DeviceArray<float> in(x), out(x.size());
  must(launch({dim3(2), dim3(64)}, copy, in.get(), out.get(), count, shift), "copy");
  expect(out.download(), std::vector<double>(x.begin(), x.end()));
}
void write_past_end(bool bug) {
  const std::vector<float> x = random_values(128);
  DeviceArray<float> in(x), out(100);
  must(launch({dim3(2), dim3(64)}, copy, in.get(), out.get(), bug ? 101 : 100, 0), "copy");
}
void read_past_end(bool bug) {
  const std::vector<float> x = random_values(100);
  DeviceArray<float> in(x), out(100);
  must(launch({dim3(2), dim3(64)}, copy, in.get(), out.get(), 100, bug ? 1 : 0), "copy");
  std::vector<double> want(x.begin(), x.end());
  if (bug) want.erase(want.begin()), want.push_back(0);
  expect(out.download(), want);
}
void not_written(bool bug) { run_copy(bug ? 99 : 100, 0); }
void null_pointer(bool bug) {
  const std::vector<float> x = random_values(100);
  DeviceArray<float> in(x);
  must(launch({dim3(2), dim3(64)}, copy, in.get(), static_cast<float*>(nullptr), bug ? 100 : 0, 0), "copy");
}
void freed(bool bug) {
  const std::vector<float> x = random_values(100);
  auto* in = new DeviceArray<float>(x);
  const float* pointer = in->get();
  DeviceArray<float> out(100), after(x);
  if (bug) delete in;
  // On a card as here, somebody else's data may be there.
  DeviceArray<float> other(std::vector<float>(100, 1.0f));
  if (cudaError_t error = launch({dim3(2), dim3(64)}, copy, bug ? pointer : in->get(), out.get(), 100, 0)) must(error, "copy");
  if (!bug) delete in;
  expect(out.download(), std::vector<double>(x.begin(), x.end()));
}

enum class Shared { right, past_end, never_written, not_asked_for };
__global__ void through_shared(const float* x, float* y, Shared how) {
  DYN_SHARED(float, buffer);
  if (how != Shared::never_written || threadIdx.x != 5) buffer[threadIdx.x] = x[threadIdx.x];
  if (how == Shared::past_end && threadIdx.x == 0) buffer[blockDim.x] = 1;
  __syncthreads();
  y[threadIdx.x] = buffer[threadIdx.x];
}
void run_through_shared(Shared how, unsigned count = 64) {
  const std::vector<float> x = random_values(count);
  DeviceArray<float> in(x), out(count);
  const std::size_t bytes = how == Shared::not_asked_for ? 0 : count * sizeof(float);
  must(launch({dim3(1), dim3(count), bytes}, through_shared, in.get(), out.get(), how), "through_shared");
  expect(out.download(), std::vector<double>(x.begin(), x.end()));
}
void shared_past_end(bool bug) { run_through_shared(bug ? Shared::past_end : Shared::right); }
// An array that fills no eight bytes: its neighbour is the rest of them.
void shared_past_odd_end(bool bug) { run_through_shared(bug ? Shared::past_end : Shared::right, 63); }
void shared_not_written(bool bug) { run_through_shared(bug ? Shared::never_written : Shared::right); }
void shared_not_asked_for(bool bug) { run_through_shared(bug ? Shared::not_asked_for : Shared::right); }

__global__ void much_static(float* y) {
  SHARED(float, a, [6 * 1024]);
  SHARED(float, b, [6 * 1024 + 1]);
  a[threadIdx.x] = b[threadIdx.x] = 1;
  y[threadIdx.x] = a[threadIdx.x] + b[threadIdx.x];
}
void too_much_static(bool bug) {
  DeviceArray<float> out(32);
  if (bug) must(launch({dim3(1), dim3(32)}, much_static, out.get()), "much_static");
}

__global__ void copy_by_four(const float* x, float* y, int quads, int shift) {
  const int i = threadIdx.x;
  if (i < quads) reinterpret_cast<float4*>(y)[i] = *reinterpret_cast<const float4*>(x + 4 * i + shift);
}
void misaligned(bool bug) {
  const std::vector<float> x = random_values(72);
  DeviceArray<float> in(x), out(64);
  must(launch({dim3(1), dim3(32)}, copy_by_four, in.get(), out.get(), 16, bug ? 1 : 0), "copy_by_four");
}

__device__ __attribute__((noinline)) float deep(int n, float x) {
  volatile float own[64];
  for (float volatile& v : own) v = x;
  return n == 0 ? own[7] : deep(n - 1, x) + own[n % 64];
}
__global__ void recursion(float* y, int depth) { y[threadIdx.x] = deep(depth, 1); }
void stack_overflow(bool bug) {
  DeviceArray<float> out(32);
  must(launch({dim3(1), dim3(32)}, recursion, out.get(), bug ? 5000 : 5), "recursion");
}

}  // namespace

std::vector<Planted> memory_cases() {
  return {{"write-past-end", write_past_end}, {"read-past-end", read_past_end}, {"never-written", not_written},
          {"null-pointer", null_pointer}, {"freed-memory", freed}, {"shared-past-end", shared_past_end},
          {"shared-past-odd-end", shared_past_odd_end},
          {"shared-never-written", shared_not_written}, {"shared-not-asked-for", shared_not_asked_for},
          {"too-much-shared", too_much_static}, {"misaligned-float4", misaligned}, {"stack-overflow", stack_overflow}};
}

}  // namespace tenfold::planted
