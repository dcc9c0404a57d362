#include "text/batching.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "core/errors.hpp"
#include "text/tokenizer.hpp"

namespace tenfold {
namespace {

/// The output function of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014): 64 bits in, 64 well-mixed bits out. Unlike std::shuffle it is the same with
/// every library.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// Numbers 0..count-1 with a random key each, a function of (seed, epoch, purpose, number) alone.
std::vector<std::uint64_t> random_keys(std::uint64_t seed, std::uint64_t epoch, std::uint64_t purpose,
                                       std::size_t count) {
  const std::uint64_t stream = mix(mix(mix(seed) ^ epoch) ^ purpose);
  std::vector<std::uint64_t> keys(count);
  for (std::size_t i = 0; i < count; ++i) keys[i] = mix(stream ^ i);
  return keys;
}

constexpr Index largest_batch = Index{1} << 30;

Index source_limit(Index max_tokens) { return max_tokens + max_tokens / 2; }

void pad_and_append(std::vector<std::int32_t>& rows, std::span<const std::int32_t> ids, Index length) {
  rows.insert(rows.end(), ids.begin(), ids.end());
  rows.insert(rows.end(), static_cast<std::size_t>(length) - ids.size(), SpecialIds::pad);
}

}  // namespace

Batcher::Batcher(std::span<const TokenPair> pairs, const BatchOptions& options)
    : pairs_(pairs), options_(options) {
  if (options.max_length < 1) {
    throw UsageError(
        fmt::format("batching: the longest side must have at least 1 token, got {}", options.max_length));
  }
  if (options.max_tokens < options.max_length) {
    throw UsageError(
        fmt::format("batching: a batch of {} tokens cannot hold a sentence of the longest length, {}",
                    options.max_tokens, options.max_length));
  }
  if (options.max_tokens > largest_batch) {
    throw UsageError(fmt::format("batching: a batch may hold at most {} tokens, got {}", largest_batch,
                                 options.max_tokens));
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const bool fits = std::max(source_length(i), target_length(i)) <= options.max_length;
    (fits ? kept_ : left_out_).push_back(i);
  }
  if (kept_.empty()) {
    throw DataError(fmt::format("batching: none of {} pairs has at most {} tokens on each side", pairs.size(),
                                options.max_length));
  }
}

Batcher::Batches Batcher::cut_by_length(std::span<const std::uint64_t> keys) const {
  struct Entry {
    Index target, source;
    std::uint64_t key;
    std::size_t pair;
  };
  std::vector<Entry> entries;
  entries.reserve(kept_.size());
  for (const std::size_t pair : kept_) {
    const std::uint64_t key = keys.empty() ? 0 : keys[pair];
    // One random bit lets neighbouring lengths mix; turning every other row of the (target, source) plane
    // around keeps the source lengths from jumping where the target length changes.
    const Index target = target_length(pair) + static_cast<Index>(key & 1);
    const Index source = target % 2 == 0 ? source_length(pair) : -source_length(pair);
    entries.push_back({target, source, key, pair});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.target, a.source, a.key, a.pair) < std::tie(b.target, b.source, b.key, b.pair);
  });

  Batches batches;
  Index longest_source = 0, longest_target = 0;
  for (const Entry& entry : entries) {
    longest_source = std::max(longest_source, source_length(entry.pair));
    longest_target = std::max(longest_target, target_length(entry.pair));
    const Index rows = batches.empty() ? 0 : static_cast<Index>(batches.back().size()) + 1;
    if (batches.empty() || longest_target > options_.max_tokens / rows ||
        longest_source > source_limit(options_.max_tokens) / rows) {
      batches.emplace_back();
      longest_source = source_length(entry.pair);
      longest_target = target_length(entry.pair);
    }
    batches.back().push_back(entry.pair);
  }
  return batches;
}

Batcher::Batches Batcher::in_order() const { return cut_by_length({}); }

Batcher::Batches Batcher::epoch(std::uint64_t epoch) const {
  Batches batches = cut_by_length(random_keys(options_.seed, epoch, 0, pairs_.size()));
  const auto keys = random_keys(options_.seed, epoch, 1, batches.size());
  std::vector<std::size_t> order(batches.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::tie(keys[a], a) < std::tie(keys[b], b); });
  Batches shuffled;
  shuffled.reserve(batches.size());
  for (const std::size_t i : order) shuffled.push_back(std::move(batches[i]));
  return shuffled;
}

Batch Batcher::make_batch(std::span<const std::size_t> indices) const {
  Batch batch;
  if (indices.empty()) throw UsageError("batching: a batch needs at least one pair");
  for (const std::size_t i : indices) {
    if (i >= pairs_.size())
      throw UsageError(fmt::format("batching: there is no pair {} among {}", i, pairs_.size()));
    batch.source_length = std::max(batch.source_length, source_length(i));
    batch.target_length = std::max(batch.target_length, target_length(i));
  }
  batch.size = static_cast<Index>(indices.size());
  batch.pairs.assign(indices.begin(), indices.end());
  std::vector<std::int32_t> row;
  for (const std::size_t i : indices) {
    row = pairs_[i].source;
    row.push_back(SpecialIds::eos);
    pad_and_append(batch.source, row, batch.source_length);
    batch.source_lengths.push_back(static_cast<std::int32_t>(row.size()));
    row = pairs_[i].target;
    row.push_back(SpecialIds::eos);
    pad_and_append(batch.target_output, row, batch.target_length);
    batch.target_lengths.push_back(static_cast<std::int32_t>(row.size()));
    row.pop_back();
    row.insert(row.begin(), SpecialIds::bos);
    pad_and_append(batch.target_input, row, batch.target_length);
    batch.source_tokens += batch.source_lengths.back();
    batch.target_tokens += batch.target_lengths.back();
  }
  return batch;
}

std::string Batcher::summary() const {
  std::string text = fmt::format("{} pairs in about {} batches", kept_.size(), in_order().size());
  if (!left_out_.empty()) {
    text += fmt::format("; {} left out (longer than {} tokens)", left_out_.size(), options_.max_length);
  }
  return text;
}

}  // namespace tenfold
