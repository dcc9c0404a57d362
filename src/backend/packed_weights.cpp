#include "backend/packed_weights.hpp"

#include <omp.h>

#include <algorithm>

#include "backend/aligned.hpp"
#include "backend/cpu.hpp"
#include "backend/parallel.hpp"
#include "backend/vector_math.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// Numbers of x that are multiplied by a panel before the next, or of y that are summarised at a time: what the second-level
/// cache holds beside the weights, which are read once for all rows that fit.
constexpr Index most_together = Index{1} << 17;
/// Multiplications that make a piece worth a thread of its own: more than in cpu_gemm.cpp, since the steps of one
/// sentence come by the thousand, and waiting for a thread that another program holds up costs more than all of a step.
constexpr Index least_prepared_work = Index{1} << 22;
constexpr Index least_sparse_rows = 8;        ///< from which on zeros are looked for
constexpr Index first_rows = 2;               ///< that tell whether all are worth looking through
constexpr double most_prepared_share = 0.55;  ///< of what is not zero, up to which leaving the rest out pays

/// Rows of x, `in` apart, as tiles read them, and how far they are apart then. Where that is a multiple of 4096 bytes
/// they would share the few lines that a cache has for an address, and are copied.
struct LeftRows {
  const Real* x;
  Index step;

  LeftRows(const Real* rows, Index count, Index in) : x(rows), step(in) {
    if (in * Index{sizeof(Real)} % 4096 != 0 || count == 1) return;
    thread_local AlignedVector<Real> memory;
    step = in + 64 / Index{sizeof(Real)};
    Real* copy = room(memory, count * step);
    for (Index r = 0; r < count; ++r) std::copy_n(rows + r * in, in, copy + r * step);
    x = copy;
  }
};

}  // namespace

PackedWeights::PackedWeights(Device& device, const LinearWeights& weights, int threads)
    : weights_(weights),
      panels_{weights.out},
      threads_(threads),
      takes_zeros_(sparse_product_fits(panels_) && weights.activation != Activation::gelu),
      values_(TensorOf<Real>::empty(device, {panels_.stored, weights.in})) {
  Real* out = values_.mutable_data();
  for (Index p = 0; p < panels_.count; ++p) {
    const Index begin = panels_.begin(p) * weights.in;
    pack_panel(weights.weight + begin, weights.in, weights.in, panels_.filled(p), panels_.width(p), out + begin);
    if (takes_zeros_) takes_zeros_ = all_finite(out + begin, panels_.width(p) * weights.in);
  }
}

void apply_gelu(Real* x, Index n) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) x[i] *= vector_normal(x[i]).cdf;
}

/// Columns of the panels [first, end) for the rows from tile `t` to tile `last`.
void PackedWeights::panels(const TileRows& tiles, Index t, Index last, const Real* x, Real* y, Index first,
                           Index end) const {
  const Index in = weights_.in, out = weights_.out;
  const Index begin = tiles.begin(t), count = tiles.begin(last) - begin;
  const LeftRows left(x + begin * in, count, in);
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
        tile_of_weights(tiles.count(i), width)(inner, left.x + (row - begin) * left.step + l, panel,
                                               {.alpha = 1,
                                                .beta = l == 0 ? Real{0} : Real{1},
                                                .c = y + row * out + j,
                                                .ldc = out,
                                                .cols = cols,
                                                .bias = bias,
                                                .relu = last_block && relu,
                                                .left_step = left.step,
                                                .next = panel + inner * (width + std::min((i - t) * step, width)),
                                                .step = step});
      }
    }
    if (weights_.activation == Activation::gelu)
      for (Index r = begin; r < begin + count; ++r) apply_gelu(y + r * out + j, cols);
  }
}

