// The decoder with a cache against the decoder without, through reordering and dropping of sentences.
#include "translate/incremental_decoder.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/errors.hpp"
#include "translate/plain_decoding.hpp"

using namespace tenfold;
using namespace tenfold::test;

namespace {

using Ids = std::vector<std::int32_t>;

const std::vector<Ids> sources{{5, 6, 7}, {4}, {8, 9, 4, 5, 6}};

/// The decoder beside what it should have read: each row's sentence and tokens.
struct Pair {
  Transformer& model;
  IncrementalDecoder decoder;
  struct Row {
    std::size_t sentence;
    Ids tokens;
  };
  std::vector<Row> rows;

  explicit Pair(Transformer& m, Index steps = 24)
      : model(m), decoder(m, padded(m.kernels()), lengths(m.kernels()), steps) {
    for (std::size_t s = 0; s < sources.size(); ++s) rows.push_back({s, {}});
  }
  static IdTensor padded(Kernels& k) {
    Ids ids(3 * 6, pad_id);
    for (std::size_t s = 0; s < 3; ++s) {
      std::copy(sources[s].begin(), sources[s].end(), ids.begin() + static_cast<std::ptrdiff_t>(6 * s));
      ids[6 * s + sources[s].size()] = eos_id;
    }
    return IdTensor::from(k, {3, 6}, ids);
  }
  static IdTensor lengths(Kernels& k) { return IdTensor::from(k, {3}, Ids{4, 2, 6}); }

  /// Feeds the rows' last tokens, compares the logits, and gives row r the next token 4 + (seed + r) % 7.
  double step(std::int32_t seed) {
    Ids last;
    for (const Row& r : rows) last.push_back(r.tokens.empty() ? bos_id : r.tokens.back());
    const std::vector<Real> logits = decoder.step(last).to_host();
    double worst = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::vector<double> expected = next_logits(model, sources[rows[r].sentence], rows[r].tokens);
      for (std::size_t w = 0; w < expected.size(); ++w) {
        const double difference =
            std::abs(static_cast<double>(logits[r * expected.size() + w]) - expected[w]);
        worst = difference <= worst ? worst : difference;  // NaN is taken over
      }
      rows[r].tokens.push_back(4 + (seed + static_cast<std::int32_t>(r)) % 7);
    }
    return worst;
  }
  void reorder(const Ids& from, const Ids& kept, Index beams) {
    decoder.reorder(from, kept, beams);
    std::vector<Row> next;
    for (std::int32_t f : from) next.push_back(rows[static_cast<std::size_t>(f)]);
    rows = std::move(next);
  }
};

constexpr double bound = 1e-4;

}  // namespace

TEST_CASE("step by step the logits are those of the whole decoder, also after reordering and dropping") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    Transformer model(kernels_for_tests(), v.config, 2);
    Pair p(model);
    CHECK(p.step(0) <= bound);
    p.reorder({0, 0, 1, 1, 2, 2}, {0, 1, 2}, 2);  // two beams each
    CHECK(p.step(1) <= bound);
    p.reorder({1, 0, 2, 2, 5, 4}, {0, 1, 2}, 2);  // swapped, doubled
    CHECK(p.step(5) <= bound);
    CHECK(p.step(3) <= bound);
    p.reorder({0, 1, 5, 5}, {0, 2}, 2);  // sentence 1 is done
    CHECK(p.step(2) <= bound);
    p.reorder({3, 2, 3}, {1}, 3);  // sentence 0 is done, three beams for the last
    for (std::int32_t i = 0; i < 15; ++i) CHECK(p.step(i) <= bound);  // past the cache's first capacity
    CHECK(p.decoder.position() == 20);
  }
}

TEST_CASE("the decoder refuses more steps or other rows than were agreed") {
  Transformer model(kernels_for_tests(), variants()[0].config, 2);
  Pair p(model, 2);
  CHECK_THROWS_AS(p.decoder.step(Ids{bos_id}), ShapeError);
  p.step(0);
  p.step(0);
  CHECK_THROWS_AS(p.step(0), ShapeError);
}
