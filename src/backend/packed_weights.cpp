#include "backend/packed_weights.hpp"

#include <omp.h>

#include <algorithm>

#include "backend/aligned.hpp"
#include "backend/cpu.hpp"
#include "backend/parallel.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// Numbers of x that are copied at once: what the second-level cache holds beside a panel. The weights are read once for
/// all rows that fit.
constexpr Index most_copied = Index{1} << 17;
/// Multiplications that make a piece worth a thread of its own: more than in cpu_gemm.cpp, since the steps of one sentence
/// come by the thousand, and waiting for a thread that another program holds up costs more than all of a step.
constexpr Index least_prepared_work = Index{1} << 22;

Index blocks_of(Index k) { return (k + inner_block - 1) / inner_block; }

/// Rows of x, `in` apart, block by block of inner indices, each [rows, left_stride].
const Real* copied(const Real* x, Index rows, Index in) {
  thread_local AlignedVector<Real> memory;
  const auto needed = static_cast<std::size_t>(blocks_of(in) * rows * left_stride);
  if (memory.size() < needed) memory.resize(needed);
  Real* out = memory.data();
  for (Index l = 0; l < in; l += inner_block)
    for (Index r = 0; r < rows; ++r, out += left_stride)
      std::copy_n(x + r * in + l, std::min(inner_block, in - l), out);
  return memory.data();
}

}  // namespace

PackedWeights::PackedWeights(Device& device, const LinearWeights& weights, int threads)
    : weights_(weights),
      panels_{weights.out},
      threads_(threads),
      values_(TensorOf<Real>::empty(device, {panels_.stored, weights.in})) {
  Real* out = values_.mutable_data();
  for (Index p = 0; p < panels_.count; ++p) {
    const Index begin = panels_.begin(p) * weights.in;
    pack_panel(weights.weight + begin, weights.in, weights.in, panels_.filled(p), panels_.width(p), out + begin);
  }
}

void apply_gelu(Real* x, Index n) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) x[i] *= vector_normal(x[i]).cdf;
}

/// Columns of the panels [first, end) for rows that are copied together, from tile `t` to tile `last`.
void PackedWeights::panels(const TileRows& tiles, Index t, Index last, const Real* x, Real* y, Index first,
                           Index end) const {
  const Index in = weights_.in, out = weights_.out;
  const Index begin = tiles.begin(t), count = tiles.begin(last) - begin;
  const Real* left = copied(x + begin * in, count, in);
  const bool relu = weights_.activation == Activation::relu;
  for (Index p = first; p < end; ++p) {
    const Index j = panels_.begin(p), cols = panels_.filled(p), width = panels_.width(p);
    for (Index l = 0; l < in; l += inner_block) {
      const bool last_block = l + inner_block >= in;
      const Real* bias = last_block && weights_.bias ? weights_.bias + j : nullptr;
      // Each tile fetches its share of the panel that follows.
      const Index inner = std::min(inner_block, in - l), step = (width + last - t - 1) / (last - t);
      for (Index i = t; i < last; ++i) {
        const Index row = tiles.begin(i);
        const Real* panel = values_.data() + j * in + l * width;
        tile_of_weights(tiles.count(i), width)(
            inner, left + (l / inner_block * count + row - begin) * left_stride, panel,
            {Real{1}, l == 0 ? Real{0} : Real{1}, y + row * out + j, out, cols, bias, last_block && relu,
             panel + inner * (width + std::min((i - t) * step, width)), step});
      }
    }
    if (weights_.activation == Activation::gelu)
      for (Index r = begin; r < begin + count; ++r) apply_gelu(y + r * out + j, cols);
  }
}

void PackedWeights::run(const Real* x, Real* y, Index rows) const {
  if (rows == 0) return;
  const Index least = std::max<Index>(1, least_prepared_work / std::max<Index>(1, rows * weights_.in * panels_.width(0)));
  const int threads = omp_in_parallel() ? 1 : threads_;  // how it is cut does not change the bits
  parallel_ranges(threads, panels_.count, least, 1, [&](Index first, Index end, int) {
    const TileRows tiles{rows};
    const Index together = std::max<Index>(1, most_copied / (blocks_of(weights_.in) * tile_rows * left_stride));
    for (Index t = 0; t < tiles.tiles; t += together)
      panels(tiles, t, std::min(tiles.tiles, t + together), x, y, first, end);
  });
}

std::unique_ptr<PreparedLinear> CpuKernels::prepare(const LinearWeights& weights) {
  // Also where OpenBLAS would be faster (packed_product_pays): a row shall have the same bits in any company.
  if (weights.in == 0) return Kernels::prepare(weights);
  return std::make_unique<PackedWeights>(*this, weights, threads_);
}

}  // namespace tenfold::inline TENFOLD_REAL
