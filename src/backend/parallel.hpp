/// @file
/// Splitting a loop over OpenMP's threads.
#pragma once
#include <omp.h>

#include <algorithm>
#include <exception>

#include "core/shape.hpp"

namespace tenfold {

/// The first exception of several threads, which OpenMP does not let out of a loop of its own.
class FirstFailure {
 public:
  /// Whether there is none yet.
  bool none() const {
    bool none;
#pragma omp critical(tenfold_task_failure)
    none = !failure_;
    return none;
  }
  /// Keeps the exception being handled, unless there is one already.
  void keep() {
#pragma omp critical(tenfold_task_failure)
    if (!failure_) failure_ = std::current_exception();
  }
  /// When the loop is over: throws it on.
  void throw_on() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
};

/// Calls body(begin, end, piece) so that [0, n) is covered by one contiguous piece per thread: which thread
/// does what depends on n and threads alone. Loops shorter than 2 · `least` are not worth waking a thread and
/// run right here. Pieces begin at multiples of `step`; piece < threads. Within a parallel region the caller does all
/// pieces, one after the other. Each piece may have a copy of `body`. The first exception is thrown on when all pieces are done.
template <class Body>
void parallel_ranges(int threads, Index n, Index least, Index step, const Body& body) {
  if (threads < 2 || n < 2 * least || n <= step) {
    if (n > 0) body(Index{0}, n, 0);
    return;
  }
  const Index steps = (n + step - 1) / step;
  const auto run = [&](int piece) {
    const Index begin = std::min(n, steps * piece / threads * step);
    const Index end = std::min(n, steps * (piece + 1) / threads * step);
    // A copy of one's own: what is read through a reference GCC takes for changed by every number written, and does not
    // turn the loop into SIMD.
    const Body own = body;
    if (begin < end) own(begin, end, piece);
  };
  if (omp_in_parallel()) {
    for (int piece = 0; piece < threads; ++piece) run(piece);
    return;
  }
// The team always has all threads: OpenMP would end and start them anew if its size changed from loop to
// loop.
  FirstFailure failure;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int piece = 0; piece < threads; ++piece) {
    try {
      run(piece);
    } catch (...) {  // of memory there may be none left
      failure.keep();
    }
  }
  failure.throw_on();
}

/// Calls body(i) for every i in [0, n), each thread taking the next one when it is done with its own: for tasks of
/// unequal length. The first exception is thrown on when all threads are done; tasks not yet begun are then left out.
template <class Body>
void parallel_tasks(int threads, Index n, const Body& body) {
  if (threads < 2 || n < 2 || omp_in_parallel()) {
    for (Index i = 0; i < n; ++i) body(i);
    return;
  }
  FirstFailure failure;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (Index i = 0; i < n; ++i) {
    if (!failure.none()) continue;
    try {
      body(i);
    } catch (...) {
      failure.keep();
    }
  }
  failure.throw_on();
}

}  // namespace tenfold
