/// @file
/// Streams and events.
#include "emulator/streams.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "core/errors.hpp"
#include "emulator/device_memory.hpp"
#include "emulator/refusals.hpp"
#include "emulator/scheduler.hpp"

inline namespace cuda_emulated {
struct EmulatedStream {};
struct EmulatedEvent {
  bool recorded = false;
  cudaStream_t stream = nullptr;
  std::size_t mark = 0;
};
}  // namespace cuda_emulated

namespace tenfold::emulator {

Streams& streams() {
  static Streams* const one = new Streams;  // outlives whatever waits at the end of the program
  return *one;
}
void set_late(bool late) { streams().set_late(late); }

Streams::Streams() {
  const char* text = std::getenv("TENFOLD_EMULATOR_LATE");
  late_ = text && std::strcmp(text, "1") == 0;
  if (text && !late_ && std::strcmp(text, "0") != 0)
    throw CudaError("TENFOLD_EMULATOR_LATE must be 0 or 1, got \"" + std::string(text) + "\"");
  queues_[nullptr];
}

void Streams::set_late(bool late) {
  finish_all();
  late_ = late;
}

cudaStream_t Streams::create(bool blocking) {
  auto* stream = new EmulatedStream;
  queues_[stream].blocking = blocking;
  return stream;
}

void Streams::destroy(cudaStream_t stream) {
  finish(stream);
  queues_.erase(stream);
  delete stream;
}

void Streams::submit(cudaStream_t stream, Work work) {
  const auto queue = queues_.find(stream);
  if (queue == queues_.end()) broken_rule("emulator: work for a stream that does not exist, or no longer");
  if (!late_) return work();
  queue->second.items.push_back({next_++, [this, work = std::move(work)] {
                                   ++done_;
                                   work();
                                 }});
}

// A share in it goes behind the work of every stream that has any; whichever is dropped last does it.
void Streams::after_all(Work work) {
  const std::shared_ptr<void> share(nullptr, [work = std::move(work)](void*) { work(); });
  for (auto& [stream, queue] : queues_)
    if (!queue.items.empty()) queue.items.push_back({next_++, [share] {}});
}

// The oldest item of a stream, after what it has to wait for: the default stream and all blocking streams wait for each
// other. Work may throw; it is done with all the same.
void Streams::do_first(cudaStream_t stream) {
  const std::size_t number = queues_[stream].items.front().number;
  if (stream == nullptr) {
    for (auto& [other, queue] : queues_)
      if (other && queue.blocking) finish_until(other, number);
  } else if (queues_[stream].blocking) {
    finish_until(nullptr, number);
  }
  Queue& queue = queues_[stream];
  if (queue.items.empty() || queue.items.front().number != number) return;  // done on the way
  const Work work = std::move(queue.items.front().work);
  queue.items.pop_front();
  work();
}

void Streams::finish_until(cudaStream_t stream, std::size_t mark) {
  const auto queue = queues_.find(stream);
  while (queue != queues_.end() && !queue->second.items.empty() && queue->second.items.front().number < mark)
    do_first(stream);
}

void Streams::finish(cudaStream_t stream) {
  if (stream == nullptr)  // to wait for the default stream is to wait for those that it waits for
    for (auto& [other, queue] : queues_)
      if (other && queue.blocking) finish_until(other, next_);
  finish_until(stream, next_);
}

void Streams::finish_all() {
  for (auto& [stream, queue] : queues_) finish_until(stream, next_);
}

template <class Finish>
void Streams::count_wait(Finish finish) {
  const std::size_t before = done_;
  finish();
  if (done_ != before) ++scheduler().counters().waits;
}

void Streams::wait(cudaStream_t stream) {
  count_wait([&] { finish(stream); });
}

void Streams::wait_all() {
  count_wait([&] { finish_all(); });
}

void Streams::wait_until(cudaStream_t stream, std::size_t mark) {
  count_wait([&] { finish_until(stream, mark); });
}

}  // namespace tenfold::emulator

using tenfold::emulator::Call;
using tenfold::emulator::refusal;
using tenfold::emulator::streams;

inline namespace cuda_emulated {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if (const cudaError_t error = refusal(Call::acquire)) return error;
  *stream = streams().create((flags & cudaStreamNonBlocking) == 0);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return streams().destroy(stream), cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return streams().wait(stream), cudaSuccess; }

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  if (const cudaError_t error = refusal(Call::acquire)) return error;
  return *event = new EmulatedEvent, cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete event, cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  *event = {true, stream, streams().mark()};
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->recorded) streams().wait_until(event->stream, event->mark);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (event->recorded)
    streams().submit(stream, [from = event->stream, mark = event->mark] { streams().finish_until(from, mark); });
  return cudaSuccess;
}

}  // namespace cuda_emulated
