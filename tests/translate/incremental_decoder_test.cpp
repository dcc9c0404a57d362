// The decoder with a cache against the decoder without, through reordering and dropping of sentences.
#include "translate/incremental_decoder.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "backend/reference.hpp"
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
  void rewind(Index position) {
    decoder.rewind(position);
    for (Row& r : rows) r.tokens.resize(static_cast<std::size_t>(position));
  }
  void reorder(const Ids& from, const Ids& kept, Index beams) {
    decoder.reorder(from, kept, beams);
    std::vector<Row> next;
    for (std::int32_t f : from) next.push_back(rows[static_cast<std::size_t>(f)]);
    rows = std::move(next);
  }
};

/// A device whose attention follows no histories, as a card.
struct Gathering final : ReferenceKernels {
  bool takes_key_rows() const override { return false; }
};

constexpr double bound = 1e-4;

}  // namespace

TEST_CASE("step by step the logits are those of the whole decoder, also after reordering and dropping") {
  Gathering gathering;
  for (Kernels* k : {&kernels_for_tests(), static_cast<Kernels*>(&gathering)})
    for (const Variant& v : variants()) {
      CAPTURE(k->takes_key_rows());
      CAPTURE(v.name);
      Transformer model(*k, v.config, 2);
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

TEST_CASE("what is forgotten after rows were dropped or doubled makes way for what is fed next") {
  Transformer model(kernels_for_tests(), variants()[0].config, 2);
  Pair dropped(model);
  dropped.step(0);
  dropped.step(1);
  dropped.reorder({2}, {2}, 1);
  dropped.rewind(1);
  for (std::int32_t i = 2; i < 6; ++i) CHECK(dropped.step(i) <= bound);
  Pair doubled(model);
  doubled.step(0);
  doubled.step(3);
  doubled.reorder({1, 1}, {1}, 2);
  doubled.step(2);
  doubled.reorder({1, 0}, {0}, 2);
  doubled.step(4);
  doubled.rewind(3);
  for (std::int32_t i = 2; i < 6; ++i) CHECK(doubled.step(i) <= bound);
}

TEST_CASE("guesses after rows were dropped leave no trace") {
  Transformer model(kernels_for_tests(), variants()[0].config, 2);
  Kernels& k = model.kernels();
  PreparedWeights prepared(k);
  prepared.note_served();
  const auto make = [&] { return IncrementalDecoder(model, Pair::padded(k), Pair::lengths(k), 24, &prepared); };
  IncrementalDecoder guessing = make(), plain = make();
  for (IncrementalDecoder* d : {&guessing, &plain}) {
    d->step(Ids{bos_id, bos_id, bos_id});
    d->step(Ids{5, 6, 7});
    d->reorder(Ids{1}, Ids{1}, 1);
  }
  CHECK(guessing.guess(8, 5).size() == 5);
  CHECK(guessing.position() == 2);
  CHECK(guessing.steps(Ids{8, 9}).rows(1, 1).to_host() == (plain.step(Ids{8}), plain.step(Ids{9}).to_host()));
  guessing.guess(4, 5);
  CHECK(guessing.step(Ids{4}).to_host() == plain.step(Ids{4}).to_host());
}

TEST_CASE("the decoder refuses more steps or other rows than were agreed") {
  Transformer model(kernels_for_tests(), variants()[0].config, 2);
  Pair p(model, 2);
  CHECK_THROWS_AS(p.decoder.step(Ids{bos_id}), ShapeError);
  p.step(0);
  p.step(0);
  CHECK_THROWS_AS(p.step(0), ShapeError);
}

TEST_CASE("several tokens fed together give the bits that they give one by one, also after a sentence that was longer") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    Transformer model(kernels_for_tests(), v.config, 2);
    PreparedWeights prepared(model.kernels());
    Kernels& k = model.kernels();
    const auto make = [&] { return IncrementalDecoder(model, Pair::padded(k), Pair::lengths(k), 24, &prepared); };
    IncrementalDecoder one = make(), together = make();
    for (IncrementalDecoder* d : {&one, &together}) {
      d->step(Ids{bos_id, bos_id, bos_id});
      d->reorder(Ids{1}, Ids{1}, 1);  // the shortest is left, among padding
    }
    const Ids tokens{5, 9, 4, 10, 6};
    const std::vector<Real> found = together.steps(tokens).to_host();
    std::vector<Real> expected;
    for (std::int32_t token : tokens) {
      const std::vector<Real> logits = one.step({&token, 1}).to_host();
      expected.insert(expected.end(), logits.begin(), logits.end());
    }
    CHECK(found == expected);
    CHECK(together.position() == 6);
    together.rewind(3);  // the last three were wrong
    one.rewind(3);
    CHECK(together.steps(Ids{8, 7}).rows(1, 1).to_host() == (one.step(Ids{8}), one.step(Ids{7}).to_host()));
    CHECK_THROWS_AS(together.rewind(6), ShapeError);
    CHECK_THROWS_AS(together.steps(Ids(20, 5)), ShapeError);
  }
}

