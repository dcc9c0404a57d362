#include "backend/sparse_product.hpp"

#include <algorithm>
#include <bit>

#include "backend/aligned.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index rows_together = 64;  ///< whose unfinished sums are kept at a time
/// Panels at a time. Nine vectors of sums hide how long a multiplication takes, and fit in sixteen registers; a block of them is
/// 36 KiB with vectors of 64 bytes.
constexpr int most_panels = 3;
constexpr Index most_vectors = 3 * most_panels;

/// Some neighbouring panels, a block of their inner indices, and the rows that meet it.
struct SparseBlock {
  const NonZeros& nonzeros;
  const Real* x;        ///< [rows, in], from the first row
  Index row, rows, in;  ///< the first row's number; how many; their width
  const Real* panels;   ///< from the first on, all of their inner indices
  Index column;         ///< of the first panel
  Index l, count;       ///< the block's inner indices: first, and how many
  bool begin, end;      ///< whether it is the first block, and the last, of those that a tile sums in registers
};

/// A row alone meets one block after the other; between them its sums are in `sums`, [rows, vectors].
template <int wide, int narrow>
void sparse_block(const SparseBlock& s, Real* sums, const SparseOutput& to) {
  constexpr int panels = wide + narrow, vectors = 3 * wide + 2 * narrow;
  constexpr auto width = [](int p) { return (p < wide ? 3 : 2) * vector_width; };
  const Real* block[panels];
  for (int p = 0; p < panels; ++p)
    block[p] = s.panels + (3 * std::min(p, wide) + 2 * std::max(0, p - wide)) * vector_width * s.in + s.l * width(p);
  const Index share = (s.count + s.rows - 1) / s.rows;  // of the block that follows, to be fetched with each row
  const bool begin = s.begin, end = s.end, add = s.l >= inner_block, last = s.l + s.count >= s.in;
  for (Index r = 0; r < s.rows; ++r, sums += vectors * vector_width) {
    const Real* x = s.x + r * s.in + s.l;
    if (r * share < s.count)
#pragma GCC unroll 16
      for (int p = 0; p < panels; ++p) fetch<2>(block[p] + (s.count + r * share) * width(p), share * width(p));
    Vector total[vectors];
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v)
      if (begin)
        total[v] = 0;
      else
        total[v].copy_from(sums + v * vector_width, std::experimental::vector_aligned);
    for (std::uint64_t left = s.nonzeros.mask(s.row + r, s.l / NonZeros::block); left != 0; left &= left - 1) {
      const Index i = std::countr_zero(left);
      const Vector factor = x[i];
      const Real* at[panels];
#pragma GCC unroll 16
      for (int p = 0; p < panels; ++p) at[p] = block[p] + i * width(p);
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) {
        const int p = v < 3 * wide ? v / 3 : wide + (v - 3 * wide) / 2, n = v < 3 * wide ? v % 3 : (v - 3 * wide) % 2;
        total[v] += factor * Vector(at[p] + n * vector_width, std::experimental::vector_aligned);
      }
    }
    if (!end) {
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) total[v].copy_to(sums + v * vector_width, std::experimental::vector_aligned);
      continue;
    }
    Real* y = to.y + (s.row + r) * to.out + s.column;
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      if (add) total[v] += Vector(y + v * vector_width, unaligned);
      if (last) {
        if (to.bias) total[v] += Vector(to.bias + s.column + v * vector_width, unaligned);
        if (to.relu) where(total[v] < 0, total[v]) = 0;
      }
      total[v].copy_to(y + v * vector_width, unaligned);
    }
  }
}

using BlockProduct = void (*)(const SparseBlock&, Real*, const SparseOutput&);
/// By how many of its panels are of three vectors and how many of two, which are two at most.
constexpr BlockProduct block_products[most_panels + 1][3] = {
    {nullptr, sparse_block<0, 1>, sparse_block<0, 2>},
    {sparse_block<1, 0>, sparse_block<1, 1>, sparse_block<1, 2>},
    {sparse_block<2, 0>, sparse_block<2, 1>, nullptr},
    {sparse_block<3, 0>, nullptr, nullptr},
};

}  // namespace

void NonZeros::assign(const Real* x, Index rows, Index in) {
  blocks_ = (in + block - 1) / block;
  masks_.resize(static_cast<std::size_t>(rows * blocks_));
  Index found = 0;
  for (Index r = 0; r < rows; ++r)
    for (Index at = 0; at < blocks_; ++at) {
      const Real* from = x + r * in + at * block;
      const Index count = std::min(block, in - at * block);
      std::uint64_t mask = 0;
#pragma omp simd reduction(| : mask)
      for (Index i = 0; i < count; ++i) mask |= std::uint64_t{from[i] != 0} << i;
      masks_[static_cast<std::size_t>(r * blocks_ + at)] = mask;
      found += std::popcount(mask);
    }
  share_ = rows * in > 0 ? static_cast<double>(found) / static_cast<double>(rows * in) : 1;
}

void sparse_product(const NonZeros& nonzeros, const Real* x, Index rows, Index in, const Panels& panels, Index first, Index end,
                    const Real* weights, const SparseOutput& to) {
  thread_local AlignedVector<Real> memory;
  Real* sums = room(memory, rows_together * most_vectors * vector_width);
  const Index groups = (end - first + most_panels - 1) / most_panels;
  for (Index row = 0; row < rows; row += rows_together)
    for (Index group = 0; group < groups; ++group) {
      const Index p = first + (end - first) * group / groups, count = first + (end - first) * (group + 1) / groups - p;
      const Index wide = std::clamp<Index>(panels.wide - p, 0, count);
      for (Index l = 0; l < in; l += NonZeros::block) {
        const Index until = std::min(l + NonZeros::block, in);
        block_products[wide][count - wide]({.nonzeros = nonzeros,
                                            .x = x + row * in,
                                            .row = row,
                                            .rows = std::min(rows_together, rows - row),
                                            .in = in,
                                            .panels = weights + panels.begin(p) * in,
                                            .column = panels.begin(p),
                                            .l = l,
                                            .count = until - l,
                                            .begin = l % inner_block == 0,
                                            .end = until % inner_block == 0 || until == in},
                                           sums, to);
      }
    }
}

}  // namespace tenfold::inline TENFOLD_REAL
