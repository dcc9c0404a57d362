// Linked in place of the CUDA backend where a build has none.
#include "backend/kernels.hpp"
#include "core/errors.hpp"

namespace tenfold::inline TENFOLD_REAL {

std::unique_ptr<Kernels> make_cuda_kernels() {
  throw CudaError(
      "this build has no CUDA backend: install the CUDA toolkit (nvcc in the PATH or in /usr/local/cuda) and build again; "
      "--device cpu needs none");
}

bool cuda_is_there() { return false; }

}  // namespace tenfold::inline TENFOLD_REAL
