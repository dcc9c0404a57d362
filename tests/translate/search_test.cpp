// Greedy and beam search against plain definitions that decode everything anew for every token.
#include "translate/search.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "core/errors.hpp"
#include "io/temporary_folder.hpp"
#include "translate/plain_decoding.hpp"

using namespace tenfold;
using namespace tenfold::test;

namespace {

using Ids = std::vector<std::int32_t>;

const std::vector<Ids> sentences{{5, 6, 7}, {4}, {8, 9, 4, 5, 6, 10, 7}, {10, 10}};

/// The definition of greedy: the likeliest token that is neither pad nor bos, until eos or the limit.
Ids plain_greedy(Transformer& model, const Ids& source, Index limit) {
  Ids tokens;
  while (static_cast<Index>(tokens.size()) < limit) {
    const std::vector<double> p = next_log_probabilities(model, source, tokens);
    std::int32_t best = eos_id;
    for (std::int32_t w = 0; w < static_cast<std::int32_t>(p.size()); ++w)
      if (w != pad_id && w != bos_id && p[w] > p[best]) best = w;
    if (best == eos_id) break;
    tokens.push_back(best);
  }
  return tokens;
}

/// The definition of beam search: of all continuations of all beginnings the likeliest go on, of equals the first.
std::vector<Ids> plain_beam(Transformer& model, const Ids& source, std::size_t beam, std::size_t limit) {
  struct Entry {
    double sum;
    std::size_t parent;
    std::int32_t token;
  };
  std::vector<std::pair<double, Ids>> live{{0, {}}}, ended;
  while (true) {
    std::vector<Entry> all;
    for (std::size_t b = 0; b < live.size(); ++b) {
      const std::vector<double> p = next_log_probabilities(model, source, live[b].second);
      for (std::int32_t w = 0; w < static_cast<std::int32_t>(p.size()); ++w)
        if (w != pad_id && w != bos_id) all.push_back({live[b].first + p[static_cast<std::size_t>(w)], b, w});
    }
    std::stable_sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.sum > b.sum; });
    std::vector<std::pair<double, Ids>> next;
    for (std::size_t i = 0; i < std::min(all.size(), 2 * beam) && next.size() < beam; ++i) {
      Ids tokens = live[all[i].parent].second;
      if (all[i].token == eos_id) {
        if (i < beam) ended.emplace_back(all[i].sum / static_cast<double>(tokens.size() + 1), tokens);
        continue;
      }
      tokens.push_back(all[i].token);
      next.emplace_back(all[i].sum, tokens);
    }
    const bool at_limit = !next.empty() && next.front().second.size() >= limit;
    live = std::move(next);
    if (ended.size() < beam && !live.empty() && !at_limit) continue;
    std::stable_sort(ended.begin(), ended.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<Ids> found;
    for (const auto& [score, tokens] : ended) found.push_back(tokens);
    for (const auto& [sum, tokens] : live)
      if (at_limit && ended.size() < beam) found.push_back(tokens);
    found.resize(std::min(found.size(), beam));
    return found;
  }
}

/// Log-probability of tokens, and of the end when `ended`.
double plain_score(Transformer& model, const Ids& source, const Hypothesis& h) {
  double sum = 0;
  Ids sofar;
  for (std::int32_t token : h.tokens) {
    sum += next_log_probabilities(model, source, sofar)[token];
    sofar.push_back(token);
  }
  return h.ended ? sum + next_log_probabilities(model, source, sofar)[eos_id] : sum;
}

void set(Parameter& p, std::size_t entry, Real value) { p.value.mutable_data()[entry] = value; }

/// Brings all rows of a table near the first that is not a marker.
void make_alike(Parameter& table) {
  const Index dim = table.value.dim(1);
  Real* w = table.value.mutable_data();
  for (Index row = 0; row < table.value.dim(0); ++row)
    for (Index i = 0; i < dim; ++i) w[row * dim + i] = w[4 * dim + i] + Real{0.002} * w[row * dim + i];
}

}  // namespace

TEST_CASE("greedy takes the argmax of the whole decoder, token by token") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    Transformer model(kernels_for_tests(), v.config, 3);
    const auto found = search(model, sentences, {.length_factor = 1, .length_extra = 6});
    REQUIRE(found.size() == sentences.size());
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      REQUIRE(found[i].size() == 1);
      CHECK(found[i][0].tokens == plain_greedy(model, sentences[i], static_cast<Index>(sentences[i].size()) + 6));
    }
  }
}

