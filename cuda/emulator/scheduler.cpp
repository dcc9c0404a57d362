/// @file
/// Launches, blocks, and who goes next. In the ThreadSanitizer build compiled without -fsanitize=thread, as all of the
/// emulator's own files.
#include "emulator/scheduler.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "core/errors.hpp"
#include "emulator/device_memory.hpp"
#include "emulator/faults.hpp"
#include "emulator/refusals.hpp"
#include "emulator/streams.hpp"

inline namespace cuda_emulated {
uint3 threadIdx{}, blockIdx{};
dim3 blockDim, gridDim;
}  // namespace cuda_emulated

namespace tenfold::emulator {

namespace {
#if defined(TENFOLD_EMULATOR_TSAN)
constexpr bool fiber_each = true;  // ThreadSanitizer takes what one fiber does for ordered
#else
constexpr bool fiber_each = false;
#endif

std::uint32_t seed_from_environment() {
  const char* text = std::getenv("TENFOLD_EMULATOR_SEED");
  if (!text) return 1;
  char* end = nullptr;
  const unsigned long seed = std::strtoul(text, &end, 10);
  if (end == text || *end || *text == '-' || seed > 0xffffffff) throw CudaError("TENFOLD_EMULATOR_SEED must be a whole number, got \"" + std::string(text) + "\"");
  return static_cast<std::uint32_t>(seed);
}
}  // namespace

Scheduler& scheduler() {
  static Scheduler* const one = new Scheduler;  // outlives whatever frees memory at the end of the program
  return *one;
}

const Counters& counters() { return scheduler().counters(); }
void reset_counters() { scheduler().counters() = {}; }

Scheduler::Scheduler() : seed_(seed_from_environment()) {}

// xorshift32 (Marsaglia 2003), scaled to the range by multiplication.
std::uint32_t Scheduler::random(std::uint32_t below) {
  random_state_ ^= random_state_ << 13;
  random_state_ ^= random_state_ >> 17;
  random_state_ ^= random_state_ << 5;
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(random_state_) * below) >> 32);
}

cudaError_t Scheduler::refuse(const Launch& l) const {
  const auto threads = 1ull * l.block.x * l.block.y * l.block.z, blocks = 1ull * l.grid.x * l.grid.y * l.grid.z;
  if (threads == 0 || threads > most_threads || l.block.z > 64 || blocks == 0 || l.grid.x > 0x7fffffffu ||
      l.grid.y > 65535 || l.grid.z > 65535)
    return cudaErrorInvalidConfiguration;
  if (l.shared_bytes > dynamic_shared_limit(l.kernel)) return cudaErrorInvalidValue;
  return cudaSuccess;
}

void Scheduler::run(const Launch& launch) {
  if (current_) fail("a kernel starts a kernel; that is not emulated");
  const std::lock_guard lock(one_launch_);
  prepare(launch);
  const FaultHandler faults;
  const DeviceMemory::KernelAccess access;
  std::vector<unsigned> order(static_cast<std::size_t>(launch.grid.x) * launch.grid.y * launch.grid.z);
  std::iota(order.begin(), order.end(), 0u);
  if (seed_)
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random(static_cast<std::uint32_t>(i))]);
  release(&begin_);
  for (const unsigned block : order) {
    run_block(block);
    if (error_.empty()) {
      const std::string broken = shared_.end_block();
      if (!broken.empty()) error_ = who() + ": " + broken;
    }
    if (!error_.empty()) break;
  }
  acquire(&end_);
  if (error_.empty()) {
    const std::string broken = device_memory().broken_guard();
    if (!broken.empty()) error_ = "kernel " + function_name(launch.kernel) + " launched at " + place(launch.at) + ": " + broken;
  }
  if (error_.empty()) return;
  abandon();
  broken_rule(std::exchange(error_, {}));
}

