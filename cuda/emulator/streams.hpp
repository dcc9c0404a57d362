/// @file
/// Streams: in what order work is done that the host has queued.
///
/// Ordinarily all work is done at once, before the call that queues it returns. With TENFOLD_EMULATOR_LATE=1 (or
/// set_late) it is done as late as a card may do it: when somebody waits for it. Then a host that reads a result before
/// it has waited, or fills a staging buffer again that is still to be copied, or forgets that one stream must wait for
/// another, gets wrong numbers here as well. An error in a kernel is thrown by the call that waits. Memory that is
/// freed waits for nobody: it is there for what was queued before, and goes when that is done.
#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <map>

#include "emulator/runtime.hpp"

namespace tenfold::emulator {

/// A piece of queued work.
using Work = std::function<void()>;

/// See the head of this file. There is one, streams().
class Streams {
 public:
  /// Reads TENFOLD_EMULATOR_LATE.
  Streams();
  /// Whether work is done late.
  bool late() const { return late_; }
  /// Chooses; what is queued is done first.
  void set_late(bool late);

  /// A new stream; whether it waits for the default stream, and that for it.
  cudaStream_t create(bool blocking);
  /// Does what is left in it first.
  void destroy(cudaStream_t stream);
  /// Does the work now, or after what is in the stream already.
  void submit(cudaStream_t stream, Work work);
  /// Does a last thing, when all that is now in any stream is done; it must not throw.
  void after_all(Work work);
  /// Does all that the stream holds.
  void finish(cudaStream_t stream);
  /// Does all there is.
  void finish_all();
  /// How many streams there are.
  std::size_t count() const { return queues_.size(); }
  /// A point in the stream: finish_until() takes it.
  std::size_t mark() const { return next_; }
  /// Does what the stream held when mark() was taken.
  void finish_until(cudaStream_t stream, std::size_t mark);

  /// The host waits for the stream; counted in Counters::waits if there was anything to wait for.
  void wait(cudaStream_t stream);
  /// Likewise for all streams.
  void wait_all();
  /// Likewise for what the stream held when mark() was taken.
  void wait_until(cudaStream_t stream, std::size_t mark);

 private:
  struct Item {
    std::size_t number;  // in the order of submission, of all streams
    Work work;
  };
  struct Queue {
    bool blocking = true;
    std::deque<Item> items;
  };
  void do_first(cudaStream_t stream);
  template <class Finish>
  void count_wait(Finish finish);

  bool late_ = false;
  std::size_t done_ = 0;  // pieces of work
  std::size_t next_ = 1;
  std::map<cudaStream_t, Queue> queues_;
};

/// The one and only.
Streams& streams();
/// Does work as late as a card may, or at once.
void set_late(bool late);

}  // namespace tenfold::emulator
