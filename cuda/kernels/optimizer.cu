// Updates of the parameters: SGD, Adam, and the whole update of a training step in three launches, whatever the number
// of parameters: the norm of all gradients, its sum, and Adam, which reads the norm where it was left.
//
// A model has some hundred parameters, from a bias of 512 to a table of millions. One launch each would leave the card
// waiting for launches; so their addresses are sent up in a list, and each block finds in it which piece is its own.
#include <cmath>
#include <cstring>
#include <vector>

#include "core/errors.hpp"
#include "cuda_kernels.hpp"
#include "kernels/double_sum.cuh"
#include "kernels/pack.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {
namespace {

constexpr Index piece = 4096;  // numbers of a parameter that one block takes

__global__ void sgd_kernel(Real* value, const Real* g, Real learning_rate, Real gradient_scale, Index n) {
  const Index step = static_cast<Index>(gridDim.x) * sum_threads;
  for (Index i = static_cast<Index>(blockIdx.x) * sum_threads + threadIdx.x; i < n; i += step)
    value[i] -= learning_rate * (gradient_scale * g[i]);
}

/// Kingma and Ba 2015 with the decay of Loshchilov and Hutter 2019; the formula is explained at
/// ReferenceKernels::adam().
__device__ inline void adam_update(const AdamStep& s, Real scale, Real decay, Real& value, Real g, Real& m, Real& v) {
  const Real gradient = scale * g;
  m = s.beta1 * m + (1 - s.beta1) * gradient;
  v = s.beta2 * v + (1 - s.beta2) * gradient * gradient;
  const Real step = (m / s.correction1) / (std::sqrt(v / s.correction2) + s.epsilon);
  value -= s.learning_rate * (step + decay * value);
}

__global__ void adam_kernel(AdamStep s, Real* value, const Real* g, Real* m, Real* v, Index n) {
  const Index step = static_cast<Index>(gridDim.x) * sum_threads;
  for (Index i = static_cast<Index>(blockIdx.x) * sum_threads + threadIdx.x; i < n; i += step)
    adam_update(s, s.gradient_scale, s.weight_decay, value[i], g[i], m[i], v[i]);
}

/// A parameter, and the first of the blocks that work on it.
struct ListedSlice {
  TrainedSlice slice;
  Index first_block = 0;
};

/// Which of the list is this block's: the last that begins at or before it.
__device__ inline const ListedSlice& slice_of_block(const ListedSlice* list, int count) {
  int low = 0, high = count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (list[middle].first_block <= static_cast<Index>(blockIdx.x)) low = middle;
    else high = middle;
  }
  return list[low];
}

/// partial[block] = Σ g² over the block's piece.
__global__ void squares_kernel(const ListedSlice* list, int count, double* partial) {
  const ListedSlice& mine = slice_of_block(list, count);
  const Index first = (static_cast<Index>(blockIdx.x) - mine.first_block) * piece;
  const Index last = first + piece < mine.slice.size ? first + piece : mine.slice.size;
  const Real* g = mine.slice.gradient;
  double total = 0;
#pragma unroll 4
  for (Index i = first + threadIdx.x; i < last; i += sum_threads)
    total += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  total = block_sum(total);
  if (threadIdx.x == 0) partial[blockIdx.x] = total;
}

/// The rest of StepTotals, by one block.
__global__ void totals_kernel(const double* partial, int blocks, const Real* const* losses, int parts,
                              StepTotals* totals) {
  const double squares = block_sum_of(partial, blocks);
  if (threadIdx.x > 0) return;
  double loss = 0;
  for (int i = 0; i < parts; ++i) loss += static_cast<double>(*losses[i]);
  totals->loss = loss;
  totals->squares = squares;
}

/// What the gradients are multiplied by, and whether the weights may be touched at all.
struct Verdict {
  Real scale = 1;
  bool go = true;
};

