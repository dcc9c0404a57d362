/// @file
/// A look at the bytes of a SentencePiece model before SentencePiece sees them.
///
/// SentencePiece trusts a model that parses: some broken ones make it stop the process (a failed CHECK) or
/// read outside its tables (a damaged precompiled_charsmap). So tenfold accepts only what its own training
/// writes.
#pragma once
#include <string_view>

namespace tenfold {

/// Throws DataError naming the first rule that `model` breaks. Accepted is a well-formed
/// sentencepiece.ModelProto whose pieces are pad, unk, bos and eos (SpecialIds) followed by normal, distinct
/// ones: short UTF-8 without NUL, each with a finite score; whose trainer_spec is that of a unigram or BPE
/// model of exactly this many pieces; whose normaliser is "identity"; and without self-test data or
/// denormaliser.
void check_sentencepiece_model(std::string_view model);

}  // namespace tenfold
