#include "translate/preparation.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

TokenPair encode(const Tokenizers& t, const SentencePair& p) {
  return {t.source.encode(p.source), t.target.encode(p.target)};
}

}  // namespace

Tokenizers learn_tokenizers(TrainSettings& settings, std::span<const SentencePair> text) {
  TokenizerOptions options;
  options.model = settings.tokenizer == "bpe" ? TokenizerOptions::Model::bpe : TokenizerOptions::Model::unigram;
  options.vocab_size = static_cast<std::int32_t>(settings.vocabulary);
  options.character_coverage = settings.character_coverage;
  std::vector<std::string_view> source, target;
  for (const SentencePair& p : text) {
    source.push_back(p.source);
    target.push_back(p.target);
  }
  if (settings.model.joint_vocabulary) source.insert(source.end(), target.begin(), target.end());
  const Tokenizer first = Tokenizer::train(source, options);
  const Tokenizer second = settings.model.joint_vocabulary ? first : Tokenizer::train(target, options);
  settings.model.source_vocabulary = first.vocab_size();
  settings.model.target_vocabulary = second.vocab_size();
  return {first, second};
}

TrainingData tokenise(const Tokenizers& tokenizers, std::span<const SentencePair> train,
                      std::span<const SentencePair> validation) {
  TrainingData data;
  for (const SentencePair& p : train) data.train.push_back(encode(tokenizers, p));
  for (const SentencePair& p : validation) data.validation.push_back(encode(tokenizers, p));
  data.validation_text.assign(validation.begin(), validation.end());
  return data;
}

}  // namespace tenfold::inline TENFOLD_REAL