TEST_CASE("what a beam finds has the probability it says, in order, and nothing twice") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    Transformer model(kernels_for_tests(), v.config, 4);
    const auto found = search(model, sentences, {.beam = 4, .length_penalty = 0.6, .nbest = 4});
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      REQUIRE(found[i].size() == 4);
      std::set<std::pair<Ids, bool>> seen;
      for (std::size_t n = 0; n < found[i].size(); ++n) {
        const Hypothesis& h = found[i][n];
        CHECK(std::abs(h.log_probability - plain_score(model, sentences[i], h)) <= 1e-4);
        const double length = static_cast<double>(h.tokens.size()) + (h.ended ? 1 : 0);
        CHECK(std::abs(h.score - h.log_probability / std::pow(length, 0.6)) <= 1e-12);
        CHECK(seen.insert({h.tokens, h.ended}).second);
        if (n > 0 && found[i][n - 1].ended == h.ended) CHECK(found[i][n - 1].score >= h.score);
      }
    }
  }
}

TEST_CASE("neither a sentence's translation nor its probability depends on its company") {
  ModelConfig many = variants()[0].config;
  many.source_vocabulary = many.target_vocabulary = 2000;  // logits enough to be summarised in several groups
  for (const ModelConfig& config : {variants()[0].config, many}) {
    Transformer model(kernels_for_tests(), config, 5);
    for (Index beam : {1, 3}) {
      CAPTURE(beam);
      const auto together = search(model, sentences, {.beam = beam, .length_extra = 8});
      for (std::size_t i = 0; i < sentences.size(); ++i) {
        const Hypothesis alone = search(model, {&sentences[i], 1}, {.beam = beam, .length_extra = 8})[0][0];
        CHECK(alone.tokens == together[i][0].tokens);
        CHECK(alone.log_probability == together[i][0].log_probability);
      }
    }
  }
}

TEST_CASE("from the second sentence on there are weights to guess with") {
  Transformer model(kernels_for_tests(), variants()[0].config, 5);
  PreparedWeights prepared(model.kernels());
  CHECK(!prepared.has_rough());
  search(model, {&sentences[0], 1}, {}, &prepared);
  CHECK(prepared.has_rough());
}

TEST_CASE("what is guessed on the way changes nothing, whether it was right or wrong") {
  for (const Variant& v : variants())
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      CAPTURE(v.name);
      CAPTURE(seed);
      Transformer model(kernels_for_tests(), v.config, seed);
      if (seed % 2) set(model.generator_bias, eos_id, -1);  // longer outputs
      if (seed > 4) make_alike(model.output_weight());        // too much so for rough weights: most guesses are wrong
      PreparedWeights prepared(model.kernels());
      prepared.note_served();
      for (const Ids& source : sentences)
        for (bool scores : {false, true}) {
          const SearchOptions options{.length_factor = 1, .length_extra = 12, .scores = scores};
          const Hypothesis guessed = search(model, {&source, 1}, options, &prepared)[0][0];
          const Hypothesis plain = search(model, {&source, 1}, options)[0][0];
          CHECK(guessed.tokens == plain.tokens);
          CHECK(guessed.ended == plain.ended);
          CHECK(guessed.log_probability == plain.log_probability);
        }
    }
}

TEST_CASE("guesses change nothing where they reach as far as they may, once and twice, and a step further") {
  ModelConfig config = variants()[0].config;
  config.max_length = 100;
  for (bool wrong : {false, true}) {
    CAPTURE(wrong);
    Transformer model(kernels_for_tests(), config, 3);
    set(model.generator_bias, eos_id, -10000);
    if (wrong) make_alike(model.output_weight());
    PreparedWeights prepared(model.kernels());
    prepared.note_served();
    for (Index limit : {27, 28, 29, 54, 55, 80}) {
      CAPTURE(limit);
      const SearchOptions options{.length_factor = 0, .length_extra = limit};
      const Hypothesis guessed = search(model, {sentences.data(), 1}, options, &prepared)[0][0];
      const Hypothesis plain = search(model, {sentences.data(), 1}, options)[0][0];
      CHECK(static_cast<Index>(guessed.tokens.size()) == limit);
      CHECK(guessed.tokens == plain.tokens);
      CHECK(guessed.log_probability == plain.log_probability);
    }
  }
}

