/// @file
/// IncrementalDecoder: the decoder one token at a time, with a key/value cache, for inference.
///
/// A step computes only the new token's row: its query meets the keys and values of the tokens before, which the
/// cache holds, so a token costs as much as the sequence is long and not its square. The result equals
/// Transformer::decode() up to rounding.
///
/// Rows are hypotheses: `beams` of them for each of `sentences` sentences, numbered [sentence, beam]. The cache of a
/// layer is [slots, 2·dim], keys then values, and a step appends a slot for each row. After rows were reordered their
/// histories say in which slots their tokens are, which rows may share; a device whose attention does not follow histories
/// (Kernels::takes_key_rows()) has the slots gathered instead, so that token t of row i is in slot t · rows + i again.
///
/// A sentence alone waits for memory: every token reads all weights, and they take part in one multiplication each. So
/// its next tokens can be guessed by guess(), with weights of a quarter of the size and less, and then be checked together by
/// steps() or choose(), which read the weights themselves once for all (Leviathan et al. 2023, Stern et al. 2018). Each row of
/// logits that steps() returns has the bits that step() would have given it, and choose() chooses by them: what was guessed
/// decides how long it takes, and nothing else.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "nn/transformer.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Decodes one batch of sentences; see the head of this file for its cache.
class IncrementalDecoder {
 public:
  /// Encodes `source` [sentences, time]; decoding may go on for at most `steps` tokens. `prepared`, if any, holds the
  /// model's weights and outlives the decoder.
  IncrementalDecoder(Transformer& model, const IdTensor& source, const IdTensor& source_lengths, Index steps,
                     PreparedWeights* prepared = nullptr);

  /// Feeds the last token of every row and returns the logits of the next, [rows, target vocabulary]. `summary`, if any,
  /// receives what they come to, or nothing, as Transformer::logits() says.
  Tensor step(std::span<const std::int32_t> tokens, OutputSummary* summary = nullptr);
  /// Feeds several tokens of a row alone, one after the other, and returns the logits after each, [tokens, target
  /// vocabulary].
  Tensor steps(std::span<const std::int32_t> tokens, OutputSummary* summary = nullptr);
  /// Whether choose() can be called: prepared weights, and a device that knows how.
  bool can_choose() const { return prepared_ && prepared_->knows_largest(); }
  /// Feeds `times` tokens to every row as step() and steps() do, and returns what has the largest logit after each
  /// (Transformer::likeliest()), without the logits coming to the host, or most of them being computed. Throws ShapeError
  /// where it cannot be called, and as step() and steps() do: several tokens are for a row alone.
  std::vector<std::int32_t> choose(std::span<const std::int32_t> tokens, Index times = 1);
  /// Forgets the tokens fed from `position` on.
  void rewind(Index position);

  /// Whether guess() is worth anything: a row alone, prepared weights, and a device that has rough ones.
  bool can_guess() const { return rows() == 1 && can_choose() && prepared_->has_rough(); }
  /// Up to `count` tokens that choose() would probably come to after `token`, by rough weights; none after the end. It
  /// feeds nothing.
  std::vector<std::int32_t> guess(std::int32_t token, Index count);

  /// From now on row i is what row from[i] was. `beams` rows belong to each sentence; row i's sentence must be the
  /// one that from[i] belonged to, in the order of `kept_sentences` (indices into the sentences there were).
  void reorder(std::span<const std::int32_t> from, std::span<const std::int32_t> kept_sentences, Index beams);

  /// Sentences times beams.
  Index rows() const { return sentences_ * beams_; }
  /// Tokens fed so far.
  Index position() const { return position_; }

 private:
  struct Layer {
    Tensor cache;         // [capacity, 2·dim]
    Tensor memory;        // [sentences, source time, 2·dim]
  };

  Variable feed(Pass& pass, std::span<const std::int32_t> tokens, Index times);
  void require_one_row() const;
  Variable self_attention(Pass& pass, Layer& layer, MultiHeadAttention& attention, const Variable& h, Index times);
  Variable cross_attention(Pass& pass, Layer& layer, MultiHeadAttention& attention, const Variable& h, Index times);
  void extend_histories(Index times);
  void reorder_cache(std::span<const std::int32_t> from);
  void ensure_capacity(Layer& layer, Index needed) const;

  Transformer& model_;
  Kernels& kernels_;
  PreparedWeights* prepared_;
  Pass pass_;
  std::vector<Layer> layers_;
  IdTensor source_lengths_;
  std::vector<std::vector<std::int32_t>> histories_;  // of each row; none while token t of row i is in slot t · rows + i
  IdTensor key_rows_;                                 // the same for the batch entries of self-attention
  Index sentences_, beams_ = 1, steps_, position_ = 0, slots_ = 0;
};

}  // namespace tenfold::inline TENFOLD_REAL
