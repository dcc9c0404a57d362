/// @file
/// The part of CUDA's runtime that this project uses: memory, copies, streams, events, errors.
///
/// One device with memory of its own (device_memory.hpp). Everything is done when the call returns, or as late as a card
/// may do it (streams.hpp). Device memory is filled
/// with NaN when it is handed out. A copy whose direction or extent is wrong, a foreign pointer freed and the like throw
/// CudaError with the rule that was broken; device memory that is left at the end of the program fails it.
#pragma once
#include <cstddef>

inline namespace cuda_emulated {

/// CUDA's error numbers.
enum cudaError_t {
  cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2, cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidDevice = 101, cudaErrorNotReady = 600, cudaErrorInvalidResourceHandle = 400,
  cudaErrorNoDevice = 100, cudaErrorInsufficientDriver = 35, cudaErrorIllegalAddress = 700
};
/// Which way a copy goes.
enum cudaMemcpyKind {
  cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault
};
/// An order of work; nullptr is the default one.
using cudaStream_t = struct EmulatedStream*;
/// A point in that order.
using cudaEvent_t = struct EmulatedEvent*;
/// Where stream-ordered memory comes from.
using cudaMemPool_t = struct EmulatedPool*;

/// The smallest of the supported cards (compute capability 7.5), so that what runs here runs on all of them.
struct cudaDeviceProp {
  char name[256];                   ///< for people
  std::size_t totalGlobalMem;       ///< bytes
  std::size_t sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;  ///< bytes
  int regsPerBlock, warpSize, maxThreadsPerBlock, multiProcessorCount;  ///< limits of a block, and blocks at once
  int major, minor;                 ///< compute capability
};
/// What cudaFuncSetAttribute() can set.
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8, cudaFuncAttributePreferredSharedMemoryCarveout = 9 };
/// What cudaDeviceGetAttribute() can tell.
enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1, cudaDevAttrMaxSharedMemoryPerBlock = 8, cudaDevAttrWarpSize = 10,
  cudaDevAttrMultiProcessorCount = 16, cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
  cudaDevAttrComputeCapabilityMajor = 75, cudaDevAttrComputeCapabilityMinor = 76, cudaDevAttrMemoryPoolsSupported = 115
};
/// What cudaMemPoolSetAttribute() can set.
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold = 4 };
/// How a stream or an event is made, or pinned memory.
inline constexpr unsigned cudaStreamDefault = 0, cudaStreamNonBlocking = 1;
/// See above.
inline constexpr unsigned cudaEventDefault = 0, cudaEventDisableTiming = 2;
/// See above.
inline constexpr unsigned cudaHostAllocDefault = 0;

/// @name Memory and copies, as CUDA's functions of these names
/// @{
cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaMallocHost(void** memory, std::size_t bytes);
cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned flags);
cudaError_t cudaFree(void* memory);
cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream = nullptr);
/// @}

/// @name Streams and events, as CUDA's functions of these names
/// @{
cudaError_t cudaStreamCreate(cudaStream_t* stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end);
/// @}

/// @name The device, as CUDA's functions of these names
/// @{
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
/// @}

/// @name Errors and kernels, as CUDA's functions of these names
/// @{
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorString(cudaError_t error);
const char* cudaGetErrorName(cudaError_t error);
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value);
/// @}

/// The typed forms that CUDA's own header has.
template <class T>
inline cudaError_t cudaMalloc(T** memory, std::size_t bytes) { return cudaMalloc(reinterpret_cast<void**>(memory), bytes); }
/// Likewise.
template <class T>
inline cudaError_t cudaMallocAsync(T** memory, std::size_t bytes, cudaStream_t stream) {
  return cudaMallocAsync(reinterpret_cast<void**>(memory), bytes, stream);
}
/// Likewise.
template <class T>
inline cudaError_t cudaMallocHost(T** memory, std::size_t bytes) {
  return cudaMallocHost(reinterpret_cast<void**>(memory), bytes);
}
/// Likewise.
template <class... P>
inline cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
/// A guess that fits a small card: two blocks.
template <class... P>
inline cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void (*)(P...), int, std::size_t) {
  *blocks = 2;
  return cudaSuccess;
}

}  // namespace cuda_emulated
