// Linked in place of the emulated CUDA backend where a build has none.
#include "backend/kernels.hpp"
#include "core/errors.hpp"

namespace tenfold::inline TENFOLD_REAL {

std::unique_ptr<Kernels> make_emulated_kernels() {
  throw CudaError(
      "this build has no emulator of CUDA: install Boost.Context (libboost-context-dev) and build again; --device cpu needs "
      "none");
}

}  // namespace tenfold::inline TENFOLD_REAL
