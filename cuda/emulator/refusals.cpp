/// @file
/// What is still to be refused.
#include "emulator/refusals.hpp"

#include <utility>

#include "emulator/device_memory.hpp"

namespace tenfold::emulator {
namespace {

struct Refusal {
  cudaError_t error = cudaSuccess;
  int after = 0;
};
Refusal wished[2];

Refusal& wish(Call call) { return wished[static_cast<int>(call)]; }

}  // namespace

void refuse_once(Call call, cudaError_t error, int after) { wish(call) = {error, after}; }

bool take_back_refusal(Call call) { return std::exchange(wish(call), {}).error != cudaSuccess; }

cudaError_t refusal(Call call) {
  Refusal& mine = wish(call);
  if (mine.error == cudaSuccess || mine.after-- > 0) return cudaSuccess;
  return set_last_error(std::exchange(mine.error, cudaSuccess));
}

}  // namespace tenfold::emulator
