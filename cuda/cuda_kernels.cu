#include "cuda_kernels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "core/errors.hpp"
#include "cublas.hpp"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

#if defined(__CUDACC__)
constexpr bool emulated = false;
#else
constexpr bool emulated = true;
#endif

/// The card's memory. The allocator takes it in segments and keeps them: cudaMalloc waits for the card, and a training
/// step should not. A block that is freed may still be in use by what is queued; but whoever gets it next queues behind
/// that, on the same stream.
class DeviceMemory final : public MemorySource {
 public:
  void* obtain(std::size_t bytes) override {
    void* memory = nullptr;
    const cudaError_t error = cudaMalloc(&memory, bytes);
    if (error == cudaSuccess) return memory;
    static_cast<void>(cudaGetLastError());  // or the next launch would report it
    if (error != cudaErrorMemoryAllocation) check(error, "cudaMalloc");  // what went wrong earlier is no lack of memory
    return nullptr;
  }
  void give_back(void* memory, std::size_t) noexcept override { static_cast<void>(cudaFree(memory)); }
  bool host_accessible() const override { return false; }
  /// On the emulator every block by itself: it knows the bounds of what cudaMalloc gave, and of nothing smaller.
  std::size_t segment_bytes() const override { return emulated ? 0 : std::size_t{64} << 20; }
};

/// Throws unless there is a card that can be used.
std::unique_ptr<MemorySource> memory_of_card() {
  int cards = 0;
  const cudaError_t error = cudaGetDeviceCount(&cards);
  if (error == cudaErrorNoDevice || (error == cudaSuccess && cards == 0))
    throw CudaError("CUDA finds no card in this machine (or CUDA_VISIBLE_DEVICES hides it): use --device cpu");
  if (error != cudaSuccess)
    throw CudaError(std::string("there is no card that CUDA can use (") + cudaGetErrorString(error) +
                    "): install NVIDIA's driver or a newer one, or use --device cpu");
  return std::make_unique<DeviceMemory>();
}

/// Something that CUDA gives and takes back.
template <class T, cudaError_t (*give_back)(T)>
class Owned {
 public:
  /// What `acquire` writes. Throws CudaError when it cannot be had.
  template <class Acquire>
  Owned(Acquire acquire, const char* what) { check(acquire(&handle_), what); }
  ~Owned() { static_cast<void>(give_back(handle_)); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T get() const { return handle_; }

 private:
  T handle_ = nullptr;
};

/// Memory of the host that the card can read by itself, so that copying it up need not be waited for. A part is used
/// again when the copy out of it is done; with several parts that is long past.
class Staging {
 public:
  explicit Staging(cudaStream_t stream) : stream_(stream) {}

  void upload(unsigned char* to, const unsigned char* from, std::size_t bytes) {
    while (bytes > 0) {
      Part& part = parts_[next_];
      next_ = (next_ + 1) % parts_.size();
      const std::size_t now = std::min(bytes, part_bytes);
      check(cudaEventSynchronize(part.done.get()), "upload");  // returns at once if nothing was recorded yet
      std::memcpy(part.memory.get(), from, now);
      check(cudaMemcpyAsync(to, part.memory.get(), now, cudaMemcpyHostToDevice, stream_), "upload");
      check(cudaEventRecord(part.done.get(), stream_), "upload");
      to += now;
      from += now;
      bytes -= now;
    }
  }

 private:
  static constexpr std::size_t part_bytes = std::size_t{1} << 20;
  struct Part {
    Owned<void*, cudaFreeHost> memory{[](void** to) { return cudaMallocHost(to, part_bytes); }, "memory for uploads"};
    Owned<cudaEvent_t, cudaEventDestroy> done{
        [](cudaEvent_t* to) { return cudaEventCreateWithFlags(to, cudaEventDisableTiming); }, "memory for uploads"};
  };
  cudaStream_t stream_;
  std::array<Part, 16> parts_;
  std::size_t next_ = 0;
};

cudaError_t finish_and_destroy(cudaStream_t stream) {
  static_cast<void>(cudaStreamSynchronize(stream));
  return cudaStreamDestroy(stream);
}

/// What to do about a card that the build has no code for.
std::string how_to_serve_this_card() {
#if defined(__CUDACC__)
  int device = 0, major = 0, minor = 0;
  if (cudaGetDevice(&device) == cudaSuccess &&
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess) {
    const int version = 10 * major + minor;
    if (version < 75) return ", an sm_" + std::to_string(version) + ": sm_75 (Turing) is the oldest that can be used";
    return ": cmake -B build -DTENFOLD_CUDA_ARCHITECTURES=" + std::to_string(version) + " and make build add it";
  }
#endif
  return "";
}

}  // namespace

struct CudaKernels::State {
  Owned<cudaStream_t, finish_and_destroy> stream{
      [](cudaStream_t* to) { return cudaStreamCreateWithFlags(to, cudaStreamNonBlocking); }, "a stream"};
  Staging staging{stream.get()};
  Cublas blas{stream.get()};
  void* scratch = nullptr;
  std::size_t scratch_bytes = 0;
};

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  if (error == cudaErrorNoKernelImageForDevice)
    throw CudaError("this build has no code for this card" + how_to_serve_this_card());
  throw CudaError(std::string(what) + ": CUDA says " + cudaGetErrorString(error));
}

CudaKernels::CudaKernels() : Kernels(memory_of_card()), state_(std::make_unique<State>()) {
  // The least kernel there is: if the build has no code for this card, that is to be heard now, not amid a step.
  fill(static_cast<Real*>(scratch(sizeof(Real))), 0, 1);
}

CudaKernels::~CudaKernels() {
  if (state_->scratch) memory().release(state_->scratch);
}

std::string_view CudaKernels::name() const { return emulated ? "cuda-emulated" : "cuda"; }

cudaStream_t CudaKernels::stream() const { return state_->stream.get(); }

void* CudaKernels::scratch(std::size_t bytes) {
  State& s = *state_;
  // On the emulator anew each time: there a block ends where it was said to end, and holds NaN.
  if (s.scratch && (emulated || bytes > s.scratch_bytes)) {
    memory().release(s.scratch);
    s.scratch = nullptr;
  }
  if (!s.scratch) {
    s.scratch = memory().allocate(bytes);
    s.scratch_bytes = bytes;
  }
  return s.scratch;
}

void CudaKernels::upload(void* to, const void* from, std::size_t bytes) {
  state_->staging.upload(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), bytes);
}

void CudaKernels::download(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream()), "download");
  check(cudaStreamSynchronize(stream()), "download");
}

void CudaKernels::gemm(const Gemm& g, const Real* a, const Real* b, Real* c) { state_->blas.gemm(g, a, b, c); }

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON

namespace tenfold::inline TENFOLD_REAL {

#if defined(__CUDACC__)
std::unique_ptr<Kernels> make_cuda_kernels() { return std::make_unique<card::CudaKernels>(); }

bool cuda_is_there() {
  int cards = 0;
  const bool there = cudaGetDeviceCount(&cards) == cudaSuccess && cards > 0;
  static_cast<void>(cudaGetLastError());
  return there;
}
#else
std::unique_ptr<Kernels> make_emulated_kernels() { return std::make_unique<emulated::CudaKernels>(); }
#endif

}  // namespace tenfold::inline TENFOLD_REAL