TEST_CASE("a beam finds what sorting all continuations finds, also where all are equal") {
  ModelConfig config = variants()[0].config;
  config.source_vocabulary = config.target_vocabulary = 300;
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    for (Index beam : {2, 4, 7}) {
      CAPTURE(seed);
      CAPTURE(beam);
      Transformer model(kernels_for_tests(), config, seed);
      if (seed == 4) std::fill_n(model.output_weight().value.mutable_data(), 300 * config.model_dim, Real{0});
      if (seed == 3) set(model.generator_bias, eos_id, 2);  // some end early
      for (const Ids& source : sentences) {
        const SearchOptions options{.beam = beam, .nbest = beam, .length_factor = 0, .length_extra = 5};
        const auto found = search(model, {&source, 1}, options)[0];
        const std::vector<Ids> expected = plain_beam(model, source, static_cast<std::size_t>(beam), 5);
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].tokens == expected[i]);
      }
    }
}

TEST_CASE("a beam as wide as everything finds what trying everything finds") {
  ModelConfig config = variants()[0].config;
  config.source_vocabulary = config.target_vocabulary = 6;  // besides pad and bos: unk, eos, 4, 5
  Transformer model(kernels_for_tests(), config, 6);
  const Ids source{4, 5};
  constexpr std::size_t longest = 3;
  for (double penalty : {0.0, 1.0}) {
    CAPTURE(penalty);
    std::multimap<double, Ids, std::greater<>> all;
    std::vector<Ids> beginnings{{}};
    for (std::size_t length = 0; length < longest; ++length) {
      std::vector<Ids> longer;
      for (const Ids& tokens : beginnings) {
        const double p = plain_score(model, source, {.tokens = tokens});
        all.insert({p / std::pow(static_cast<double>(length + 1), penalty), tokens});
        for (std::int32_t w : {unk_id, 4, 5}) {
          longer.push_back(tokens);
          longer.back().push_back(w);
        }
      }
      beginnings = std::move(longer);
    }
    REQUIRE(all.size() == 1 + 3 + 9);
    const auto found = search(
        model, {&source, 1},
        {.beam = 40, .length_penalty = penalty, .nbest = 13, .length_factor = 0, .length_extra = longest})[0];
    REQUIRE(found.size() == all.size());
    std::size_t n = 0;
    for (const auto& [score, tokens] : all) {
      CHECK(found[n].ended);
      CHECK(found[n].tokens == tokens);
      CHECK(std::abs(found[n++].score - score) <= 1e-4);
    }
  }
}

TEST_CASE("a beam of a model that spreads its choices finds no less than greedy") {
  Transformer model(kernels_for_tests(), variants()[1].config, 8);
  const auto greedy = search(model, sentences, {.length_penalty = 0});
  const auto wide = search(model, sentences, {.beam = 50, .length_penalty = 0});
  for (std::size_t i = 0; i < sentences.size(); ++i)
    if (greedy[i][0].ended) CHECK(wide[i][0].score >= greedy[i][0].score - 1e-6);
}

TEST_CASE("an output that does not end is cut at its limit and says so") {
  Transformer model(kernels_for_tests(), variants()[0].config, 7);
  set(model.generator_bias, eos_id, -1e4F);
  for (Index beam : {1, 3}) {
    const auto found =
        search(model, sentences, {.beam = beam, .nbest = beam, .length_factor = 2, .length_extra = 1});
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      REQUIRE(static_cast<Index>(found[i].size()) == beam);
      CHECK_FALSE(found[i][0].ended);
      CHECK(found[i][0].tokens.size() == 2 * sentences[i].size() + 1);
    }
    const auto model_bound = search(model, sentences, {.beam = beam, .length_factor = 1000});
    for (const auto& hypotheses : model_bound)
      CHECK(static_cast<Index>(hypotheses[0].tokens.size()) == model.config().max_length);
  }
}

TEST_CASE("an end that is certain gives an empty translation") {
  Transformer model(kernels_for_tests(), variants()[0].config, 7);
  set(model.generator_bias, eos_id, 1e4F);
  for (const auto& hypotheses : search(model, sentences, {})) {
    CHECK(hypotheses[0].tokens.empty());
    CHECK(hypotheses[0].ended);
    CHECK(std::abs(hypotheses[0].log_probability) <= 1e-6);
  }
}

