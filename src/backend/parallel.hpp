/// @file
/// Splitting a loop over OpenMP's threads.
#pragma once
#include <algorithm>

#include "core/shape.hpp"

namespace tenfold {

/// Calls body(begin, end, piece) so that [0, n) is covered by one contiguous piece per thread: which thread
/// does what depends on n and threads alone. Loops shorter than 2 · `least` are not worth waking a thread and
/// run right here. Pieces begin at multiples of `step`; piece < threads.
template <class Body>
void parallel_ranges(int threads, Index n, Index least, Index step, const Body& body) {
  if (threads < 2 || n < 2 * least || n <= step) {
    if (n > 0) body(Index{0}, n, 0);
    return;
  }
  const Index steps = (n + step - 1) / step;
// The team always has all threads: OpenMP would end and start them anew if its size changed from loop to
// loop.
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int piece = 0; piece < threads; ++piece) {
    const Index begin = std::min(n, steps * piece / threads * step);
    const Index end = std::min(n, steps * (piece + 1) / threads * step);
    if (begin < end) body(begin, end, piece);
  }
}

}  // namespace tenfold
