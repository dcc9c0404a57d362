/// @file
/// The emulator: CUDA's language and the part of its runtime that this project uses, as plain C++20 on a CPU.
///
/// A .cu file that includes cuda/device.hpp is compiled by any C++ compiler against this header, and its kernels then
/// run here: every CUDA thread has a stack of its own, and barriers, warp operations and atomics mean what they mean on
/// a card (scheduler.hpp). What breaks a rule of CUDA's is an error of one line that names kernel, block, thread,
/// source line and rule; launch() throws it as CudaError. TENFOLD_EMULATOR_SEED chooses the order in which blocks and
/// threads run: 0 is ascending, any other number (1 if it is not set) a random one that is the same every time. With
/// TENFOLD_EMULATOR_LATE=1 queued work is done only when somebody waits for it (streams.hpp).
///
/// Functions have CUDA's own names but C++ linkage and a namespace of their own (inline, so nobody spells it): a
/// program may hold a card's build and an emulator's.
#pragma once
#include "emulator/counters.hpp"
#include "emulator/cublas.hpp"
#include "emulator/intrinsics.hpp"
#include "emulator/language.hpp"
#include "emulator/launch.hpp"
#include "emulator/math.hpp"
#include "emulator/runtime.hpp"
