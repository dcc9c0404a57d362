/// @file
/// Ctrl-C, SIGTERM and a closed terminal (SIGHUP) as a request that the program asks for when it suits it.
#pragma once
#include <csignal>

namespace tenfold {

/// While an InterruptGuard lives, the first SIGINT, SIGTERM or SIGHUP is noted instead of ending the program; a
/// second one ends it, as the first would have without the guard. A signal that was ignored when the guard
/// was made (as under nohup) stays ignored. One guard at a time, made and destroyed by one thread.
class InterruptGuard {
 public:
  /// From here on signals are noted.
  InterruptGuard();
  /// Puts back what was in force before, and forgets the request.
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// True once a signal came.
  static bool requested() { return signal() != 0; }
  /// The signal that came, or 0.
  static int signal();

 private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
  struct sigaction old_hangup_ {};
};

}  // namespace tenfold