void Scheduler::prepare(const Launch& launch) {
  launch_ = launch;
  count_ = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
  cuda_emulated::blockDim = launch.block;
  cuda_emulated::gridDim = launch.grid;
  for (int i = 0; i < count_; ++i) {
    Thread& thread = threads_[i];
    thread.number = i;
    const auto n = static_cast<unsigned>(i);
    thread.index = {n % launch.block.x, n / launch.block.x % launch.block.y, n / launch.block.x / launch.block.y};
  }
  random_state_ = (seed_ + 1) * 2654435761u + static_cast<std::uint32_t>(counters_.launches) * 40503u;
  random_state_ |= 1;
  until_yield_ = 16;
  host_.adopt_thread();
  shared_.begin_launch(launch.shared_bytes);
  const std::size_t wanted = fiber_each ? 2 * static_cast<std::size_t>(count_) : 1;
  while (fibers_.size() < wanted) {
    fibers_.push_back(std::make_unique<Fiber>(&Scheduler::fiber_body));
    idle_.push_back(fibers_.back().get());
  }
  ++counters_.launches;
}

void Scheduler::run_block(unsigned long block) {
  const dim3 grid = launch_.grid;
  cuda_emulated::blockIdx = {static_cast<unsigned>(block % grid.x), static_cast<unsigned>(block / grid.x % grid.y),
                             static_cast<unsigned>(block / grid.x / grid.y)};
  left_ = at_barrier_ = 0;
  phase_ = 0;
  ready_begin_ = 0;
  ready_count_ = static_cast<unsigned>(count_);
  bank_ ^= 1;
  ahead_ = seed_ != 0 && (seed_ + counters_.blocks) % 2 == 1;
  const unsigned turn = seed_ ? random(static_cast<std::uint32_t>(count_)) : 0;
  for (int i = 0; i < count_; ++i) {
    threads_[i].state = Thread::State::fresh;
    threads_[i].warp_syncs = 0;
    ready_[i] = static_cast<std::uint16_t>(i);
    if (fiber_each)
      threads_[i].fiber = fibers_[bank_ * static_cast<unsigned>(count_) + (static_cast<unsigned>(i) + turn) %
                                  static_cast<unsigned>(count_)].get();
  }
  std::fill_n(warps_.begin(), (count_ + lanes - 1) / lanes, Warp{});
  shared_.begin_block();
  ++counters_.blocks;
  counters_.threads += static_cast<unsigned>(count_);
  Thread* first = next();
  host_.switch_to(stack_for(*first));
  current_ = nullptr;
  traffic_.end_block(counters_);
  counters_.shared_bytes = std::max<std::uint64_t>(counters_.shared_bytes, shared_.bytes());
}

// After an error: the threads' stacks hold what will never be finished.
void Scheduler::abandon() {
  current_ = nullptr;
  idle_.clear();
  for (const auto& fiber : fibers_) {
    fiber->restart();
    idle_.push_back(fiber.get());
  }
}

Fiber& Scheduler::stack_for(Thread& thread) {
  if (thread.state != Thread::State::fresh) return *thread.fiber;
  if (!fiber_each) {
    if (idle_.empty()) {
      fibers_.push_back(std::make_unique<Fiber>(&Scheduler::fiber_body));
      idle_.push_back(fibers_.back().get());
    }
    thread.fiber = idle_.back();
    idle_.pop_back();
  }
  thread.fiber->thread = &thread;
  return *thread.fiber;
}

void Scheduler::fiber_body(Fiber& fiber) { scheduler().work(fiber); }

// A fiber runs a thread to its end, and others that are fresh after it, until one that waits on a stack of its own is
// to go on; then it is idle, until somebody has a thread for it again.
void Scheduler::work(Fiber& fiber) {
  for (;;) {
    auto* thread = static_cast<Thread*>(fiber.thread);
    for (;;) {
      current_ = thread;
      threadIdx = thread->index;
      thread->fiber = &fiber;
      thread->state = Thread::State::ready;
      acquire(&begin_);
      launch_.entry(launch_.arguments);
      release(&end_);
      leave(*thread);
      thread = next();
      if (fiber_each || !thread || thread->state != Thread::State::fresh) break;
    }
    if (!fiber_each) idle_.push_back(&fiber);
    ++counters_.switches;
    fiber.switch_to(thread ? stack_for(*thread) : host_);
  }
}

