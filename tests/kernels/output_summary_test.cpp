// What outputs come to: by summaries against plain sums, and behind a product against what is summarised afterwards.
#include "backend/output_summary.hpp"

#include <cmath>

#include "backend/prepared_linear.hpp"
#include "kernels/compare.hpp"

using namespace tenfold;

namespace {

constexpr Index stretch = OutputSummary::stretch;

/// Of one row, noted all at once.
OutputSummary summary_of(const Values& row) {
  OutputSummary summary;
  summary.resize(1, static_cast<Index>(row.size()));
  summary.note(0, 0, row.data(), static_cast<Index>(row.size()));
  return summary;
}

double plain_log_sum(const Values& row) {
  double sum = 0;
  for (Real x : row) sum += std::exp(static_cast<double>(x));
  return std::log(sum);
}

}  // namespace

TEST_CASE("a summary knows the largest output of each stretch, and the log of all exponentials' sum") {
  for (Index n : {1, 2, 15, 16, 17, 255, 256, 257, 512, 700, 8000}) {
    CAPTURE(n);
    Values row = uniform_values(n, 4);
    for (Real& x : row) x *= 20;
    const OutputSummary summary = summary_of(row);
    CHECK(summary.log_sum(0) == doctest::Approx(plain_log_sum(row)).epsilon(1e-6));
    for (Index first = 0; first < n; first += stretch) {
      const auto end = row.begin() + std::min(n, first + stretch);
      CHECK(summary.largest(0)[first / stretch] == *std::max_element(row.begin() + first, end));
    }
  }
}

TEST_CASE("a summary of outputs that are infinite, no numbers, or far apart") {
  Values row = uniform_values(3 * stretch, 5);
  const auto with = [&](Index from, Index count, Real value) {
    Values changed = row;
    std::fill_n(changed.begin() + from, count, value);
    return changed;
  };
  // A stretch without anything to choose takes no part, and does not spoil the others.
  const Values barred = with(stretch, stretch, -infinity);
  CHECK(summary_of(barred).log_sum(0) == doctest::Approx(plain_log_sum(barred)).epsilon(1e-6));
  CHECK(summary_of(barred).largest(0)[1] == -infinity);
  CHECK(std::isnan(summary_of(with(0, 3 * stretch, -infinity)).log_sum(0)));
  // What is no number makes none, wherever it stands, and is never the largest.
  for (Index at : {Index{0}, stretch + 77, 3 * stretch - 1}) {
    const OutputSummary broken = summary_of(with(at, 1, nan_value));
    CHECK(std::isnan(broken.log_sum(0)));
    CHECK(std::isfinite(broken.largest(0)[at / stretch]));
  }
  Values alone = barred;
  alone[stretch + 3] = nan_value;
  CHECK(std::isnan(summary_of(alone).log_sum(0)));
  // Exponentials that overflow alone, and stretches whose sums underflow beside them.
  const Values far = with(2 * stretch, 1, 3e4);
  CHECK(summary_of(far).log_sum(0) == doctest::Approx(3e4).epsilon(1e-6));
  CHECK(summary_of(with(0, 3 * stretch, -3e4)).log_sum(0) == doctest::Approx(std::log(3.0 * stretch) - 3e4).epsilon(1e-6));
}

TEST_CASE("a summary that forgot everything is empty, and can be used again") {
  OutputSummary summary;
  CHECK(summary.empty());
  summary.resize(2, 10);
  CHECK(!summary.empty());
  summary.clear();
  CHECK(summary.empty());
}

TEST_CASE("a product with a summary gives the same outputs, and what they come to") {
  constexpr Index in = 40;
  // Within one group of panels, at its edges, and several groups of which the last takes what is left.
  for (Index out : {1, 30, 255, 257, 700, 768, 784, 800, 816, 1535, 1536, 1552, 1600, 2305, 8000})
    for (Index rows : {0, 1, 9, 200}) {
      if (out == 8000 && rows == 200) continue;  // large, and nothing new
      CAPTURE(out);
      CAPTURE(rows);
      const Values weight = uniform_values(out * in, 1), bias = uniform_values(out, 2), x = uniform_values(rows * in, 3);
      for (int threads : {1, 2, 16}) {
        const auto k = make_cpu_kernels(threads);
        const auto layer = k->prepare({weight.data(), bias.data(), in, out, {}});
        Values expected(static_cast<std::size_t>(rows * out)), got = expected;
        OutputSummary summary;
        layer->run(x.data(), expected.data(), rows);
        REQUIRE(layer->run_summarized(x.data(), got.data(), rows, summary));
        CHECK(same_bits(expected, got));
        Index wrong = 0;
        for (Index r = 0; r < rows; ++r) {
          const OutputSummary afterwards = summary_of({got.begin() + r * out, got.begin() + (r + 1) * out});
          wrong += summary.log_sum(r) != afterwards.log_sum(0);
          for (Index s = 0; s * stretch < out; ++s) wrong += summary.largest(r)[s] != afterwards.largest(0)[s];
        }
        CHECK(wrong == 0);
      }
    }
}

TEST_CASE("a device that finds no summary on the way says so, and does nothing") {
  const Values weight = uniform_values(6, 1), x = uniform_values(2, 2);
  const auto k = make_reference_kernels();
  const auto layer = k->prepare({weight.data(), nullptr, 2, 3, {}});
  Values y(3, Real{7});
  OutputSummary summary;
  CHECK(!layer->run_summarized(x.data(), y.data(), 1, summary));
  CHECK(y == Values(3, Real{7}));
  CHECK(summary.empty());
}
