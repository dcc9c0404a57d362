/// @file
/// What a barrier and a warp operation wait for, and what they answer.
#include <fmt/format.h>

#include <bit>

#include "emulator/scheduler.hpp"

namespace tenfold::emulator {

namespace {
bool same_place(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::string_view(a.file_name()) == b.file_name());
}
}  // namespace

int Scheduler::barrier(Wait kind, int predicate, std::source_location at) {
  if (!current_) fail("__syncthreads outside of a kernel");
  Thread& self = *current_;
  self.wait = kind;
  self.value = predicate != 0;
  self.at = at;
  self.state = Thread::State::at_barrier;
  // Two tokens in turn: who is quick may be at the next barrier while others have yet to leave this one.
  Token& token = barrier_[bank_][phase_ & 1];
  release(&token);
  if (++at_barrier_ == count_) open_barrier();
  pause(self);
  acquire(&token);
  return static_cast<int>(self.answer);
}

void Scheduler::open_barrier() {
  int holds = 0;
  for (int i = 0; i < count_; ++i) {
    if (!same_place(threads_[i].at, threads_[0].at))
      fail(threads_[i], "threads of one block wait at different barriers", true);
    holds += threads_[i].value != 0;
  }
  for (int i = 0; i < count_; ++i) {
    Thread& thread = threads_[i];
    switch (thread.wait) {
      case Wait::barrier_and: thread.answer = holds == count_; break;
      case Wait::barrier_or: thread.answer = holds > 0; break;
      default: thread.answer = static_cast<unsigned>(holds); break;
    }
    make_ready(thread);
  }
  at_barrier_ = 0;
  ++phase_;
  ++counters_.barriers;
}

std::uint64_t Scheduler::warp_operation(Wait kind, unsigned mask, std::uint64_t value, int argument, int width,
                                        std::source_location at) {
  if (!current_) fail("a warp operation outside of a kernel");
  Thread& self = *current_;
  self.wait = kind;
  self.mask = mask;
  self.value = value;
  self.argument = argument;
  self.width = width;
  self.at = at;
  const int lane = self.number % lanes;
  if (!(mask >> lane & 1))
    fail(self, fmt::format("a warp operation whose mask {:#010x} leaves out lane {}, which calls it", mask, lane));
  if (width < 1 || width > lanes || !std::has_single_bit(static_cast<unsigned>(width)))
    fail(self, fmt::format("a shuffle's width must be a power of two up to 32, got {}", width));
  const auto token = [&](int thread) -> Token& {
    return warp_tokens_[(bank_ * most_threads + static_cast<unsigned>(thread)) * 2 + (self.warp_syncs & 1)];
  };
  if (kind == Wait::warp_sync) release(&token(self.number));
  self.state = Thread::State::in_warp;
  warps_[self.number / lanes].waiting |= 1u << lane;
  try_warp(self);
  pause(self);
  if (kind != Wait::warp_sync) return self.answer;  // only __syncwarp orders memory
  for (int other = 0; other < lanes; ++other)
    if (self.answer >> other & 1) acquire(&token(self.number / lanes * lanes + other));
  ++self.warp_syncs;
  return 0;
}

// When all lanes of the mask have come to the same operation, each gets its answer.
void Scheduler::try_warp(Thread& thread) {
  Warp& warp = warps_[thread.number / lanes];
  const int first = thread.number / lanes * lanes, there = std::min(lanes, count_ - first);
  const unsigned exist = there == lanes ? ~0u : (1u << there) - 1, part = thread.mask & exist;
  if (const unsigned gone = part & warp.left)
    fail(thread, fmt::format("the mask {:#010x} names lane {}, but that thread has left the kernel", thread.mask,
                             std::countr_zero(gone)));
  if ((part & warp.waiting) != part) return;
  unsigned votes = 0;
  for (int lane = 0; lane < there; ++lane) {
    if (!(part >> lane & 1)) continue;
    const Thread& other = threads_[first + lane];
    // Elsewhere; it may come here later, or never.
    if (other.mask != thread.mask || other.wait != thread.wait || !same_place(other.at, thread.at)) return;
    votes |= (other.value != 0 ? 1u : 0u) << lane;
  }
  for (int lane = 0; lane < there; ++lane)
    if (part >> lane & 1) answer_lane(first, lane, part, votes);
  for (int lane = 0; lane < there; ++lane)
    if (part >> lane & 1) make_ready(threads_[first + lane]);
  warp.waiting &= ~part;
  ++counters_.warp_operations;
}

void Scheduler::answer_lane(int first, int lane, unsigned part, unsigned votes) {
  Thread& self = threads_[first + lane];
  const int begin = lane & ~(self.width - 1), end = begin + self.width;
  int from = lane;
  switch (self.wait) {
    case Wait::shuffle: from = begin + (self.argument & (self.width - 1)); break;
    case Wait::shuffle_up: from = lane - self.argument < begin ? lane : lane - self.argument; break;
    case Wait::shuffle_down: from = lane + self.argument >= end ? lane : lane + self.argument; break;
    case Wait::shuffle_xor: from = (lane ^ self.argument) >= end ? lane : lane ^ self.argument; break;
    case Wait::ballot: self.answer = votes; return;
    case Wait::any: self.answer = votes != 0; return;
    case Wait::all: self.answer = votes == part; return;
    default: self.answer = part; return;
  }
  if (from < 0 || from >= lanes || !(part >> from & 1))
    fail(self, fmt::format("lane {} shuffles from lane {}, which takes no part (mask {:#010x})", lane, from, self.mask));
  self.answer = threads_[first + from].value;
}

}  // namespace tenfold::emulator
