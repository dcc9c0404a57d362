// Turned matrices, entry by entry.
#include "backend/turn.hpp"

#include "kernels/compare.hpp"

using namespace tenfold;

TEST_CASE("a turned matrix has every entry in its place, and nothing is written beside them") {
  for (Index rows = 0; rows <= 19; ++rows)
    for (Index cols = 0; cols <= 30; ++cols)
      for (Index gap : {0, 3}) {
        const Index x_stride = rows + gap, out_stride = cols + gap;
        const Values x = uniform_values(cols * x_stride, 1);
        Values out(static_cast<std::size_t>(rows * out_stride + gap), Real{5});
        turn(x.data(), x_stride, rows, cols, out.data(), out_stride);
        Index wrong = 0;
        for (Index i = 0; i < static_cast<Index>(out.size()); ++i) {
          const Index l = out_stride > 0 ? i / out_stride : 0, j = out_stride > 0 ? i % out_stride : 0;
          const Real expected = l < rows && j < cols ? x[static_cast<std::size_t>(j * x_stride + l)] : Real{5};
          wrong += out[static_cast<std::size_t>(i)] != expected;
        }
        CAPTURE(rows);
        CAPTURE(cols);
        REQUIRE(wrong == 0);
      }
}
