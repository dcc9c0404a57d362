/// @file
/// Batcher: tokenised pairs become batches of about equal work.
///
/// A batch holds pairs of similar length, padded to the longest; its padded target tokens are at most
/// BatchOptions::max_tokens, and its padded source tokens at most one and a half times that. Which pairs meet
/// in a batch and the order of the batches depend only on the pairs, the options and the epoch, so that
/// training can resume at any batch of any epoch without replaying what came before.
///
/// Left out, and counted: a pair one of whose sides is longer than max_length, end marker included. Since
/// max_tokens may not be less than max_length, every other pair fits in a batch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/shape.hpp"

namespace tenfold {

/// The token ids of a sentence and its translation, without begin or end markers.
struct TokenPair {
  std::vector<std::int32_t> source, target;  ///< ids of one side each
};

/// Everything a training step needs to know. Ids are row-major; a row that ends early is filled with pad.
struct Batch {
  Index size = 0;                            ///< Pairs.
  Index source_length = 0;                   ///< Of the longest source, eos included.
  Index target_length = 0;                   ///< Of the longest target, with one marker.
  std::vector<std::int32_t> source;          ///< [size, source_length]: x, eos
  std::vector<std::int32_t> target_input;    ///< [size, target_length]: bos, y
  std::vector<std::int32_t> target_output;   ///< [size, target_length]: y, eos; the loss ignores pad
  std::vector<std::int32_t> source_lengths;  ///< [size]: tokens of each row that are not pad
  std::vector<std::int32_t> target_lengths;  ///< [size]
  Index source_tokens = 0;                   ///< Sum of source_lengths.
  Index target_tokens = 0;                   ///< Sum of target_lengths: the terms of the loss.
  std::vector<std::size_t> pairs;            ///< [size]: where each row comes from.
};

/// How large batches may be.
struct BatchOptions {
  Index max_tokens = 4096;  ///< Padded target tokens in a batch.
  Index max_length = 256;   ///< Tokens in one side, eos included.
  std::uint64_t seed = 1;   ///< of company and order
};

/// Cuts pairs into batches, epoch by epoch.
class Batcher {
 public:
  /// Keeps a view of `pairs`, which must outlive the batcher. Throws UsageError for options that make no
  /// sense, and DataError when no pair is left.
  Batcher(std::span<const TokenPair> pairs, const BatchOptions& options);

  /// Batches as indices into the pairs.
  using Batches = std::vector<std::vector<std::size_t>>;

  /// The batches of epoch `epoch` (from 0), in order; each kept pair occurs once. Company, cuts and order are
  /// all new in each epoch, so that the number of batches may differ by a few.
  Batches epoch(std::uint64_t epoch) const;

  /// Cut without any chance, the shortest first: for validation.
  Batches in_order() const;

  /// Builds the batch of these pairs, rows in the order given. Throws UsageError when there is no such pair
  /// or none at all.
  Batch make_batch(std::span<const std::size_t> indices) const;

  /// How many pairs every epoch has.
  std::size_t kept() const { return kept_.size(); }
  /// Pairs left out because they are too long, in order.
  const std::vector<std::size_t>& left_out() const { return left_out_; }
  /// "29000 pairs in about 120 batches; 3 left out (longer than 256 tokens)"
  std::string summary() const;

 private:
  Index source_length(std::size_t pair) const { return static_cast<Index>(pairs_[pair].source.size()) + 1; }
  Index target_length(std::size_t pair) const { return static_cast<Index>(pairs_[pair].target.size()) + 1; }
  /// `keys` holds a random number for each pair, or nothing.
  Batches cut_by_length(std::span<const std::uint64_t> keys) const;

  std::span<const TokenPair> pairs_;
  BatchOptions options_;
  std::vector<std::size_t> kept_, left_out_;
};

}  // namespace tenfold
