#include "backend/sparse_product.hpp"

#include <algorithm>
#include <bit>

#include "backend/aligned.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index rows_together = 64;  ///< whose unfinished sums are kept at a time
/// Panels at a time. Nine vectors of sums hide how long a multiplication takes, and fit in sixteen registers; a block of them
/// is 36 KiB with vectors of 64 bytes.
constexpr int most_panels = 3;
constexpr Index most_vectors = 3 * most_panels;

/// Some neighbouring panels, a block of their inner indices, and the rows that meet it.
struct SparseBlock {
  SparseRows left;          ///< from the block's first inner index on
  const Real* panels;       ///< the first panel, from its first inner index on
  Index inner;              ///< inner indices of a panel
  Index l, count;           ///< those of the block: which is the first, and how many
  bool begin, end;          ///< whether it is the first block, and the last
};

/// A row alone meets one block after the other; between them its sums are in `sums`, [rows, vectors]. to.c and to.bias are
/// those of the first panel.
template <int wide, int narrow>
void sparse_block(const SparseBlock& s, Real* sums, const Store& to) {
  constexpr int panels = wide + narrow, vectors = 3 * wide + 2 * narrow;
  constexpr auto width = [](int p) { return (p < wide ? 3 : 2) * vector_width; };
  const Real* block[panels];
  for (int p = 0; p < panels; ++p)
    block[p] = s.panels + (3 * std::min(p, wide) + 2 * std::max(0, p - wide)) * vector_width * s.inner + s.l * width(p);
  const Index share = (s.count + s.left.rows - 1) / s.left.rows;  // of the block that follows, to be fetched with each row
  const Index step = s.left.step;
  const bool begin = s.begin, end = s.end;
  for (Index r = 0; r < s.left.rows; ++r, sums += vectors * vector_width) {
    const Real* x = s.left.x + r * s.left.stride;
    if (r * share < s.count) {
#pragma GCC unroll 16
      for (int p = 0; p < panels; ++p) fetch<2>(block[p] + (s.count + r * share) * width(p), share * width(p));
    }
    Vector total[vectors];
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v)
      if (begin)
        total[v] = 0;
      else
        total[v].copy_from(sums + v * vector_width, std::experimental::vector_aligned);
    for (std::uint64_t left = s.left.nonzeros.mask(s.left.row + r, s.left.at); left != 0; left &= left - 1) {
      const Index i = std::countr_zero(left);
      const Vector factor = x[i * step];
      const Real* at[panels];
#pragma GCC unroll 16
      for (int p = 0; p < panels; ++p) at[p] = block[p] + i * width(p);
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) {
        const int p = v < 3 * wide ? v / 3 : wide + (v - 3 * wide) / 2, n = v < 3 * wide ? v % 3 : (v - 3 * wide) % 2;
        total[v] += factor * Vector(at[p] + n * vector_width, std::experimental::vector_aligned);
      }
    }
    Real* c = to.c + r * to.ldc;
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v)
      if (end)
        finished<true>(total[v], to, c + v * vector_width, to.bias ? to.bias + v * vector_width : nullptr)
            .copy_to(c + v * vector_width, unaligned);
      else
        total[v].copy_to(sums + v * vector_width, std::experimental::vector_aligned);
  }
}

using BlockProduct = void (*)(const SparseBlock&, Real*, const Store&);
/// By how many of its panels are of three vectors and how many of two, which are two at most.
constexpr BlockProduct block_products[most_panels + 1][3] = {
    {nullptr, sparse_block<0, 1>, sparse_block<0, 2>},
    {sparse_block<1, 0>, sparse_block<1, 1>, sparse_block<1, 2>},
    {sparse_block<2, 0>, sparse_block<2, 1>, nullptr},
    {sparse_block<3, 0>, nullptr, nullptr},
};

}  // namespace

void NonZeros::shape(Index rows, Index in) {
  blocks_ = (in + block - 1) / block;
  masks_.resize(static_cast<std::size_t>(rows * blocks_));
}

void NonZeros::measure_share(Index rows, Index in) {
  Index found = 0;
  for (std::uint64_t mask : masks_) found += std::popcount(mask);
  share_ = rows * in > 0 ? static_cast<double>(found) / static_cast<double>(rows * in) : 1;
}

void NonZeros::assign(const Real* x, Index rows, Index in, Index stride) {
  shape(rows, in);
  for (Index r = 0; r < rows; ++r)
    for (Index at = 0; at < blocks_; ++at) {
      const Real* from = x + r * stride + at * block;
      const Index numbers = std::min(block, in - at * block);
      std::uint64_t mask = 0;
#pragma omp simd reduction(| : mask)
      for (Index i = 0; i < numbers; ++i) mask |= std::uint64_t{from[i] != 0} << i;
      masks_[static_cast<std::size_t>(r * blocks_ + at)] = mask;
    }
  measure_share(rows, in);
}

void NonZeros::assign_columns(const Real* x, Index rows, Index in, Index stride) {
  shape(rows, in);
  for (Index at = 0; at < blocks_; ++at) {
    const Index numbers = std::min(block, in - at * block);
    std::uint64_t masks[block] = {};
    for (Index i = 0; i < numbers; ++i) {
      const Real* from = x + (at * block + i) * stride;
#pragma omp simd
      for (Index r = 0; r < rows; ++r) masks[r] |= std::uint64_t{from[r] != 0} << i;
    }
    for (Index r = 0; r < rows; ++r) masks_[static_cast<std::size_t>(r * blocks_ + at)] = masks[r];
  }
  measure_share(rows, in);
}

bool all_finite(const Real* x, Index n) {
  Real sum = 0;  // 0 · x is NaN for infinity and NaN
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < n; ++i) sum += 0 * x[i];
  return sum == 0;
}

void sparse_product(const SparseRows& left, const SparsePanels& right, Index inner, const Store& to) {
  thread_local AlignedVector<Real> memory;
  Real* sums = room(memory, rows_together * most_vectors * vector_width);
  const Panels& panels = right.panels;
  const Index groups = (right.end - right.first + most_panels - 1) / most_panels;
  for (Index row = 0; row < left.rows; row += rows_together)
    for (Index group = 0; group < groups; ++group) {
      const auto cut = [&](Index g) { return right.first + (right.end - right.first) * g / groups; };
      const Index p = cut(group), count = cut(group + 1) - p, wide = std::clamp<Index>(panels.wide - p, 0, count);
      Store part = to;
      part.c += row * to.ldc + panels.begin(p);
      if (to.bias) part.bias += panels.begin(p);
      for (Index l = 0; l < inner; l += NonZeros::block) {
        const Index until = std::min(l + NonZeros::block, inner);
        block_products[wide][count - wide]({.left = {.nonzeros = left.nonzeros,
                                                     .row = left.row + row,
                                                     .at = left.at + l / NonZeros::block,
                                                     .x = left.x + row * left.stride + l * left.step,
                                                     .rows = std::min(rows_together, left.rows - row),
                                                     .stride = left.stride,
                                                     .step = left.step},
                                            .panels = right.values + panels.begin(p) * right.inner,
                                            .inner = right.inner,
                                            .l = right.l + l,
                                            .count = until - l,
                                            .begin = l == 0,
                                            .end = until == inner},
                                           sums, part);
      }
    }
}

}  // namespace tenfold::inline TENFOLD_REAL
