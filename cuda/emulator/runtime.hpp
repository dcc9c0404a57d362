/// @file
/// The part of CUDA's runtime that this project uses: memory, copies, streams, events, errors.
///
/// One device with memory of its own (device_memory.hpp), as the smallest of the supported cards has it (compute
/// capability 7.5), so that what runs here runs on all of them. Everything is done when the call returns, or as late as
/// a card may do it (streams.hpp). Device memory is filled with NaN when it is handed out. A copy whose direction or
/// extent is wrong, a foreign pointer freed and the like throw CudaError with the rule that was broken; device memory
/// that is left at the end of the program fails it.
#pragma once
#include <cstddef>

inline namespace cuda_emulated {

/// CUDA's error numbers.
enum cudaError_t {
  cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2, cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35, cudaErrorNoDevice = 100, cudaErrorNoKernelImageForDevice = 209
};
/// Which way a copy goes.
enum cudaMemcpyKind {
  cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault
};
/// An order of work; nullptr is the default one.
using cudaStream_t = struct EmulatedStream*;
/// A point in that order.
using cudaEvent_t = struct EmulatedEvent*;
/// What cudaFuncSetAttribute() can set.
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
/// How a stream is made.
inline constexpr unsigned cudaStreamDefault = 0, cudaStreamNonBlocking = 1;
/// How an event is made.
inline constexpr unsigned cudaEventDefault = 0, cudaEventDisableTiming = 2;

/// @name Memory and copies, as CUDA's functions of these names
/// @{
cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaMallocHost(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream = nullptr);
/// @}

/// @name Streams and events, as CUDA's functions of these names
/// @{
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
/// @}

/// @name The device, as CUDA's functions of these names
/// @{
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
/// @}

/// @name Errors and kernels, as CUDA's functions of these names
/// @{
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value);
/// @}

/// The typed forms that CUDA's own header has.
template <class T>
inline cudaError_t cudaMalloc(T** memory, std::size_t bytes) { return cudaMalloc(reinterpret_cast<void**>(memory), bytes); }
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

}  // namespace cuda_emulated
