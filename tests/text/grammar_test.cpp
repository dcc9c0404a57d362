// The built-in corpus: its splits, and the promise of one French sentence per English one.
#include "text/grammar.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/errors.hpp"

using namespace tenfold;

namespace {

std::size_t words_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) + 1;
}

/// FNV-1a over the lines: one number for a whole corpus.
std::uint64_t checksum(const std::vector<SentencePair>& pairs) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const SentencePair& pair : pairs) {
    for (const unsigned char byte : pair.source + '\t' + pair.target + '\n')
      hash = (hash ^ byte) * 0x100000001b3u;
  }
  return hash;
}

std::string message_of_data_error(auto call) {
  try {
    call();
  } catch (const DataError& error) {
    return error.what();
  }
  return "nothing thrown";
}

}  // namespace

TEST_CASE("grammar: the same seed gives the same pairs, on every machine") {
  const auto pairs = generate_pairs(1, 2000);
  REQUIRE(pairs.size() == 2000);
  CHECK(checksum(pairs) == 0xd0e23112ab94eb9bu);
  CHECK(checksum(generate_pairs(1, 2000)) == checksum(pairs));
  CHECK(checksum(generate_pairs(2, 2000)) != checksum(pairs));
  CHECK(pairs[0].source == "Are our sister's uncles famous?");
  CHECK(pairs[0].target == "Est-ce que les oncles de notre sœur sont célèbres ?");
  CHECK(pairs[1].source == "I no longer drink water.");
  CHECK(pairs[1].target == "Je ne bois plus d'eau.");
}

TEST_CASE("grammar: fewer pairs are the beginning of more") {
  const auto few = generate_pairs(3, 100), more = generate_pairs(3, 1000);
  CHECK(std::equal(few.begin(), few.end(), more.begin(), [](const SentencePair& a, const SentencePair& b) {
    return a.source == b.source && a.target == b.target;
  }));
}

TEST_CASE("grammar: one English sentence has one French sentence") {
  // Over several seeds, so that most sources come up more than once.
  std::unordered_map<std::string, std::string> meaning;
  std::size_t met_again = 0;
  for (std::uint64_t seed = 10; seed < 14; ++seed) {
    for (const SentencePair& pair : generate_pairs(seed, 20'000)) {
      const auto [place, fresh] = meaning.emplace(pair.source, pair.target);
      met_again += fresh ? 0 : 1;
      if (place->second != pair.target) FAIL(pair.source << " -> " << place->second << " / " << pair.target);
    }
  }
  CHECK(met_again >= 5'000);
}

TEST_CASE("grammar: splits share no sentence, and `longer` is longer") {
  const BuiltinCorpus corpus = builtin_corpus(7, 20'000, 400);
  CHECK(corpus.train.size() == 20'000);
  CHECK(corpus.validation.size() == 400);
  CHECK(corpus.test.size() == 400);
  CHECK(corpus.longer.size() == 400);
  std::unordered_set<std::string> seen;
  for (const auto* split : {&corpus.train, &corpus.validation, &corpus.test, &corpus.longer}) {
    for (const SentencePair& pair : *split) {
      CHECK_MESSAGE(seen.insert(pair.source).second, pair.source);
      CHECK_MESSAGE((words_in(pair.source) > max_builtin_words) == (split == &corpus.longer), pair.source);
    }
  }
  CHECK(checksum(builtin_corpus(7, 20'000, 400).train) == checksum(corpus.train));
}

TEST_CASE("grammar: every English word of the held-out sentences is in the training ones") {
  const BuiltinCorpus corpus = builtin_corpus(5, 40'000, 500);
  const auto vocabulary = [](const std::vector<SentencePair>& pairs, std::string SentencePair::*side) {
    std::set<std::string> all;
    for (const SentencePair& pair : pairs) {
      std::string text = pair.*side;
      for (char& c : text) {
        if (c == '.' || c == ',' || c == '?' || c == '!') c = ' ';
      }
      for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find(' ', start), text.size());
        if (end > start) all.insert(text.substr(start, end - start));
        start = end + 1;
      }
    }
    return all;
  };
  const auto known = vocabulary(corpus.train, &SentencePair::source);
  for (const auto* split : {&corpus.validation, &corpus.test}) {
    for (const std::string& word : vocabulary(*split, &SentencePair::source))
      CHECK_MESSAGE(known.contains(word), word);
  }
  CHECK(known.size() >= 300);
  CHECK(known.size() <= 600);  // with capitals, possessives and compound numbers
}

TEST_CASE("grammar: as many pairs as promised, and no more") {
  CHECK(generate_pairs(4, max_builtin_pairs).size() == max_builtin_pairs);
  CHECK(generate_pairs(4, 0).empty());
  CHECK(message_of_data_error([] { generate_pairs(4, max_builtin_pairs + 1); }) ==
        "built-in corpus: at most 100000 distinct pairs, got 100001");
  CHECK(message_of_data_error([] { builtin_corpus(4, max_builtin_pairs); }) ==
        "built-in corpus: at most 100000 distinct pairs, got 101000");
  CHECK(message_of_data_error([] { builtin_corpus(4, 10, SIZE_MAX); }) ==
        "built-in corpus: at most 100000 held-out pairs, got 18446744073709551615");
  CHECK(message_of_data_error([] { builtin_corpus(4, SIZE_MAX); }) ==
        "built-in corpus: at most 100000 training pairs, got 18446744073709551615");
  CHECK(message_of_data_error([] { builtin_corpus(4, 0); }) ==
        "built-in corpus: needs at least one training pair, got 0");
}
