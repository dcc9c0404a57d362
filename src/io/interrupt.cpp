#include "io/interrupt.hpp"

#include <atomic>

namespace tenfold {
namespace {

// A handler may only touch what is lock-free.
std::atomic<int> noted_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

void note(int signal) {
  noted_signal.store(signal, std::memory_order_relaxed);
  // The next one of either kind shall end the program, unless that kind is ignored.
  for (int kind : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction current {};
    ::sigaction(kind, nullptr, &current);
    if (current.sa_handler != note) continue;
    current.sa_handler = SIG_DFL;
    ::sigaction(kind, &current, nullptr);
  }
}

void install(int signal, struct sigaction& old) {
  struct sigaction action {};
  action.sa_handler = note;
  ::sigemptyset(&action.sa_mask);
  // No second handler in the middle of the first; and reads and writes under way go on.
  ::sigaddset(&action.sa_mask, SIGINT);
  ::sigaddset(&action.sa_mask, SIGTERM);
  ::sigaddset(&action.sa_mask, SIGHUP);
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, &old);
  if (old.sa_handler == SIG_IGN) ::sigaction(signal, &old, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  noted_signal = 0;
  install(SIGINT, old_interrupt_);
  install(SIGTERM, old_terminate_);
  install(SIGHUP, old_hangup_);
}

InterruptGuard::~InterruptGuard() {
  ::sigaction(SIGINT, &old_interrupt_, nullptr);
  ::sigaction(SIGTERM, &old_terminate_, nullptr);
  ::sigaction(SIGHUP, &old_hangup_, nullptr);
  noted_signal = 0;
}

int InterruptGuard::signal() { return noted_signal.load(std::memory_order_relaxed); }

}  // namespace tenfold
