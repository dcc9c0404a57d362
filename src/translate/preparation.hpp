/// @file
/// From text to what the trainer needs: tokenizers learned from the training text, and both splits tokenised.
#pragma once
#include <span>

#include "text/sentence_pair.hpp"
#include "translate/trainer.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Learns the tokenizers the settings ask for, and puts the vocabularies' sizes into the settings' model.
Tokenizers learn_tokenizers(TrainSettings& settings, std::span<const SentencePair> text);

/// Tokenises both splits.
TrainingData tokenise(const Tokenizers& tokenizers, std::span<const SentencePair> train,
                      std::span<const SentencePair> validation);

}  // namespace tenfold::inline TENFOLD_REAL
