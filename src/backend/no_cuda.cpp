// Linked in place of the CUDA backend where a build has none. TENFOLD_NO_CUDA says why, and what to do
// (cuda/toolkit.cmake).
#include "backend/kernels.hpp"
#include "core/errors.hpp"

namespace tenfold::inline TENFOLD_REAL {

std::unique_ptr<Kernels> make_cuda_kernels() {
  throw CudaError("this build has no CUDA backend: " TENFOLD_NO_CUDA "; --device cpu needs none");
}

bool cuda_is_there() { return false; }

}  // namespace tenfold::inline TENFOLD_REAL
