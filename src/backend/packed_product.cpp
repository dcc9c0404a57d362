#include "backend/packed_product.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/aligned.hpp"
#include "backend/sparse_product.hpp"
#include "backend/turn.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index column_block = 512;  ///< columns of b packed at a time
constexpr Index strip_tiles = 12;  ///< tiles of op(a) packed at a time when a is transposed
constexpr Index strip_rows = 64;  ///< rows of op(a) looked through for zeros at a time
static_assert(strip_rows <= NonZeros::block);
constexpr Index rows_ahead = 8;  ///< how long before its turn a row that is packed is fetched
/// Share of what is not zero up to which leaving the rest out pays: less than in backend/packed_weights.cpp, since what was just
/// packed is near, and tiles are faster then.
constexpr double most_sparse_share = 0.4;

/// One block of the product, and where its sides lie.
struct ProductBlock {
  const Gemm& g;
  Index l, inner;  ///< inner indices [l, l + inner)
  Index j;         ///< first column
  Panels panels;   ///< its columns
};

/// A copy of up to `whole` values; that many is the common case, and one for which nothing need be called.
template <Index whole>
void copy_run(const Real* x, Index count, Real* out) {
  if (count == whole)
    std::memcpy(out, x, whole * sizeof(Real));
  else
    std::copy_n(x, count, out);
}

/// A panel of op(b) that begins with column j.
template <Index width>
void pack_rows(const ProductBlock& s, const Real* b, Index j, Index cols, Real* out) {
  if (cols < width) std::fill_n(out, s.inner * width, Real{0});
  for (Index l = 0; l < s.inner; ++l) {
    const Real* from = b + (s.l + l) * s.g.ldb + j;
    fetch<1>(from + rows_ahead * s.g.ldb, width);
    copy_run<width>(from, cols, out + l * width);
  }
}

/// The block's panels of op(b).
void pack_right(const ProductBlock& s, const Real* b, Real* out) {
  for (Index p = 0; p < s.panels.count; ++p) {
    const Index j = s.j + s.panels.begin(p), cols = s.panels.filled(p), width = s.panels.width(p);
    Real* panel = out + s.panels.begin(p) * s.inner;
    if (s.g.transpose_b)
      pack_panel(b + j * s.g.ldb + s.l, s.g.ldb, s.inner, cols, width, panel);
    else if (width == 3 * vector_width)
      pack_rows<3 * vector_width>(s, b, j, cols, panel);
    else
      pack_rows<2 * vector_width>(s, b, j, cols, panel);
  }
}

/// Tiles [first, end) of op(a) from columns of a, one after the other as tile_by_inner() wants them. Several at once, as
/// every inner index is a row of a, and perhaps a page of memory, of its own. What a tile is too short for is not read.
void pack_left(const ProductBlock& s, const TileRows& rows, Index first, Index end, const Real* a, Real* out) {
  Index begins[strip_tiles + 1];  // looked up once: rows.begin() divides
  for (Index t = first; t <= end; ++t) begins[t - first] = rows.begin(t);
  const Index tiles = end - first;
  for (Index l = 0; l < s.inner; ++l) {
    const Real* from = a + (s.l + l) * s.g.lda;
    fetch<1>(from + begins[0] + rows_ahead * s.g.lda, begins[tiles] - begins[0]);
    Real* to = out + l * tile_rows;
    for (Index t = 0; t < tiles; ++t, to += s.inner * tile_rows)
      copy_run<tile_rows>(from + begins[t], std::min(tile_rows, rows.all - begins[t]), to);
  }
}

/// Rows [i, i + rows) of a, one tile's, as tile_by_row() wants them.
void copy_left(const ProductBlock& s, Index i, Index rows, const Real* a, Real* out) {
  for (Index r = 0; r < rows; ++r) std::copy_n(a + (i + r) * s.g.lda + s.l, s.inner, out + r * left_stride);
}

/// Rows [i, i + rows) of c, one tile's; the block's columns; what the block's inner indices add.
void row_of_tiles(const ProductBlock& s, Index i, Index rows, const Real* left, const Real* right, Real* c) {
  for (Index p = 0; p < s.panels.count; ++p) {
    const Index j = s.panels.begin(p), width = s.panels.width(p);
    (s.g.transpose_a ? tile_by_inner(rows, width) : tile_by_row(rows, width))(
        s.inner, left, right + j * s.inner,
        {s.g.alpha, s.l == 0 ? s.g.beta : Real{1}, c + i * s.g.ldc + s.j + j, s.g.ldc, s.panels.filled(p)});
  }
}

/// All rows of c, the block's columns, what the block's inner indices add.
void block_product(const ProductBlock& s, const Real* a, const Real* right, Real* left, Real* c) {
  const TileRows rows{s.g.m};
  const Index together = s.g.transpose_a ? strip_tiles : 1;
  for (Index first = 0; first < rows.tiles; first += together) {
    const Index end = std::min(rows.tiles, first + together);
    if (s.g.transpose_a)
      pack_left(s, rows, first, end, a, left);
    else
      copy_left(s, rows.begin(first), rows.count(first), a, left);
    for (Index t = first; t < end; ++t)
      row_of_tiles(s, rows.begin(t), rows.count(t), left + (t - first) * tile_rows * s.inner, right, c);
  }
}

