// The best continuations against sorting all of them.
#include "translate/candidates.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/output_summary.hpp"
#include "core/philox.hpp"
#include "nn/config.hpp"

using namespace tenfold;

namespace {

constexpr Real infinity = std::numeric_limits<Real>::infinity(), nan_value = std::numeric_limits<Real>::quiet_NaN();

/// Some beginnings and their logits.
struct Sample {
  Index vocabulary;
  std::vector<std::vector<Real>> logits;
  std::vector<double> bases;
  OutputSummary summary;

  /// Logits in steps of 1 / `steps`, so that there are ties.
  Sample(Index vocabulary_, std::size_t beginnings, double steps, std::uint64_t seed) : vocabulary(vocabulary_) {
    PhiloxSequence random(seed);
    for (std::size_t b = 0; b < beginnings; ++b) {
      logits.emplace_back();
      for (Index w = 0; w < vocabulary; ++w)
        logits.back().push_back(static_cast<Real>(std::floor(8 * steps * random.uniform()) / steps));
      bases.push_back(-std::floor(4 * random.uniform()));
    }
  }

  std::vector<Candidate> by_sorting(std::size_t count) const {
    std::vector<Candidate> all;
    for (std::size_t b = 0; b < logits.size(); ++b)
      for (Index w = 0; w < vocabulary; ++w) {
        const double sum = static_cast<double>(logits[b][static_cast<std::size_t>(w)]) + bases[b];
        if (w == pad_id || w == bos_id || !std::isfinite(bases[b]) || !(sum > -std::numeric_limits<double>::infinity()))
          continue;
        all.push_back({sum, b, static_cast<std::int32_t>(w)});
      }
    std::sort(all.begin(), all.end(), better);
    all.resize(std::min(count, all.size()));
    return all;
  }

  std::vector<Candidate> found(std::size_t count, bool summarised) {
    const auto rows = static_cast<Index>(logits.size());
    summary.resize(rows, vocabulary);
    std::vector<Beginning> beginnings;
    for (Index r = 0; r < rows; ++r) {
      const auto b = static_cast<std::size_t>(r);
      summary.note(r, 0, logits[b].data(), vocabulary);
      beginnings.push_back({logits[b].data(), bases[b], summarised ? summary.largest(r) : nullptr});
    }
    return best_continuations(beginnings, vocabulary, count);
  }
};

void check(Sample& sample, std::size_t count) {
  const std::vector<Candidate> expected = sample.by_sorting(count);
  for (bool summarised : {false, true}) {
    CAPTURE(summarised);
    const std::vector<Candidate> got = sample.found(count, summarised);
    REQUIRE(got.size() == expected.size());
    Index wrong = 0;
    for (std::size_t i = 0; i < got.size(); ++i)
      wrong += got[i].log_probability != expected[i].log_probability || got[i].parent != expected[i].parent ||
               got[i].token != expected[i].token;
    CHECK(wrong == 0);
  }
}

}  // namespace

TEST_CASE("the best continuations are those that sorting finds, ties included") {
  for (Index vocabulary : {0, 1, 2, 3, 4, 5, 31, 255, 256, 257, 260, 600, 2000})
    for (std::size_t beginnings : {1, 3, 5})
      for (double steps : {0.125, 1.0, 1e6})  // all equal, many ties, next to none
        for (std::size_t count : {0, 1, 2, 10, 30, 5000}) {
          CAPTURE(vocabulary);
          CAPTURE(beginnings);
          CAPTURE(steps);
          CAPTURE(count);
          Sample sample(vocabulary, beginnings, steps, 3);
          check(sample, count);
        }
}

TEST_CASE("the best of all may stand at any place, and pad and bos are never among them") {
  for (Index place = 0; place < 600; ++place) {
    CAPTURE(place);
    Sample sample(600, 2, 1e6, 4);
    sample.logits[1][static_cast<std::size_t>(place)] = 100;
    check(sample, 2);
  }
}

TEST_CASE("what cannot follow is no candidate") {
  Sample sample(700, 5, 1, 5);
  sample.bases[0] = -std::numeric_limits<double>::infinity();  // a place that only fills the beam
  sample.bases[1] = std::numeric_limits<double>::quiet_NaN();  // broken weights
  sample.bases[2] = std::numeric_limits<double>::infinity();
  std::fill(sample.logits[3].begin() + 100, sample.logits[3].end(), -infinity);
  std::fill(sample.logits[4].begin(), sample.logits[4].begin() + 650, nan_value);
  check(sample, 10);
  check(sample, 1000);
  std::fill(sample.bases.begin(), sample.bases.end(), -std::numeric_limits<double>::infinity());
  CHECK(sample.found(3, true).empty());
}
