// Backends by name.
#include "backend/registry.hpp"

#include "core/errors.hpp"

namespace tenfold::inline TENFOLD_REAL {

std::unique_ptr<Kernels> usable_or_cpu(const std::function<std::unique_ptr<Kernels>()>& make, int threads,
                                       const Notice& notice) {
  try {
    return make();
  } catch (const CudaError& unusable) {
    if (notice) notice(std::string(unusable.what()) + "; computing on the CPU");
  }
  return make_cpu_kernels(threads);
}

std::unique_ptr<Kernels> make_kernels(std::string_view device, int threads) { return make_kernels(device, threads, {}); }

std::unique_ptr<Kernels> make_kernels(std::string_view device, int threads, const Notice& notice) {
  if (threads < 0)
    throw UsageError("--threads must be 0 (all cores) or more, got " + std::to_string(threads));
  if (device == "reference") return make_reference_kernels();
  if (device == "auto" && cuda_is_there()) return usable_or_cpu(make_cuda_kernels, threads, notice);
  if (device == "cuda") return make_cuda_kernels();
  if (device == "cpu" || device == "auto") return make_cpu_kernels(threads);
  if (device == "cuda-emulated") return make_emulated_kernels();
  throw UsageError("--device must be one of auto, cpu, cuda, cuda-emulated, reference, got \"" + std::string(device) +
                   "\"");
}

}  // namespace tenfold::inline TENFOLD_REAL
