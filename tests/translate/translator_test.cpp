// Text in, text out, with a model that has learned a little.
#include "translate/translator.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "core/errors.hpp"
#include "translate/small_run.hpp"

using namespace tenfold;
using namespace tenfold::test;

namespace {

/// Trained once for all cases.
LoadedModel& trained() {
  static TemporaryFolder folder;
  static LoadedModel model = [] {
    TrainSettings s = small_settings();
    s.epochs = 10;
    s.learning_rate = 1e-2;
    train(folder.path(), s, false);
    return load_model(folder / "last", one_thread());
  }();
  return model;
}

std::vector<Translation> translated(const std::vector<std::string>& lines, const SearchOptions& options = {},
                                    std::size_t batch = 32) {
  return translate(*trained().model, trained().tokenizers, lines, options, batch);
}

}  // namespace

TEST_CASE("every line has its translation, in order, whatever the batch") {
  std::vector<std::string> lines{"", "  \t "};
  for (const SentencePair& p : small_corpus().text.validation) lines.push_back(p.source);
  const auto together = translated(lines), alone = translated(lines, {}, 1);
  REQUIRE(together.size() == lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    REQUIRE(together[i].best.size() == 1);
    CHECK(together[i].best[0].text == alone[i].best[0].text);
    CHECK(together[i].best[0].text.empty() == (i < 2));
    CHECK(together[i].best[0].text.find('\n') == std::string::npos);
  }
}

TEST_CASE("a translation has the same bits alone and in company, on one thread and on several") {
  std::vector<std::string> lines;
  for (const SentencePair& p : small_corpus().text.validation) lines.push_back(p.source);
  const auto two = make_kernels("cpu", 2);
  static TemporaryFolder folder;
  train(folder.path(), small_settings(), false);
  const LoadedModel on_two = load_model(folder / "last", *two), on_one = load_model(folder / "last", one_thread());
  for (Index beam : {1, 3}) {
    const SearchOptions options{.beam = beam};
    const auto expected = translate(*on_one.model, on_one.tokenizers, lines, options, 1);
    PreparedWeights prepared(*two);
    for (std::size_t batch : {1, 3, 32, 1000}) {
      CAPTURE(batch);
      const auto found = translate(*on_two.model, on_two.tokenizers, lines, options, batch, &prepared);
      for (std::size_t i = 0; i < lines.size(); ++i) {
        CHECK(found[i].best[0].text == expected[i].best[0].text);
        CHECK(found[i].best[0].hypothesis.log_probability == expected[i].best[0].hypothesis.log_probability);
      }
    }
  }
}

TEST_CASE("greedy without scores says the same words") {
  std::vector<std::string> lines;
  for (const SentencePair& p : small_corpus().text.validation) lines.push_back(p.source);
  const auto with = translated(lines), without = translated(lines, {.scores = false});
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(without[i].best[0].hypothesis.tokens == with[i].best[0].hypothesis.tokens);
    CHECK(without[i].best[0].hypothesis.ended == with[i].best[0].hypothesis.ended);
    CHECK(without[i].best[0].hypothesis.score == 0);
  }
  const auto beam = translated(lines, {.beam = 3, .scores = false});  // which ranks by them
  CHECK(beam[0].best[0].hypothesis.score == translated(lines, {.beam = 3})[0].best[0].hypothesis.score);
}

TEST_CASE("batches cover all sentences, the longest first, none too large, and there is work for every caller") {
  for (int threads : {1, 2, 3}) {
    const auto k = make_kernels("cpu", threads);
    for (std::size_t count : {0, 1, 2, 5, 48, 64, 65, 500})
      for (std::size_t batch : {1, 2, 32, 100}) {
        CAPTURE(threads);
        CAPTURE(count);
        CAPTURE(batch);
        std::mutex mutex;
        std::vector<std::pair<std::size_t, std::size_t>> found;
        in_batches(*k, count, batch, [&](std::size_t first, std::size_t last) {
          const std::lock_guard lock(mutex);
          found.emplace_back(first, last);
        });
        if (threads == 1 && count > 0) CHECK(found.front().second == count);
        std::sort(found.begin(), found.end());
        std::size_t at = 0;
        for (const auto& [first, last] : found) {
          CHECK(first == at);
          CHECK(last > first);
          CHECK(last - first <= batch);
          at = last;
        }
        CHECK(at == count);
        CHECK(found.size() >= std::min<std::size_t>(count, static_cast<std::size_t>(threads)));
        const std::size_t needed = (count + batch - 1) / batch;
        // One thread gains nothing from smaller batches; several share them out more evenly.
        if (threads == 1) CHECK(found.size() == needed);
        if (found.size() > std::max<std::size_t>(needed, static_cast<std::size_t>(threads)) && batch == 100)
          for (const auto& [first, last] : found) CHECK(last - first >= 16);
        if (threads == 2 && batch == 100 && count == 48) CHECK(found.size() == 2);
        if (threads == 2 && batch == 100 && count == 64) CHECK(found.size() == 4);
        if (threads == 2 && batch == 100 && count == 500) CHECK(found.size() == 8);
      }
  }
}

