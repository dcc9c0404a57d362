/// @file
/// Scheduler: runs the threads of a block so that every order a card allows may happen.
///
/// Blocks run one after another, in an order drawn from the seed. A thread runs until it waits; then another that can
/// go on is drawn: in every second block any of them, in the others mostly the one that could go on last, so that some
/// warps get far ahead of the rest, which is what finds a missing barrier. A thread that never waits needs no stack of
/// its own: it runs where the one before it ended. A barrier waits for every thread of the block, a warp operation for
/// exactly the lanes its mask names; a thread that has ended before a barrier, threads at different barriers, a lane
/// that its mask names and that will not come are errors (diagnosis.cpp).
///
/// Under ThreadSanitizer each CUDA thread is a thread of its own, and only barriers, __syncwarp, fences and the
/// beginning and end of a launch order memory. Consecutive blocks use different fibers: what one fiber does is ordered.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <vector>

#include "emulator/counters.hpp"
#include "emulator/fiber.hpp"
#include "emulator/intrinsics.hpp"
#include "emulator/launch.hpp"
#include "emulator/shared_memory.hpp"
#include "emulator/traffic.hpp"

namespace tenfold::emulator {

/// Lanes of a warp, threads of the largest block.
inline constexpr int lanes = 32, most_threads = 1024;

/// One CUDA thread and what it waits for.
struct Thread {
  /// Where it stands.
  enum class State : std::uint8_t { fresh, ready, at_barrier, in_warp, left };
  State state = State::fresh;  ///< see State
  int number = 0;              ///< within the block, x fastest
  uint3 index{};               ///< threadIdx
  Fiber* fiber = nullptr;      ///< its stack, once it has begun
  Wait wait{};                 ///< the call it waits in, and that call's arguments and answer
  unsigned mask = 0;           ///< lanes
  int argument = 0, width = 0; ///< of a shuffle
  std::uint64_t value = 0;     ///< what it brings
  std::uint64_t answer = 0;    ///< what it gets
  std::source_location at;     ///< the call's place
  unsigned warp_syncs = 0;     ///< how many it has passed
};

/// The lanes of a warp that wait in a warp operation, and those that have ended.
struct Warp {
  unsigned waiting = 0, left = 0;  ///< one bit a lane
};

/// See the head of this file. There is one, scheduler().
class Scheduler {
 public:
  /// Reads the seed.
  Scheduler();

  /// Why a launch cannot be, as a card would say it, or cudaSuccess.
  cudaError_t refuse(const Launch& launch) const;
  /// Runs a launch; throws CudaError for what goes wrong in it.
  void run(const Launch& launch);
  /// A running thread's wait for its block.
  int barrier(Wait kind, int predicate, std::source_location at);
  /// A running thread's wait for lanes of its warp.
  std::uint64_t warp_operation(Wait kind, unsigned mask, std::uint64_t value, int argument, int width,
                               std::source_location at);
  /// See before_atomic().
  void atomic();
  /// See memory_fence().
  void fence();

  /// See count_load().
  void access(bool store, const void* site, const void* address, std::size_t bytes);

  /// Whether a kernel is running.
  bool in_kernel() const { return current_ != nullptr; }
  /// Ends the launch with an error: who and where, then `what`. From the host it throws.
  [[noreturn]] void fail(std::string what);
  /// The same with the line at which `who` waits, and on request where all others are.
  [[noreturn]] void fail(const Thread& who, std::string what, bool with_others = false);
  /// "kernel k (file:line), block (…)" of the running launch, and the running thread if there is one.
  std::string who() const;
  /// Whether `address` is just below a thread's stack.
  bool is_stack_overflow(const void* address) const;
  /// The running block's shared memory.
  SharedMemory& shared() { return shared_; }
  /// Of all launches so far.
  Counters& counters() { return counters_; }

 private:
  void run_block(unsigned long block);
  void prepare(const Launch& launch);
  void abandon();

  // On the threads' stacks.
  static void fiber_body(Fiber& fiber);
  void work(Fiber& fiber);
  Fiber& stack_for(Thread& thread);
  Thread* next();
  void pause(Thread& thread);
  void leave(Thread& thread);
  void make_ready(Thread& thread);
  void open_barrier();
  void try_warp(Thread& thread);
  void answer_lane(int first, int lane, unsigned part, unsigned votes);
  [[noreturn]] void report_deadlock();
  std::string summary() const;
  std::uint32_t random(std::uint32_t below);

  std::uint32_t seed_ = 1, random_state_ = 1;
  std::mutex one_launch_;
  Launch launch_;
  SharedMemory shared_;
  Counters counters_;
  Traffic traffic_;
  std::string error_;

  std::array<Thread, most_threads> threads_;
  std::array<Warp, most_threads / lanes> warps_;
  int count_ = 0, left_ = 0, at_barrier_ = 0;  // threads of the block, how many have ended, how many wait
  std::array<std::uint16_t, most_threads> ready_;  // a ring of the numbers of those that can go on
  unsigned ready_begin_ = 0, ready_count_ = 0;
  Thread* current_ = nullptr;
  int until_yield_ = 0;  // atomics
  bool ahead_ = false;   // whether this block lets some get far ahead

  Fiber host_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  unsigned bank_ = 0;    // which half of the fibers this block uses, under ThreadSanitizer
  unsigned phase_ = 0;   // barriers passed
  struct alignas(8) Token { char cell[8]; };
  Token begin_{}, end_{}, fence_{}, barrier_[2][2]{};  // what release() and acquire() speak of
  std::array<Token, 2 * 2 * most_threads> warp_tokens_{};  // by bank, thread and parity
};

/// The one scheduler.
Scheduler& scheduler();

/// "file.cu:12", the file without its folders but the last.
std::string place(std::source_location at);
/// The name of the function at `address`, from the program's symbol table; "?" when it has none.
std::string function_name(const void* address);

}  // namespace tenfold::emulator
