// Backends by name.
#include <string>

#include "backend/kernels.hpp"
#include "core/errors.hpp"

namespace tenfold::inline TENFOLD_REAL {

std::unique_ptr<Kernels> make_kernels(std::string_view device, int threads) {
  if (threads < 0)
    throw UsageError("--threads must be 0 (all cores) or more, got " + std::to_string(threads));
  if (device == "reference") return make_reference_kernels();
  if (device == "cuda" || (device == "auto" && cuda_is_there())) return make_cuda_kernels();
  if (device == "cpu" || device == "auto") return make_cpu_kernels(threads);
  if (device == "cuda-emulated") return make_emulated_kernels();
  throw UsageError("--device must be one of auto, cpu, cuda, cuda-emulated, reference, got \"" + std::string(device) +
                   "\"");
}

}  // namespace tenfold::inline TENFOLD_REAL
