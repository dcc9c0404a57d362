/// @file
/// An access to memory that is not there, in a kernel: which thread did it, not just "segmentation fault".
#pragma once
#include <csignal>

namespace tenfold::emulator {

/// As long as one lives, a fault in a kernel is an error like any other. Under a sanitizer, which reports it with a
/// stack trace itself, the kernel and thread are said beside that.
class FaultHandler {
 public:
  /// Takes SIGSEGV and SIGBUS over.
  FaultHandler();
  /// Gives them back.
  ~FaultHandler();
  FaultHandler(const FaultHandler&) = delete;
  FaultHandler& operator=(const FaultHandler&) = delete;

 private:
  struct sigaction segv_ {}, bus_ {};
  stack_t stack_{};
};

}  // namespace tenfold::emulator
