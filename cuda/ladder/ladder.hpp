/// @file
/// The kernel ladder: one computation several times over, from the version that is obviously right to the engine's own
/// way, each step saving one resource. docs/cuda-ladder.md tells the story; the numbers in it come from the programs
/// here.
///
/// Every version is a template over its pointers. With Plain<T>, which is T*, it runs on a card or on the emulator;
/// with the emulator's Counted<T> every load and store is counted.
#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "device_array.hpp"

namespace tenfold::inline TENFOLD_ON::ladder {

/// A pointer that counts nothing.
template <class T>
using Plain = T*;
/// The same memory as elements of another type.
template <class To, class T>
__host__ __device__ inline To* pointer_as(T* pointer) { return reinterpret_cast<To*>(pointer); }

/// The extents of a computation: softmax and layer norm of rows × cols; product [rows, depth] · [depth, cols];
/// attention of `depth` heads, each with `rows` queries and keys of `cols` numbers.
struct Extents {
  int rows = 0, cols = 0, depth = 1;  ///< see above
};
/// What a version works on, all in device memory.
struct Arrays {
  Extents extents;                      ///< of this call
  std::array<const float*, 3> in{};     ///< as many as the computation has
  float* out = nullptr;                 ///< the result
  float* scratch = nullptr;             ///< for versions that need it
};
/// One step of a ladder.
struct Version {
  const char* name;                     ///< "v1"
  const char* change;                   ///< what is new, in a few words
  void (*run)(const Arrays& arrays);    ///< queues it; throws CudaError
};
/// A computation: its reference, and what the least is that it can cost.
struct Ladder {
  const char* name;                                                       ///< "softmax"
  std::vector<std::size_t> (*inputs)(const Extents& extents);             ///< how many numbers each has
  std::size_t (*outputs)(const Extents& extents);                         ///< of the result
  std::size_t (*scratch)(const Extents& extents);                         ///< that some version needs
  std::vector<double> (*reference)(const Extents& extents, const std::vector<std::vector<float>>& in);  ///< plain loops
  double (*operations)(const Extents& extents);  ///< additions and multiplications; 0 where memory is the limit
  double tolerance;                              ///< of a float result, relative to 1 + |reference|
  std::vector<Extents> checked;                  ///< sizes at which every version is held against the reference
  Extents counted;                               ///< the size at which the emulator counts
  Extents timed;                                 ///< the size at which a card is timed
};
/// The four computations, in the order of the versions below.
const std::vector<Ladder>& ladders();

/// v1 to vN of each.
template <template <class> class Pointer>
std::vector<Version> softmax_versions();
/// Likewise.
template <template <class> class Pointer>
std::vector<Version> layer_norm_versions();
/// Likewise.
template <template <class> class Pointer>
std::vector<Version> product_versions();
/// Likewise.
template <template <class> class Pointer>
std::vector<Version> attention_versions();

/// All four.
template <template <class> class Pointer>
std::vector<std::vector<Version>> all_versions() {
  return {softmax_versions<Pointer>(), layer_norm_versions<Pointer>(), product_versions<Pointer>(),
          attention_versions<Pointer>()};
}

/// Arrays on the device with random input, for as long as it lives.
class Bench {
 public:
  /// For one size of one computation.
  Bench(const Ladder& ladder, const Extents& extents);
  /// What a version needs.
  Arrays arrays() const;
  /// Throws Error with the version's name unless its result is the reference's.
  void check(const Version& version);

 private:
  const Ladder& ladder_;
  Extents extents_;
  std::vector<std::vector<float>> host_;
  std::vector<std::unique_ptr<DeviceArray<float>>> in_;
  DeviceArray<float> out_, scratch_;
};

/// Σ of `value` over the lanes of a warp, in all of them.
__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int bit = 16; bit > 0; bit /= 2) value += __shfl_xor_sync(0xffffffffu, value, bit);
  return value;
}
/// The largest `value` of a warp, in all lanes.
__device__ inline float warp_max(float value) {
#pragma unroll
  for (int bit = 16; bit > 0; bit /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, bit));
  return value;
}
/// Blocks for `items` when each takes `per_block`.
inline dim3 blocks(int items, int per_block) { return dim3(static_cast<unsigned>((items + per_block - 1) / per_block)); }

}  // namespace tenfold::inline TENFOLD_ON::ladder
