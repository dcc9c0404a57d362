/// @file
/// What the attention kernels share: tiles in shared memory, the products of two tiles, and dropout's decisions for a
/// tile of weights.
///
/// A block multiplies tiles of rows with tiles of columns: forward and for dQ the rows are queries and the columns
/// keys, for dK and dV the other way round. Eight neighbouring lanes, a group, share a row; of a tile of products each
/// thread holds RowsEach × ColumnsEach in registers, so that a value read from shared memory serves several of them.
#pragma once
#include "core/shape.hpp"
#include "kernels/mask.cuh"
#include "kernels/pack.cuh"
#include "kernels/random.cuh"
#include "kernels/reduce.cuh"

namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON {

/// A matrix in shared memory. Its rows are 16 bytes longer than they need be: without that, eight lanes that read the
/// same column of eight rows would wait for one bank.
template <int Rows, int Columns>
struct alignas(16) Tile {
  Real at[Rows][Columns + pack_width];  ///< the numbers, and the gap

  /// N of a row's numbers from `column` on, a multiple of N.
  template <int N>
  __device__ Pack<N> part(int row, int column) const {
    return *reinterpret_cast<const Pack<N>*>(&at[row][column]);
  }
  /// Row r of the tile becomes row first + r of the head whose row 0 begins at `head`; zeros from row `count` on, and
  /// from column `width` on. All `Threads` threads of the block take part, and a barrier must follow.
  template <int Threads>
  __device__ void load(const Real* __restrict__ head, Index row_stride, Index first, Index count, int width) {
    const int there = static_cast<int>(first + Rows < count ? Rows : count - first);
    head += first * row_stride;
#pragma unroll 4
    for (int n = static_cast<int>(threadIdx.x); n < Rows * Columns; n += Threads) {
      const int r = n / Columns, c = n % Columns;
      at[r][c] = r < there && c < width ? head[r * row_stride + c] : 0;
    }
  }
};

/// How a block's threads share the work: `Groups` groups of eight lanes, each thread with RowsEach rows and ColumnsEach
/// columns of a tile, for heads of up to `Width` numbers.
template <int Width, int Groups, int RowsEach_, int ColumnsEach_>
struct Tiling {
  static constexpr int width = Width;                   ///< of a head, at most
  static constexpr int RowsEach = RowsEach_;            ///< rows of a thread
  static constexpr int ColumnsEach = ColumnsEach_;      ///< columns of a thread
  static constexpr int threads = 8 * Groups;            ///< in a block
  static constexpr int rows = Groups * RowsEach;        ///< of a tile
  static constexpr int columns = 8 * ColumnsEach;       ///< of a tile
  static constexpr int dims = Width / 8;                ///< of a head's numbers a thread has this many
  static constexpr int dims_at_once = dims < pack_width ? dims : pack_width;  ///< of them neighbours
  static_assert(threads % 32 == 0 && threads <= 256 && Width % 16 == 0 && columns % pack_width == 0);

  using RowTile = Tile<rows, Width>;         ///< heads of the rows
  using ColumnTile = Tile<columns, Width>;   ///< heads of the columns
  using WeightTile = Tile<rows, columns>;    ///< a number for every row and column
  using Products = Real[RowsEach][ColumnsEach];  ///< a thread's part of those
  using Sums = Real[RowsEach][dims];             ///< a thread's part of a result as wide as a head

  /// The thread's i-th row of a tile.
  __device__ static int row(int i) { return static_cast<int>(threadIdx.x) / 8 + Groups * i; }
  /// The thread's j-th column of a tile.
  __device__ static int column(int j) { return static_cast<int>(threadIdx.x) % 8 + 8 * j; }
  /// The thread's n-th place in a head: neighbouring lanes have neighbouring packs.
  __device__ static int dim(int n) {
    return (n / dims_at_once * 8 + static_cast<int>(threadIdx.x) % 8) * dims_at_once + n % dims_at_once;
  }

  /// out = a bᵀ
  __device__ static void dot_products(const RowTile& a, const ColumnTile& b, Products& out) {
#pragma unroll
    for (int i = 0; i < RowsEach; ++i)
#pragma unroll
      for (int j = 0; j < ColumnsEach; ++j) out[i][j] = 0;
#pragma unroll 2
    for (int d = 0; d < Width; d += pack_width) {
      Pack<pack_width> x[RowsEach], y[ColumnsEach];
#pragma unroll
      for (int i = 0; i < RowsEach; ++i) x[i] = a.template part<pack_width>(row(i), d);
#pragma unroll
      for (int j = 0; j < ColumnsEach; ++j) y[j] = b.template part<pack_width>(column(j), d);
#pragma unroll
      for (int i = 0; i < RowsEach; ++i)
#pragma unroll
        for (int j = 0; j < ColumnsEach; ++j)
#pragma unroll
          for (int e = 0; e < pack_width; ++e) out[i][j] += x[i].at[e] * y[j].at[e];
    }
  }

  /// sums += weights · b
  __device__ static void add_products(const WeightTile& weights, const ColumnTile& b, Sums& sums) {
#pragma unroll 2
    for (int c = 0; c < columns; c += pack_width) {
      Pack<pack_width> w[RowsEach];
#pragma unroll
      for (int i = 0; i < RowsEach; ++i) w[i] = weights.template part<pack_width>(row(i), c);
#pragma unroll
      for (int e = 0; e < pack_width; ++e)
#pragma unroll
        for (int n = 0; n < dims; n += dims_at_once) {
          const Pack<dims_at_once> y = b.template part<dims_at_once>(c + e, dim(n));
#pragma unroll
          for (int i = 0; i < RowsEach; ++i)
#pragma unroll
            for (int m = 0; m < dims_at_once; ++m) sums[i][n + m] += w[i].at[e] * y.at[m];
        }
    }
  }

  /// Sums that begin at zero.
  __device__ static void clear(Sums& sums) {
#pragma unroll
    for (int i = 0; i < RowsEach; ++i)
#pragma unroll
      for (int n = 0; n < dims; ++n) sums[i][n] = 0;
  }
  /// Writes factor · sums[i] to row `to` of a head: its first `head_width` numbers.
  __device__ static void store(const Sums& sums, int i, Real factor, Real* to, int head_width) {
#pragma unroll
    for (int n = 0; n < dims; ++n)
      if (dim(n) < head_width) to[dim(n)] = factor * sums[i][n];
  }
};

/// One call, as the kernels get it.
struct AttentionCall : Attention {
  Real kept_scale = 1;  ///< what a kept weight is multiplied by

  /// A call of `a`, on the host.
  explicit AttentionCall(const Attention& a) : Attention(a), kept_scale(a.dropout.scale()) {}
};

/// How many keys a query sees, in 32 bits: they are compared with often, and there are never 2^31 of them.
__device__ inline int visible_count(const Attention& a, Index batch, Index query) {
  return static_cast<int>(visible_keys(a.mask, batch, query, a.keys));
}

/// Which part of a call a block does.
struct AttentionPart {
  Index batch, head;  ///< of the whole
  Index first_row;    ///< of [batch, heads, queries]: query 0 of this head
  Index tile;         ///< 0 … tiles - 1 of this head

  /// Of block blockIdx.x of tiles · heads · batch. The last tiles come first: under a causal mask they see the most,
  /// and the short ones then fill the gaps at the end.
  __device__ static AttentionPart of_block(const Attention& a, Index tiles) {
    const Index pair = blockIdx.x / tiles;
    return {pair / a.heads, pair % a.heads, pair * a.queries, tiles - 1 - (blockIdx.x - pair * tiles)};
  }
  /// Where row 0 of the head begins.
  __device__ Index place(const PackedRows& rows, const Attention& a) const {
    return batch * rows.batch_stride + head * a.head_dim;
  }
};

/// Dropout's decisions for a tile of Queries × Keys weights: Philox decides on eight neighbouring keys at once, so the
/// bytes are made once for the block and lie in shared memory.
template <int Queries, int Keys>
struct KeptTile {
  static constexpr int groups = Keys / 8 + 1;  ///< a row of weights need not begin where eight do
  unsigned char at[Queries][groups];           ///< bit e of a byte: whether element e of the eight is kept

  /// For keys from `key` on of the rows from `row` on, rows numbered as [batch, heads, queries]. A barrier must follow.
  template <int Threads>
  __device__ void load(const Attention& a, Index row, Index key) {
    for (int n = static_cast<int>(threadIdx.x); n < Queries * groups; n += Threads) {
      const Index element = (row + n / groups) * a.keys + key;
      at[n / groups][n % groups] = static_cast<unsigned char>(keep_byte(a.dropout, element / 8 + n % groups));
    }
  }
  /// Whether the weight at (query, key) of the tile is kept; row and key of the tile's first as above.
  __device__ bool keeps(const Attention& a, Index row, Index key, int query, int column) const {
    // Only where the row begins among eight counts, and that the low bits know.
    const unsigned element = static_cast<unsigned>(row + query) * static_cast<unsigned>(a.keys) + static_cast<unsigned>(key);
    const unsigned place = element % 8 + static_cast<unsigned>(column);
    return (at[query][place / 8] >> (place % 8)) & 1u;
  }
};

/// The widest head that tiles are made for; beyond it attention_wide.cu takes over.
inline constexpr Index widest_tile = 128;

/// What backward reads and writes, as in Kernels::attention_backward.
struct AttentionGradients {
  const Real *q, *k, *v, *o, *log_sums, *grad_o;  ///< read
  Real *dq, *dk, *dv;                             ///< written
};

}  // namespace tenfold::inline TENFOLD_REAL::TENFOLD_ON
