/// @file
/// Faults: a handler of our own, or a word beside the sanitizer's report.
#include "emulator/faults.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>

#include "emulator/device_memory.hpp"
#include "emulator/scheduler.hpp"

namespace tenfold::emulator {

#if defined(__SANITIZE_ADDRESS__) || defined(TENFOLD_EMULATOR_TSAN)

FaultHandler::FaultHandler() = default;
FaultHandler::~FaultHandler() = default;

namespace {
void say_who() {
  if (scheduler().in_kernel()) std::fprintf(stderr, "emulator: the report is about %s\n", scheduler().who().c_str());
}
}  // namespace

/// Called by AddressSanitizer before it reports.
extern "C" __attribute__((visibility("default"))) void __asan_on_error() { say_who(); }
/// Called by ThreadSanitizer when it reports.
extern "C" __attribute__((visibility("default"))) void __tsan_on_report(void*) { say_who(); }

#else

namespace {

alignas(16) char handler_stack[64 * 1024];

// Runs on a stack of its own, and leaves it for the host's: the kernel will not go on.
void on_fault(int signal, siginfo_t* info, void*) {
  Scheduler& s = scheduler();
  if (!s.in_kernel()) {  // not ours: let it happen again without us
    std::signal(signal, SIG_DFL);
    return;
  }
  const void* address = info->si_addr;
  if (s.is_stack_overflow(address)) s.fail(fmt::format("more than the {} KiB of stack that a thread has", Fiber::stack_bytes / 1024));
  // The processor does not say which address it was when it is misaligned for a vector, or none at all.
  if (info->si_code == SI_KERNEL) s.fail("a misaligned access, or one to an impossible address");
  s.fail(fmt::format("an access to memory that is not there, {}", device_memory().describe(address)));
}

}  // namespace

FaultHandler::FaultHandler() {
  stack_t mine{};
  mine.ss_sp = handler_stack;
  mine.ss_size = sizeof handler_stack;
  sigaltstack(&mine, &stack_);
  struct sigaction action {};
  action.sa_sigaction = &on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &action, &segv_);
  sigaction(SIGBUS, &action, &bus_);
}

FaultHandler::~FaultHandler() {
  sigaction(SIGSEGV, &segv_, nullptr);
  sigaction(SIGBUS, &bus_, nullptr);
  sigaltstack(&stack_, nullptr);
}

#endif

}  // namespace tenfold::emulator
