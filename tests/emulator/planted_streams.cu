/// @file
/// Planted bugs in what the host waits for. They show only where work is done as late as a card may do it.
#include "emulator/streams.hpp"
#include "planted.hpp"

namespace tenfold::planted {
namespace {

constexpr int count = 64;
constexpr std::size_t bytes = count * sizeof(float);

__global__ void times_two(const float* x, float* y) { y[threadIdx.x] = 2 * x[threadIdx.x]; }

// A stream that neither waits for the default stream nor makes it wait, and a pinned buffer.
struct Queue {
  cudaStream_t stream = nullptr;
  float* pinned = nullptr;
  Queue() {
    emulator::set_late(true);
    must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    must(cudaMallocHost(&pinned, bytes), "cudaMallocHost");
  }
  ~Queue() {
    static_cast<void>(cudaFreeHost(pinned));
    static_cast<void>(cudaStreamDestroy(stream));
    emulator::set_late(false);
  }
  void run(const float* x, float* y) const { must(launch({dim3(1), dim3(count), 0, stream}, times_two, x, y), "times_two"); }
  void copy(void* to, const void* from, cudaMemcpyKind kind) const {
    must(cudaMemcpyAsync(to, from, bytes, kind, stream), "cudaMemcpyAsync");
  }
  void wait() const { must(cudaStreamSynchronize(stream), "cudaStreamSynchronize"); }
  std::vector<float> content() const { return {pinned, pinned + count}; }
};
std::vector<double> doubled(const std::vector<float>& x) {
  std::vector<double> y(x.begin(), x.end());
  for (double& v : y) v *= 2;
  return y;
}

void read_before_wait(bool bug) {
  const std::vector<float> x = random_values(count);
  DeviceArray<float> in(x), out(count);
  const Queue queue;
  queue.run(in.get(), out.get());
  queue.copy(queue.pinned, out.get(), cudaMemcpyDeviceToHost);
  if (!bug) queue.wait();
  expect(queue.content(), doubled(x));
}

void staging_reused(bool bug) {
  const std::vector<float> x = random_values(count);
  DeviceArray<float> in(count), out(count);
  const Queue queue;
  std::copy(x.begin(), x.end(), queue.pinned);
  queue.copy(in.get(), queue.pinned, cudaMemcpyHostToDevice);
  if (!bug) queue.wait();
  std::fill(queue.pinned, queue.pinned + count, 0.0f);  // the next batch
  queue.run(in.get(), out.get());
  queue.copy(queue.pinned, out.get(), cudaMemcpyDeviceToHost);
  queue.wait();
  expect(queue.content(), doubled(x));
}

void streams_apart(bool bug) {
  const std::vector<float> x = random_values(count);
  DeviceArray<float> in(x), middle(std::vector<float>(count, 0.0f)), out(count);
  const Queue first, second;
  cudaEvent_t done;
  must(cudaEventCreate(&done), "cudaEventCreate");
  first.run(in.get(), middle.get());
  must(cudaEventRecord(done, first.stream), "cudaEventRecord");
  if (!bug) must(cudaStreamWaitEvent(second.stream, done), "cudaStreamWaitEvent");
  second.run(middle.get(), out.get());
  second.copy(second.pinned, out.get(), cudaMemcpyDeviceToHost);
  second.wait();
  const std::vector<float> got = second.content();
  must(cudaEventDestroy(done), "cudaEventDestroy");
  std::vector<double> want = doubled(x);
  for (double& v : want) v *= 2;
  expect(got, want);
}

// A copy on the default stream does not wait for a stream that is not blocking.
void default_does_not_wait(bool bug) {
  const std::vector<float> x = random_values(count);
  DeviceArray<float> in(x), out(std::vector<float>(count, 0.0f));
  const Queue queue;
  queue.run(in.get(), out.get());
  if (!bug) queue.wait();
  expect(out.download(), doubled(x));
}

// Memory that is freed stays until the work that was queued before is done; the host does not wait for that.
void free_is_no_wait(bool bug) {
  const std::vector<float> x = random_values(count);
  DeviceArray<float> out(std::vector<float>(count, 0.0f));
  const Queue queue;
  std::fill(queue.pinned, queue.pinned + count, 0.0f);
  {
    const DeviceArray<float> in(x);
    queue.run(in.get(), out.get());
    queue.copy(queue.pinned, out.get(), cudaMemcpyDeviceToHost);
  }
  if (!bug) queue.wait();
  expect(queue.content(), doubled(x));
}

}  // namespace

std::vector<Planted> stream_cases() {
  return {{"read-before-wait", read_before_wait}, {"staging-reused", staging_reused}, {"no-event-between-streams", streams_apart},
          {"default-does-not-wait", default_does_not_wait}, {"free-is-no-wait", free_is_no_wait}};
}

}  // namespace tenfold::planted