TEST_CASE("broken weights give some output, and no crash") {
  const Real nan = std::numeric_limits<Real>::quiet_NaN(), infinity = std::numeric_limits<Real>::infinity();
  for (Real bad : {nan, infinity, -infinity})
    for (Index beam : {1, 5}) {
      CAPTURE(bad);
      CAPTURE(beam);
      Transformer one_logit(kernels_for_tests(), variants()[0].config, 7);
      set(one_logit.generator_bias, 7, bad);
      Transformer one_token(kernels_for_tests(), variants()[0].config, 7);
      set(one_token.target_embed, 6 * 16,
          bad);  // the row of token 6: in some sentences, and in every row of logits
      Transformer everything(kernels_for_tests(), variants()[0].config, 7);
      for (Parameter* p : everything.parameters())
        for (Index i = 0; i < p->value.size(); ++i) set(*p, static_cast<std::size_t>(i), bad);
      for (Transformer* model : {&one_logit, &one_token, &everything}) {
        for (const auto& hypotheses : search(*model, sentences, {.beam = beam, .nbest = beam}))
          CHECK(hypotheses.size() >= 1);
        // Without scores, too, and with guesses, which do not change what comes out.
        const SearchOptions plain{.beam = beam, .scores = false};
        PreparedWeights prepared(model->kernels());
        prepared.note_served();
        for (const Ids& source : sentences) {
          const auto found = search(*model, {&source, 1}, plain)[0];
          REQUIRE(found.size() >= 1);
          const Hypothesis guessed = search(*model, {&source, 1}, plain, &prepared)[0][0];
          CHECK(guessed.tokens == found[0].tokens);
          CHECK(guessed.ended == found[0].ended);
          if (model == &everything && std::isnan(bad)) CHECK_FALSE(guessed.ended);  // nothing was said of an end
        }
      }
    }
}

TEST_CASE("a device that does not know the largest output looks at all, and finds the same") {
  const auto reference = make_kernels("reference");
  for (const Variant& v : variants())
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      CAPTURE(v.name);
      Transformer plain(*reference, v.config, seed), model(kernels_for_tests(), v.config, seed);
      const auto expected = search(plain, sentences, {.scores = false}), found = search(model, sentences, {.scores = false});
      for (std::size_t i = 0; i < sentences.size(); ++i) {
        CHECK(found[i][0].tokens == expected[i][0].tokens);
        for (const Hypothesis* h : {&found[i][0], &expected[i][0]}) CHECK(h->log_probability == 0);  // not asked for
      }
    }
}

TEST_CASE("a device that does not summarise logits sums all, and finds the same") {
  const auto reference = make_kernels("reference");
  for (const Variant& v : variants())
    for (Index beam : {1, 3}) {
      CAPTURE(v.name);
      CAPTURE(beam);
      Transformer plain(*reference, v.config, 2), model(kernels_for_tests(), v.config, 2);
      const auto expected = search(plain, sentences, {.beam = beam}), found = search(model, sentences, {.beam = beam});
      for (std::size_t i = 0; i < sentences.size(); ++i) {
        CHECK(found[i][0].tokens == expected[i][0].tokens);
        CHECK(std::abs(found[i][0].log_probability - expected[i][0].log_probability) <= 1e-4);
      }
    }
}

TEST_CASE("options and sentences out of range are refused") {
  Transformer model(kernels_for_tests(), variants()[0].config, 7);
  const auto refused = [&](const SearchOptions& o) {
    return message_of<UsageError>([&] { search(model, sentences, o); });
  };
  CHECK(refused({.beam = 0}) == "search: the beam must be 1 to 1000, got 0");
  CHECK(refused({.beam = 2, .nbest = 3}) == "search: nbest must be 1 to the beam's width 2, got 3");
  CHECK(refused({.length_penalty = std::numeric_limits<double>::quiet_NaN()}) ==
        "search: the length penalty must be a finite number");
  const std::vector<Ids> too_long{Ids(static_cast<std::size_t>(model.config().max_length), 5)};
  CHECK_THROWS_AS(search(model, too_long, {}), ShapeError);
  CHECK(search(model, {}, {}).empty());
}