TEST_CASE("tokens are chosen by the largest logit, never pad or bos, of rows side by side and of a row's tokens") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    Transformer model(kernels_for_tests(), v.config, 2);
    for (std::int32_t id : {pad_id, bos_id}) model.generator_bias.value.mutable_data()[id] = 100;
    Kernels& k = model.kernels();
    PreparedWeights prepared(k);
    const auto make = [&] { return IncrementalDecoder(model, Pair::padded(k), Pair::lengths(k), 24, &prepared); };
    const auto largest = [&](const std::vector<Real>& logits) {
      Ids found;
      for (auto row = logits.begin(); row != logits.end(); row += v.config.target_vocabulary) {
        std::int32_t best = unk_id;
        for (std::int32_t w = eos_id; w < v.config.target_vocabulary; ++w) best = row[w] > row[best] ? w : best;
        found.push_back(best);
      }
      return found;
    };
    IncrementalDecoder chooses = make(), weighs = make();
    REQUIRE(chooses.can_choose());
    CHECK_FALSE(IncrementalDecoder(model, Pair::padded(k), Pair::lengths(k), 24).can_choose());
    for (const Ids& tokens : {Ids{bos_id, bos_id, bos_id}, Ids{5, 6, 7}})
      CHECK(chooses.choose(tokens) == largest(weighs.step(tokens).to_host()));
    for (IncrementalDecoder* d : {&chooses, &weighs}) d->reorder(Ids{1}, Ids{1}, 1);
    const Ids tokens{5, 9, 4, 10, 6};
    CHECK(chooses.choose(tokens, 5) == largest(weighs.steps(tokens).to_host()));
    CHECK_THROWS_AS(make().choose(Ids{5, 6, 7, 8, 9, 10}, 2), ShapeError);
    CHECK_THROWS_AS(IncrementalDecoder(model, Pair::padded(k), Pair::lengths(k), 24).choose(Ids(3, bos_id)), ShapeError);
  }
}

TEST_CASE("guesses are made for a row alone, and leave the decoder as it was") {
  Transformer model(kernels_for_tests(), variants()[0].config, 2);
  Kernels& k = model.kernels();
  PreparedWeights prepared(k);
  const Ids source{5, 6, 7, eos_id}, length{4};
  IncrementalDecoder decoder(model, IdTensor::from(k, {1, 4}, source), IdTensor::from(k, {1}, length), 12, &prepared);
  CHECK_FALSE(decoder.can_guess());  // nothing was served yet
  prepared.note_served();
  REQUIRE(decoder.can_guess());
  model.generator_bias.value.mutable_data()[eos_id] = -100;
  decoder.step(Ids{bos_id});
  CHECK(decoder.guess(5, 6).size() == 6);
  CHECK(decoder.position() == 1);
  CHECK(decoder.guess(5, 100).size() == 11);  // as many as steps are left
  CHECK(decoder.guess(eos_id, 6).empty());
  IncrementalDecoder other(model, IdTensor::from(k, {1, 4}, source), IdTensor::from(k, {1}, length), 12, &prepared);
  other.step(Ids{bos_id});
  CHECK(decoder.step(Ids{7}).to_host() == other.step(Ids{7}).to_host());
  CHECK_FALSE(IncrementalDecoder(model, IdTensor::from(k, {1, 4}, source), IdTensor::from(k, {1}, length), 12).can_guess());
  CHECK_FALSE(IncrementalDecoder(model, Pair::padded(k), Pair::lengths(k), 12, &prepared).can_guess());
  CHECK_THROWS_AS(IncrementalDecoder(model, Pair::padded(k), Pair::lengths(k), 12).steps(Ids{5}), ShapeError);
}
