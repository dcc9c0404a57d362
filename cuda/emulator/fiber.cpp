/// @file
/// Fibers on Boost.Context. In the ThreadSanitizer build this file is compiled without -fsanitize=thread: the calls
/// below are all it shall know of switching.
#include "emulator/fiber.hpp"

#include <sys/mman.h>

#include <cstdint>

#include <boost/context/detail/fcontext.hpp>

#include "core/errors.hpp"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(TENFOLD_EMULATOR_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace tenfold::emulator {
namespace context = boost::context::detail;

namespace {
constexpr std::size_t page = 4096;
Fiber* arriving = nullptr;  // whom the switch under way goes to
}  // namespace

/// What a fiber does when it gets the processor: it notes where the one that came here had stopped.
struct Fiber::Arrival {
  static void note(Fiber& self, context::transfer_t transfer) {
    auto* from = static_cast<Fiber*>(transfer.data);
    from->context_ = transfer.fctx;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(self.fake_stack_, &from->stack_bottom_, &from->stack_size_);
#else
    (void)self;
#endif
  }
  static void first(context::transfer_t transfer) {
    Fiber& self = *arriving;
    note(self, transfer);
    self.body_(self);
    __builtin_unreachable();
  }
};

Fiber::Fiber() = default;

Fiber::Fiber(Body body) : body_(body) {
  void* mapped = mmap(nullptr, page + stack_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw CudaError("emulator: no memory for the stacks of a block's threads");
  memory_ = static_cast<char*>(mapped);
  mprotect(memory_, page, PROT_NONE);
  stack_bottom_ = memory_ + page;
  stack_size_ = stack_bytes;
  start();
}

Fiber::~Fiber() {
#if defined(TENFOLD_EMULATOR_TSAN)
  if (memory_) __tsan_destroy_fiber(sanitizer_fiber_);
#endif
  if (memory_) munmap(memory_, page + stack_bytes);
}

void Fiber::start() {
  // Stacks that all begin at the same offset of a page would share few lines of the cache.
  const std::size_t shift = (reinterpret_cast<std::uintptr_t>(this) / 64 % 16) * 256;
  context_ = context::make_fcontext(memory_ + page + stack_bytes - shift, stack_bytes - shift, &Arrival::first);
#if defined(TENFOLD_EMULATOR_TSAN)
  sanitizer_fiber_ = __tsan_create_fiber(0);
#endif
}

void Fiber::restart() {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(memory_ + page, stack_bytes);
  fake_stack_ = nullptr;
#endif
#if defined(TENFOLD_EMULATOR_TSAN)
  __tsan_destroy_fiber(sanitizer_fiber_);
#endif
  start();
}

void Fiber::adopt_thread() {
#if defined(TENFOLD_EMULATOR_TSAN)
  sanitizer_fiber_ = __tsan_get_current_fiber();
#endif
}

bool Fiber::in_guard_page(const void* address) const {
  const auto* p = static_cast<const char*>(address);
  return memory_ && p >= memory_ && p < memory_ + page;
}

void Fiber::switch_to(Fiber& to) {
  arriving = &to;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&fake_stack_, to.stack_bottom_, to.stack_size_);
#endif
#if defined(TENFOLD_EMULATOR_TSAN)
  __tsan_switch_to_fiber(to.sanitizer_fiber_, __tsan_switch_to_fiber_no_sync);
#endif
  Arrival::note(*this, context::jump_fcontext(to.context_, this));
}

void release([[maybe_unused]] void* token) {
#if defined(TENFOLD_EMULATOR_TSAN)
  __tsan_release(token);
#endif
}

void acquire([[maybe_unused]] void* token) {
#if defined(TENFOLD_EMULATOR_TSAN)
  __tsan_acquire(token);
#endif
}

}  // namespace tenfold::emulator
