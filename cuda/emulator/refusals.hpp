/// @file
/// Refusals: what a card may say no to, said on request, so that tests see what the caller makes of it.
#pragma once
#include "emulator/runtime.hpp"

namespace tenfold::emulator {

/// What can be refused: memory, a stream, an event or a cuBLAS handle and its settings; or the start of a kernel.
enum class Call { acquire, launch };
/// Once `after` more calls of this kind have gone well, the next fails with `error`; the ones behind it do not.
void refuse_once(Call call, cudaError_t error, int after = 0);
/// Whether refuse_once() still waits for its call; forgets it.
bool take_back_refusal(Call call);
/// For the calls themselves: the error to fail with, which is the last error then, or cudaSuccess.
cudaError_t refusal(Call call);

}  // namespace tenfold::emulator