template <int Width>
__global__ void adam_all_kernel(AdamStep s, double clip, const ListedSlice* list, int count, const StepTotals* totals) {
  SHARED(Verdict, verdict, [1]);
  if (threadIdx.x == 0) {  // one thread: doubles are slow on many cards
    const double norm = std::sqrt(totals->squares);
    // Finite, as |x| < ∞ is false for NaN too.
    verdict[0].go = std::abs(totals->loss) < INFINITY && norm < INFINITY;
    verdict[0].scale = static_cast<Real>(s.gradient_scale * clip_factor(norm, clip));
  }
  __syncthreads();
  if (!verdict[0].go) return;
  const Real scale = verdict[0].scale;
  const ListedSlice& mine = slice_of_block(list, count);
  const TrainedSlice p = mine.slice;
  const Index first = (static_cast<Index>(blockIdx.x) - mine.first_block) * piece;
  const Index last = first + piece < p.size ? first + piece : p.size;
  Index i = first + threadIdx.x * Width;
  for (; i + Width <= last; i += sum_threads * Width) {
    Pack<Width> value = load<Width>(p.value, i), m = load<Width>(p.first, i), v = load<Width>(p.second, i);
    const Pack<Width> g = load<Width>(p.gradient, i);
#pragma unroll
    for (int j = 0; j < Width; ++j) adam_update(s, scale, p.weight_decay, value.at[j], g.at[j], m.at[j], v.at[j]);
    store<Width>(p.value, i, value);
    store<Width>(p.first, i, m);
    store<Width>(p.second, i, v);
  }
  for (; i < last; ++i)  // fewer than a pack: at most one thread comes here with something to do
    adam_update(s, scale, p.weight_decay, p.value[i], p.gradient[i], p.first[i], p.second[i]);
}

struct List {
  std::vector<ListedSlice> slices;
  Index blocks = 0;
  bool aligned_to_packs = true;
};

List listed(std::span<const TrainedSlice> slices) {
  List list;
  for (const TrainedSlice& s : slices) {
    if (s.size == 0) continue;
    list.slices.push_back({s, list.blocks});
    list.blocks += (s.size + piece - 1) / piece;
    list.aligned_to_packs = list.aligned_to_packs && aligned(s.value, s.gradient, s.first, s.second);
  }
  if (list.blocks > 0x7fffffff) throw CudaError("optimizer: the model is too large for one launch");
  return list;
}

}  // namespace

void CudaKernels::sgd(Real* value, const Real* g, Real learning_rate, Real gradient_scale, Index n) {
  if (n == 0) return;
  check(launch({dim3(blocks_for(n, sum_threads)), dim3(sum_threads), 0, stream()}, sgd_kernel, value, g, learning_rate,
               gradient_scale, n),
        "sgd");
}

void CudaKernels::adam(const AdamStep& s, Real* value, const Real* g, Real* m, Real* v, Index n) {
  if (n == 0) return;
  check(launch({dim3(blocks_for(n, sum_threads)), dim3(sum_threads), 0, stream()}, adam_kernel, s, value, g, m, v, n),
        "adam");
}

void CudaKernels::step_totals(std::span<const Real* const> losses, std::span<const TrainedSlice> slices,
                              StepTotals* totals) {
  const List list = listed(slices);
  // Scratch memory holds the list, the addresses of the losses, and the blocks' sums.
  const std::size_t list_bytes = list.slices.size() * sizeof(ListedSlice), losses_bytes = losses.size_bytes();
  std::vector<unsigned char> host(list_bytes + losses_bytes);
  if (list_bytes > 0) std::memcpy(host.data(), list.slices.data(), list_bytes);
  if (losses_bytes > 0) std::memcpy(host.data() + list_bytes, losses.data(), losses_bytes);
  auto* memory = static_cast<unsigned char*>(
      scratch(host.size() + static_cast<std::size_t>(list.blocks) * sizeof(double)));
  upload(memory, host.data(), host.size());
  auto* partial = reinterpret_cast<double*>(memory + host.size());
  if (list.blocks > 0)
    check(launch({dim3(static_cast<unsigned>(list.blocks)), dim3(sum_threads), 0, stream()}, squares_kernel,
                 reinterpret_cast<const ListedSlice*>(memory), static_cast<int>(list.slices.size()), partial),
          "step_totals");
  check(launch({dim3(1), dim3(sum_threads), 0, stream()}, totals_kernel, partial, static_cast<int>(list.blocks),
               reinterpret_cast<const Real* const*>(memory + list_bytes), static_cast<int>(losses.size()), totals),
        "step_totals");
}

void CudaKernels::adam_all(const AdamStep& s, double clip, std::span<const TrainedSlice> slices,
                           const StepTotals* totals) {
  const List list = listed(slices);
  if (list.blocks == 0) return;
  const std::size_t bytes = list.slices.size() * sizeof(ListedSlice);
  auto* memory = static_cast<ListedSlice*>(scratch(bytes));
  upload(memory, list.slices.data(), bytes);
  with_width(list.aligned_to_packs, [&](auto width) {
    check(launch({dim3(static_cast<unsigned>(list.blocks)), dim3(sum_threads), 0, stream()}, adam_all_kernel<width()>,
                 s, clip, memory, static_cast<int>(list.slices.size()), totals),
          "adam_all");
  });
}

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