// Whose turn it is; nullptr when the block is done.
Thread* Scheduler::next() {
  if (ready_count_ == 0) {
    if (left_ == count_) return nullptr;
    report_deadlock();
  }
  constexpr unsigned ring = most_threads - 1;
  --ready_count_;
  if (ahead_ && random(8) != 0) return &threads_[ready_[(ready_begin_ + ready_count_) & ring]];
  if (seed_) std::swap(ready_[ready_begin_ & ring], ready_[(ready_begin_ + random(ready_count_ + 1)) & ring]);
  return &threads_[ready_[ready_begin_++ & ring]];
}

void Scheduler::make_ready(Thread& thread) {
  thread.state = Thread::State::ready;
  ready_[(ready_begin_ + ready_count_++) & (most_threads - 1)] = static_cast<std::uint16_t>(thread.number);
}

// Lets others go first until this thread is drawn again.
void Scheduler::pause(Thread& thread) {
  Thread* const other = next();
  if (other != &thread) {
    ++counters_.switches;
    thread.fiber->switch_to(stack_for(*other));
    threadIdx = thread.index;
  }
  current_ = &thread;
}

void Scheduler::leave(Thread& thread) {
  thread.state = Thread::State::left;
  ++left_;
  Warp& warp = warps_[thread.number / lanes];
  warp.left |= 1u << (thread.number % lanes);
  if (warp.waiting == 0) return;
  for (int lane = 0; lane < lanes; ++lane)  // somebody may wait for this one in vain
    if (warp.waiting >> lane & 1) try_warp(threads_[thread.number / lanes * lanes + lane]);
}

void Scheduler::atomic() {
  ++counters_.atomics;
  // A thread that waits for another's atomic write must not keep it from writing.
  if (!current_ || --until_yield_ > 0) return;
  until_yield_ = seed_ ? 1 + static_cast<int>(random(32)) : 64;
  Thread& thread = *current_;
  make_ready(thread);
  pause(thread);
}

void Scheduler::access(bool store, const void* site, const void* address, std::size_t bytes) {
  if (!current_ || fiber_each) return;  // ThreadSanitizer would see us at work
  const bool shared = shared_.contains(address);
  traffic_.note(store ? (shared ? Traffic::Kind::shared_store : Traffic::Kind::store)
                      : (shared ? Traffic::Kind::shared_load : Traffic::Kind::load),
                site, current_->number, address, bytes);
}

void Scheduler::fence() {
  acquire(&fence_);
  release(&fence_);
}

cudaError_t run(const Launch& launch, cudaStream_t stream, std::shared_ptr<void> (*keep)(void*)) {
  Scheduler& s = scheduler();
  if (const cudaError_t error = s.refuse(launch)) return set_last_error(error);
  if (const cudaError_t error = refusal(Call::launch)) return error;
  if (!streams().late()) {
    streams().submit(stream, [&] { s.run(launch); });
  } else {
    streams().submit(stream, [&s, later = launch, arguments = keep(launch.arguments)]() mutable {
      later.arguments = arguments.get();
      s.run(later);
    });
  }
  return cudaSuccess;
}
void before_atomic() { scheduler().atomic(); }
void memory_fence() { scheduler().fence(); }
int block_barrier(Wait kind, int predicate, std::source_location at) { return scheduler().barrier(kind, predicate, at); }
std::uint64_t warp_operation(Wait kind, unsigned mask, std::uint64_t value, int argument, int width,
                             std::source_location at) {
  return scheduler().warp_operation(kind, mask, value, argument, width, at);
}

}  // namespace tenfold::emulator
