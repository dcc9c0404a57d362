// Batches: every pair once, within the limits, the same for the same seed and epoch.
#include "text/batching.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "core/errors.hpp"
#include "text/scratch.hpp"
#include "text/tokenizer.hpp"

using namespace tenfold;

namespace {

/// Pairs of many lengths, 0 to 39 tokens a side; token ids tell the pair.
std::vector<TokenPair> sample_pairs(std::size_t count) {
  std::vector<TokenPair> pairs(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<std::int32_t>(10 + i);
    pairs[i].source.assign(i * 7 % 40, id);
    pairs[i].target.assign(i * i % 40, id);
  }
  return pairs;
}

std::vector<std::size_t> flatten(const Batcher::Batches& batches) {
  std::vector<std::size_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

/// The sets of pairs that meet, whatever the order of the batches.
std::set<std::set<std::size_t>> company(const Batcher::Batches& batches) {
  std::set<std::set<std::size_t>> sets;
  for (const auto& batch : batches) sets.emplace(batch.begin(), batch.end());
  return sets;
}

}  // namespace

TEST_CASE("a batch is laid out as the model wants it") {
  const std::vector<TokenPair> pairs = {{{11, 12, 13}, {21}}, {{14}, {22, 23}}};
  const Batcher batcher(pairs, {});
  const std::vector<std::size_t> rows = {1, 0};
  const Batch batch = batcher.make_batch(rows);
  CHECK(batch.size == 2);
  CHECK(batch.source_length == 4);
  CHECK(batch.target_length == 3);
  CHECK(batch.source == std::vector<std::int32_t>{14, 3, 0, 0, 11, 12, 13, 3});
  CHECK(batch.target_input == std::vector<std::int32_t>{2, 22, 23, 2, 21, 0});
  CHECK(batch.target_output == std::vector<std::int32_t>{22, 23, 3, 21, 3, 0});
  CHECK(batch.source_lengths == std::vector<std::int32_t>{2, 4});
  CHECK(batch.target_lengths == std::vector<std::int32_t>{3, 2});
  CHECK(batch.source_tokens == 6);
  CHECK(batch.target_tokens == 5);
  CHECK(batch.pairs == rows);
}

TEST_CASE("a batch of no pair, or of one that is not there, is refused") {
  const auto pairs = sample_pairs(3);
  const Batcher batcher(pairs, {});
  CHECK_THROWS_AS(batcher.make_batch({}), UsageError);
  const std::vector<std::size_t> rows = {0, 3};
  CHECK(message_of<UsageError>([&] { batcher.make_batch(rows); }) == "batching: there is no pair 3 among 3");
}

TEST_CASE("each epoch holds every pair once, within the limits") {
  const auto pairs = sample_pairs(1000);
  for (const Index max_tokens : {40, 100, 1000, 1000000}) {
    CAPTURE(max_tokens);
    const Batcher batcher(pairs, {.max_tokens = max_tokens, .max_length = 40, .seed = 3});
    for (const auto& batches : {batcher.epoch(0), batcher.epoch(7), batcher.in_order()}) {
      auto all = flatten(batches);
      std::sort(all.begin(), all.end());
      REQUIRE(all.size() == pairs.size());
      for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == i);
      for (const auto& indices : batches) {
        const Batch batch = batcher.make_batch(indices);
        CHECK(batch.size * batch.target_length <= max_tokens);
        CHECK(batch.size * batch.source_length <= max_tokens + max_tokens / 2);
      }
    }
  }
}

TEST_CASE("pairs of like length meet, so that little is padding") {
  const auto pairs = sample_pairs(5000);
  const Batcher batcher(pairs, {.max_tokens = 1000, .max_length = 40, .seed = 1});
  Index padded = 0, tokens = 0;
  for (const auto& indices : batcher.epoch(0)) {
    const Batch batch = batcher.make_batch(indices);
    padded += batch.size * batch.target_length;
    tokens += batch.target_tokens;
  }
  CHECK(static_cast<double>(tokens) >= 0.9 * static_cast<double>(padded));
}

TEST_CASE("seed and epoch decide everything, and each changes it") {
  const auto pairs = sample_pairs(1000);
  const BatchOptions options{.max_tokens = 300, .max_length = 40, .seed = 5};
  const Batcher batcher(pairs, options), again(pairs, options);
  batcher.epoch(0);  // epoch 4 does not depend on what was asked before
  CHECK(batcher.epoch(4) == again.epoch(4));
  CHECK(batcher.epoch(4) != batcher.epoch(5));
  CHECK(company(batcher.epoch(4)) != company(batcher.epoch(5)));
  const Batcher other(pairs, {.max_tokens = 300, .max_length = 40, .seed = 6});
  CHECK(batcher.epoch(4) != other.epoch(4));
  CHECK(batcher.in_order() == other.in_order());
}

TEST_CASE("the batches come in no order of length") {
  const auto pairs = sample_pairs(2000);
  const Batcher batcher(pairs, {.max_tokens = 300, .max_length = 40, .seed = 1});
  std::vector<Index> lengths;
  for (const auto& indices : batcher.epoch(0)) lengths.push_back(batcher.make_batch(indices).target_length);
  int rises = 0, falls = 0;
  for (std::size_t i = 1; i < lengths.size(); ++i) {
    rises += lengths[i] > lengths[i - 1];
    falls += lengths[i] < lengths[i - 1];
  }
  CHECK(rises > static_cast<int>(lengths.size()) / 4);
  CHECK(falls > static_cast<int>(lengths.size()) / 4);
}

TEST_CASE("the batches of a fixed seed are these on every machine") {
  const auto pairs = sample_pairs(20);
  const Batcher batcher(pairs, {.max_tokens = 40, .max_length = 40, .seed = 42});
  const Batcher::Batches expected = {{7, 4}, {15}, {8},  {5},  {3, 13}, {11}, {0, 1, 19}, {10},
                                     {9, 2}, {6},  {12}, {14}, {16},    {18}, {17}};
  CHECK((batcher.epoch(0) == expected));
}

TEST_CASE("pairs that are too long are left out and named") {
  std::vector<TokenPair> pairs(5);
  pairs[1].source.assign(9, 7);   // 10 with eos: fits
  pairs[2].source.assign(10, 7);  // 11
  pairs[4].target.assign(10, 7);  // 11
  const Batcher batcher(pairs, {.max_tokens = 10, .max_length = 10, .seed = 1});
  CHECK(batcher.left_out() == std::vector<std::size_t>{2, 4});
  CHECK(batcher.kept() == 3);
  auto all = flatten(batcher.epoch(0));
  std::sort(all.begin(), all.end());
  CHECK(all == std::vector<std::size_t>{0, 1, 3});
  CHECK(batcher.summary().ends_with("; 2 left out (longer than 10 tokens)"));
}

TEST_CASE("options that make no sense are refused") {
  const auto pairs = sample_pairs(3);
  const auto message = [&](Index max_tokens, Index max_length) {
    return message_of<UsageError>(
        [&] { Batcher(pairs, {.max_tokens = max_tokens, .max_length = max_length}); });
  };
  CHECK(message(100, 101) ==
        "batching: a batch of 100 tokens cannot hold a sentence of the longest length, 101");
  CHECK(message(100, 0) == "batching: the longest side must have at least 1 token, got 0");
  CHECK(message(std::numeric_limits<Index>::max(), 5) ==
        "batching: a batch may hold at most 1073741824 tokens, got 9223372036854775807");
  CHECK(message_of<DataError>([&] { Batcher({}, {}); }) ==
        "batching: none of 0 pairs has at most 256 tokens on each side");
}