/// As panels(), for all rows, their zeros left out.
void PackedWeights::sparse_panels(const NonZeros& nonzeros, const Real* x, Real* y, Index rows, Index first, Index end) const {
  const Index in = weights_.in;
  for (Index l = 0; l < in; l += inner_block) {
    const Index inner = std::min(inner_block, in - l);
    const bool last = l + inner == in;
    sparse_product({.nonzeros = nonzeros, .row = 0, .at = l / NonZeros::block, .x = x + l, .rows = rows, .stride = in},
                   {.panels = panels_, .first = first, .end = end, .values = values_.data(), .inner = in, .l = l}, inner,
                   {.alpha = 1,
                    .beta = l == 0 ? Real{0} : Real{1},
                    .c = y,
                    .ldc = weights_.out,
                    .cols = weights_.out,
                    .bias = last ? weights_.bias : nullptr,
                    .relu = last && weights_.activation == Activation::relu});
  }
}

void PackedWeights::run(const Real* x, Real* y, Index rows) const {
  if (rows == 0) return;
  const Index least = std::max<Index>(1, least_prepared_work / std::max<Index>(1, rows * weights_.in * panels_.width(0)));
  const int threads = omp_in_parallel() ? 1 : threads_;  // how it is cut does not change the bits
  thread_local NonZeros nonzeros;
  const auto has_zeros = [&](Index count) {
    nonzeros.assign(x, count, weights_.in, weights_.in);
    return nonzeros.share() <= most_prepared_share;
  };
  if (takes_zeros_ && rows >= least_sparse_rows && has_zeros(first_rows) && has_zeros(rows))
    return parallel_ranges(threads, panels_.count, least, 1, [&, &of_caller = nonzeros](Index first, Index end, int) {
      sparse_panels(of_caller, x, y, rows, first, end);
    });
  parallel_ranges(threads, panels_.count, least, 1, [&](Index first, Index end, int) {
    const TileRows tiles{rows};
    const Index together = std::max<Index>(1, most_together / (weights_.in * tile_rows));
    for (Index t = 0; t < tiles.tiles; t += together)
      panels(tiles, t, std::min(tiles.tiles, t + together), x, y, first, end);
  });
}

// Some stretches of some rows at a time, so that these outputs are near when they are summarised.
bool PackedWeights::run_summarized(const Real* x, Real* y, Index rows, OutputSummary& summary) const {
  const Index in = weights_.in, out = weights_.out;
  summary.resize(rows, out);
  if (rows == 0) return true;
  constexpr Index cols = 3 * OutputSummary::stretch, group = cols / (3 * vector_width);
  static_assert(cols % (3 * vector_width) == 0, "whole panels, as long as they are three vectors wide");
  // The last group takes the panels of two vectors, too.
  const Index groups = std::max<Index>(1, (panels_.wide + group - 1) / group);
  const Index together = std::max<Index>(1, most_together / (std::max(in, cols) * tile_rows));
  const Index least = std::max<Index>(1, least_prepared_work / (rows * std::max<Index>(1, in) * cols));
  const TileRows tiles{rows};
  parallel_ranges(omp_in_parallel() ? 1 : threads_, groups, least, 1, [&](Index first, Index end, int) {
    for (Index g = first; g < end; ++g) {
      const Index column = g * cols, until = g + 1 == groups ? panels_.count : (g + 1) * group;
      const Index count = g + 1 == groups ? out - column : cols;
      for (Index t = 0; t < tiles.tiles; t += together) {
        const Index last = std::min(tiles.tiles, t + together);
        panels(tiles, t, last, x, y, g * group, until);
        for (Index r = tiles.begin(t); r < tiles.begin(last); ++r) summary.note(r, column, y + r * out + column, count);
      }
    }
  });
  return true;
}

std::unique_ptr<PreparedLinear> CpuKernels::prepare(const LinearWeights& weights) {
  // Also where OpenBLAS would be faster (packed_product_pays): a row shall have the same bits in any company.
  if (weights.in == 0) return Kernels::prepare(weights);
  return std::make_unique<PackedWeights>(*this, weights, threads_);
}

}  // namespace tenfold::inline TENFOLD_REAL
