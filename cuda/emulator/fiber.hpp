/// @file
/// Fiber: a stack of its own and the place where it stopped, on Boost.Context.
///
/// Switching costs some 5 ns. AddressSanitizer and ThreadSanitizer are told of every switch; to the latter each fiber
/// is a thread, and a switch orders no memory (only what scheduler.hpp says does, as on a card).
#pragma once
#include <cstddef>
#include <source_location>

namespace tenfold::emulator {

/// See the head of this file. Not copied: its stack refers to it.
class Fiber {
 public:
  /// Bytes of stack: sanitizers need more of it.
#if defined(__SANITIZE_ADDRESS__) || defined(TENFOLD_EMULATOR_TSAN)
  static constexpr std::size_t stack_bytes = 256 * 1024;
#else
  static constexpr std::size_t stack_bytes = 64 * 1024;
#endif

  /// What a fiber runs; it never returns.
  using Body = void (*)(Fiber&);
  /// The host's own stack, wherever the program is.
  Fiber();
  /// A new stack, below which a page is out of bounds. Throws CudaError when the system has no memory for it.
  explicit Fiber(Body body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Leaves this fiber, which is running, for `to`; returns when somebody comes back to this one.
  void switch_to(Fiber& to);
  /// Forgets what it was doing; the next switch starts its body anew.
  void restart();
  /// For the host's: which thread of the program is the host.
  void adopt_thread();
  /// Whether `address` is in the page out of bounds.
  bool in_guard_page(const void* address) const;

  void* thread = nullptr;  ///< the CUDA thread it runs (scheduler.cpp)

 private:
  struct Arrival;
  void start();

  Body body_ = nullptr;
  char* memory_ = nullptr;  // guard page, then the stack
  void* context_ = nullptr;
  const void* stack_bottom_ = nullptr;  // as AddressSanitizer wants it
  std::size_t stack_size_ = 0;
  void* fake_stack_ = nullptr;
  void* sanitizer_fiber_ = nullptr;
};

/// What ThreadSanitizer has to know: all that was done before release(token) is seen after acquire(token).
void release(void* token);
/// See release().
void acquire(void* token);

}  // namespace tenfold::emulator