TEST_CASE("a blank line gives as many lines as any other") {
  const auto found = translated({"", small_corpus().text.train[0].source}, {.beam = 3, .nbest = 3});
  CHECK(found[0].best.size() == 3);
  CHECK(found[1].best.size() == 3);
}

TEST_CASE("faulty bytes, NULs and over-long lines are translated as far as they go, with a warning") {
  std::string endless;
  for (int i = 0; i < 20000; ++i) endless += "cat ";
  const auto found = translated({"the \xff cat", std::string("the\0 cat", 8), endless, "the cat", "\xc3"});
  CHECK(found[0].warnings[0] == "1 bytes are not UTF-8 and were replaced");
  CHECK(found[1].warnings[0] == "1 NUL bytes were dropped");
  CHECK(found[1].best[0].text == found[3].best[0].text);
  CHECK(found[2].warnings[0].find("tokens are too many for this model, only the first 63 were translated") !=
        std::string::npos);
  CHECK(found[2].source.size() == 63);
  CHECK(found[4].warnings[0] == "1 bytes are not UTF-8 and were replaced");
}

TEST_CASE("the score of a found translation is the probability the search gave it") {
  const auto found = translated({small_corpus().text.train[0].source, small_corpus().text.train[1].source},
                                {.beam = 4, .nbest = 4});
  std::size_t compared = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const TranslatedText& t : found[i].best) {
      if (!t.hypothesis.ended || trained().tokenizers.target.encode(t.text) != t.hypothesis.tokens) continue;
      const SentencePair pair{small_corpus().text.train[i].source, t.text};
      const double s = score(*trained().model, trained().tokenizers, {&pair, 1})[0];
      CHECK(std::abs(s - t.hypothesis.log_probability) <=
            1e-4 * static_cast<double>(t.hypothesis.tokens.size() + 1));
      ++compared;
    }
  CHECK(compared > 0);
}

TEST_CASE("scores come in the order of the pairs, and a pair that is too long is named") {
  std::vector<SentencePair> pairs = small_corpus().text.train;
  const auto all = score(*trained().model, trained().tokenizers, pairs);
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(std::abs(all[i] - score(*trained().model, trained().tokenizers, {&pairs[i], 1})[0]) <= 1e-3);
  for (int i = 0; i < 100; ++i) pairs[3].source += " cat";
  const std::string text = "score: pair 4 is longer than the model's 64 tokens";
  CHECK(message_of<DataError>([&] { score(*trained().model, trained().tokenizers, pairs); }) == text);
  CHECK(message_of<DataError>([&] {
          score(*trained().model, trained().tokenizers, {&pairs[3], 1});
        }) == "score: pair 1 is longer than the model's 64 tokens");
}

TEST_CASE("attention has a row for each target piece, and each row is a distribution") {
  const auto found = translated({small_corpus().text.train[0].source, ""});
  const std::vector<std::int32_t> endless(64, 10);  // as long as an output can be
  for (const auto& target : {found[0].best[0].hypothesis.tokens, std::vector<std::int32_t>{}, endless}) {
    const AttentionPicture p =
        attention_picture(*trained().model, trained().tokenizers, found[0].source, target);
    CHECK(p.target.size() == std::min<std::size_t>(target.size(), 63) + 1);
    CHECK(p.source.size() == found[0].source.size() + 1);
    CHECK(p.source.back() == "</s>");
    REQUIRE(p.layers.size() == 1);
    CHECK(p.layers[0].name == "decoder.layers.0.multihead_attn");
    REQUIRE(p.layers[0].heads.size() == 2);
    for (const auto& head : p.layers[0].heads) {
      REQUIRE(head.size() == p.target.size());
      for (const auto& row : head) {
        REQUIRE(row.size() == p.source.size());
        double sum = 0;
        for (float w : row) sum += static_cast<double>(w);
        CHECK(std::abs(sum - 1) <= 1e-5);
      }
    }
  }
}

TEST_CASE("Chinese references are cut into characters, others into words") {
  CHECK(fitting_tokenization(std::vector<std::string>{"你好,世界", "OK"}) == MtTokenization::zh);
  CHECK(fitting_tokenization(std::vector<std::string>{"Bonjour le monde", "你"}) == MtTokenization::v13a);
  CHECK(fitting_tokenization({}) == MtTokenization::v13a);
}