/// Whether x, `rows` rows `stride` apart, may well hold zeros enough to leave them out: the first row and one in the middle tell.
bool seems_sparse(const Real* x, Index rows, Index cols, Index stride, NonZeros& nonzeros) {
  nonzeros.assign(x, std::min<Index>(rows, 2), cols, rows / 2 * stride);
  return nonzeros.share() <= most_sparse_share;
}

/// Rows [i, i + rows) of op(a), the block's inner indices, and where they are not zero. Of a transposed a they are copied to
/// `left` first, where the numbers of a row are nearer to one another.
SparseRows strip_of(const ProductBlock& s, Index i, Index rows, const Real* a, NonZeros& nonzeros, Real* left) {
  if (!s.g.transpose_a) {
    const Real* x = a + i * s.g.lda + s.l;
    nonzeros.assign(x, rows, s.inner, s.g.lda);
    return {.nonzeros = nonzeros, .row = 0, .at = 0, .x = x, .rows = rows, .stride = s.g.lda};
  }
  for (Index l = 0; l < s.inner; ++l) {
    const Real* from = a + (s.l + l) * s.g.lda + i;
    fetch<1>(from + rows_ahead * s.g.lda, rows);
    copy_run<strip_rows>(from, rows, left + l * strip_rows);
  }
  nonzeros.assign_columns(left, rows, s.inner, strip_rows);
  return {.nonzeros = nonzeros, .row = 0, .at = 0, .x = left, .rows = rows, .stride = 1, .step = strip_rows};
}

/// As block_product(), for an a with zeros and a b that is finite.
void sparse_block_product(const ProductBlock& s, const Real* a, const Real* right, NonZeros& nonzeros, Real* left, Real* c) {
  for (Index i = 0; i < s.g.m; i += strip_rows)
    sparse_product(strip_of(s, i, std::min(strip_rows, s.g.m - i), a, nonzeros, left),
                   {.panels = s.panels, .first = 0, .end = s.panels.count, .values = right, .inner = s.inner, .l = 0}, s.inner,
                   {.alpha = s.g.alpha,
                    .beta = s.l == 0 ? s.g.beta : Real{1},
                    .c = c + i * s.g.ldc + s.j,
                    .ldc = s.g.ldc,
                    .cols = s.panels.cols});
}

struct alignas(64) ProductScratch {
  Real left[std::max({tile_rows * left_stride, strip_tiles * tile_rows * inner_block, strip_rows * inner_block})];
  AlignedVector<Real> right = AlignedVector<Real>(inner_block * column_block);
  NonZeros nonzeros;
  AlignedVector<Real> turned;
};

/// The product of a dense a and a b with zeros, both stored as rows that are multiplied with one another: by way of its
/// transpose, in which it is the left side that has them.
void turned_product(const Gemm& g, const Real* a, const Real* b, Real* c, ProductScratch& memory) {
  Gemm turned = g;
  std::swap(turned.m, turned.n);
  std::swap(turned.lda, turned.ldb);
  turned.ldc = turned.n;
  Real* out = room(memory.turned, g.m * g.n);
  packed_product(turned, b, a, out);
  turn(out, turned.ldc, g.m, g.n, c, g.ldc);
}

}  // namespace

void pack_panel(const Real* b, Index ldb, Index inner, Index cols, Index width, Real* out) {
  if (cols < width) std::fill_n(out, inner * width, Real{0});
  turn(b, ldb, inner, cols, out, width);
}

void packed_product(const Gemm& g, const Real* a, const Real* b, Real* c) {
  thread_local ProductScratch memory;
  Real* right = memory.right.data();
  const bool zeros = seems_sparse(a, g.transpose_a ? g.k : g.m, g.transpose_a ? g.m : g.k, g.lda, memory.nonzeros);
  if (!zeros && g.transpose_a && !g.transpose_b && g.beta == 0 && g.m % vector_width == 0 &&
      seems_sparse(b, g.k, g.n, g.ldb, memory.nonzeros))
    return turned_product(g, a, b, c, memory);
  for (Index l = 0; l < g.k; l += inner_block)
    for (Index j = 0; j < g.n; j += column_block) {
      const ProductBlock s{g, l, std::min(inner_block, g.k - l), j, Panels{std::min(column_block, g.n - j)}};
      pack_right(s, b, right);
      if (zeros && sparse_product_fits(s.panels) && all_finite(right, s.inner * s.panels.stored))
        sparse_block_product(s, a, right, memory.nonzeros, memory.left, c);
      else
        block_product(s, a, right, memory.left, c);
    }
}

}  // namespace tenfold::inline TENFOLD_REAL
