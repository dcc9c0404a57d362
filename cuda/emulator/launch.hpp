/// @file
/// launch(): what <<<…>>> is in plain C++.
#pragma once
#include <cstddef>
#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include "emulator/language.hpp"
#include "emulator/runtime.hpp"

namespace tenfold::emulator {

/// A kernel with its arguments, ready to be called once for each thread.
struct Launch {
  void (*entry)(void*) = nullptr;  ///< calls the kernel with the arguments
  void* arguments = nullptr;       ///< what entry() wants
  const void* kernel = nullptr;    ///< the kernel's address: its name, and its limits
  dim3 grid, block;                ///< blocks, and threads in each
  std::size_t shared_bytes = 0;    ///< dynamic shared memory
  std::source_location at;         ///< where launch() stands
};
/// Runs all of it, or queues it if work is done late (streams.hpp); the error of the launch itself. Throws CudaError
/// for what the kernel does wrong.
/// @param keep gives a copy of the arguments for a later time
cudaError_t run(const Launch& launch, cudaStream_t stream, std::shared_ptr<void> (*keep)(void* arguments));
/// Throws CudaError if argument number `index` is a pointer that is not the device's.
void check_pointer(const Launch& launch, int index, const void* pointer);
/// Throws CudaError if `bytes` bytes of argument number `index` hold the address of something in the host's memory.
void check_struct(const Launch& launch, int index, const void* argument, std::size_t bytes);

/// What a kernel may not be given.
template <class T>
inline void check_argument(const Launch& launch, int index, const T& argument) {
  if constexpr (std::is_pointer_v<T>)
    check_pointer(launch, index, argument);
#if __has_builtin(__builtin_clear_padding)
  else if constexpr (std::is_class_v<T>) {
    T copy = argument;
    __builtin_clear_padding(&copy);  // what was there before could look like a pointer
    check_struct(launch, index, &copy, sizeof copy);
  }
#endif
}

/// Arguments as the kernel takes them.
template <class... P>
struct Packed {
  void (*kernel)(P...);             ///< whom to call
  std::tuple<std::decay_t<P>...> arguments;  ///< with what
  /// Calls it.
  static void entry(void* self) {
    auto* packed = static_cast<Packed*>(self);
    std::apply(packed->kernel, packed->arguments);
  }
  /// A copy.
  static std::shared_ptr<void> keep(void* self) { return std::make_shared<Packed>(*static_cast<Packed*>(self)); }
};

}  // namespace tenfold::emulator

inline namespace cuda_emulated {

/// What goes between <<< and >>>.
struct LaunchShape {
  dim3 grid, block;               ///< blocks, and threads in each
  std::size_t shared_bytes = 0;   ///< of dynamic shared memory
  cudaStream_t stream = nullptr;  ///< in whose order it runs
  std::source_location at = std::source_location::current();  ///< left out: the line of the call
};
/// Runs `kernel` on a grid; the error of starting it. Throws CudaError for what it does wrong.
template <class... P, class... A>
[[nodiscard]] inline cudaError_t launch(LaunchShape shape, void (*kernel)(P...), A&&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A), "wrong number of kernel arguments");
  static_assert((std::is_trivially_copyable_v<std::decay_t<P>> && ...), "a kernel's arguments are copied byte by byte");
  static_assert((!std::is_reference_v<P> && ...), "a kernel cannot take a reference");
  tenfold::emulator::Packed<P...> packed{kernel, {static_cast<std::decay_t<P>>(std::forward<A>(arguments))...}};
  const tenfold::emulator::Launch what{&tenfold::emulator::Packed<P...>::entry, &packed,
                                       reinterpret_cast<const void*>(kernel), shape.grid, shape.block,
                                       shape.shared_bytes, shape.at};
  std::apply([&](const auto&... argument) {
    int index = 0;
    (tenfold::emulator::check_argument(what, ++index, argument), ...);
  }, packed.arguments);
  return tenfold::emulator::run(what, shape.stream, &tenfold::emulator::Packed<P...>::keep);
}

}  // namespace cuda_emulated
