#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bench/engine.hpp"
#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "text/corpus.hpp"
#include "text/grammar.hpp"
#include "text/lines.hpp"

namespace tenfold::bench {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t builtin_pairs = 30000;
constexpr Index builtin_vocabulary = 1400;  // as many pieces as that text supports

std::string line_of(const auto& numbers) { return fmt::format("{}\n", fmt::join(numbers, " ")); }

void write_pairs(const fs::path& folder, const std::string& name, const std::vector<TokenPair>& pairs) {
  std::string source, target;
  for (const TokenPair& p : pairs) {
    source += line_of(p.source);
    target += line_of(p.target);
  }
  write_file_atomically(folder / (name + ".source"), source);
  write_file_atomically(folder / (name + ".target"), target);
}

std::vector<std::vector<std::int32_t>> read_ids(const fs::path& path) {
  std::vector<std::vector<std::int32_t>> all;
  LineReader reader(path);
  for (std::string line; reader.next(line);) {
    auto& ids = all.emplace_back();
    const char *at = line.data(), *end = at + line.size();
    while (at < end) {
      std::int32_t id = 0;
      const auto [stop, error] = std::from_chars(at, end, id);
      if (error != std::errc())
        throw DataError(
            fmt::format("{}:{}: a line of numbers is needed", path.string(), reader.line_number()));
      ids.push_back(id);
      at = stop + (stop < end ? 1 : 0);
    }
  }
  return all;
}

std::vector<TokenPair> read_pairs(const fs::path& folder, const std::string& name) {
  auto source = read_ids(folder / (name + ".source")), target = read_ids(folder / (name + ".target"));
  if (source.size() != target.size() || source.empty())
    throw DataError(fmt::format("{}: {} has {} sources and {} targets", folder.string(), name, source.size(),
                                target.size()));
  std::vector<TokenPair> pairs;
  for (std::size_t i = 0; i < source.size(); ++i)
    pairs.push_back({std::move(source[i]), std::move(target[i])});
  return pairs;
}

fs::path plain_or_packed(const fs::path& path) {
  return fs::exists(path) ? path : fs::path(path.string() + ".gz");
}

BuiltinCorpus text_of(const fs::path& folder) {
  if (folder.empty()) return builtin_corpus(1, builtin_pairs);
  const auto read = [&](const std::string& split) {
    return read_parallel(plain_or_packed(folder / (split + ".en")), plain_or_packed(folder / (split + ".de")))
        .pairs;
  };
  return {read("train"), read("val"), {}, {}};
}

}  // namespace

nlohmann::json prepare(const fs::path& folder, const fs::path& text) {
  fs::create_directories(folder);
  TrainSettings settings = settings_of("small");
  if (text.empty()) settings.vocabulary = builtin_vocabulary;
  const BuiltinCorpus corpus = text_of(text);
  const Tokenizers tokenizers = learn_tokenizers(settings, corpus.train);
  const TrainingData data = tokenise(tokenizers, corpus.train, corpus.validation);
  write_pairs(folder, "train", data.train);
  write_pairs(folder, "valid", data.validation);
  write_file_atomically(folder / "tokenizer.model", tokenizers.source.serialized());
  const Batcher batcher(
      data.train,
      {.max_tokens = settings.batch_tokens, .max_length = settings.model.max_length, .seed = settings.seed});
  std::string batches;
  for (const auto& batch : batcher.epoch(0)) batches += line_of(batch);
  write_file_atomically(folder / "batches", batches);
  const nlohmann::json about{
      {"text", text.empty() ? "the built-in corpus, English-French (Multi30k is not in data/multi30k)"
               : text.filename() == "multi30k" ? "Multi30k English-German"
                                               : "the text in " + text.filename().string()},
      {"pairs", data.train.size()},
      {"pieces", tokenizers.source.vocab_size()}};
  write_file_atomically(folder / "about.json", about.dump(2) + "\n");
  return about;
}

Workload load(const fs::path& folder) {
  const Tokenizer tokenizer = Tokenizer::from_serialized(read_file(folder / "tokenizer.model"));
  return {{tokenizer, tokenizer}, {read_pairs(folder, "train"), read_pairs(folder, "valid"), {}}};
}

TrainSettings settings_of(const std::string& size) {
  const bool small = size == "small";
  if (!small && size != "tiny") throw UsageError("the size must be tiny or small, got " + size);
  TrainSettings s;
  s.model.source_vocabulary = s.model.target_vocabulary = s.vocabulary = 8000;
  s.model.model_dim = small ? 256 : 128;
  s.model.heads = small ? 8 : 4;
  s.model.feed_forward_dim = small ? 1024 : 512;
  s.model.encoder_layers = s.model.decoder_layers = small ? 3 : 2;
  s.model.max_length = 256;
  s.model.dropout = 0.1;
  s.model.pre_norm = s.model.tied_embeddings = s.model.joint_vocabulary = true;
  s.model.gelu = s.model.learned_positions = false;
  s.batch_tokens = 4096;
  s.accumulate = 1;
  s.optimizer = "adam";
  s.label_smoothing = 0.1;
  s.seed = 1;
  return s;
}

}  // namespace tenfold::bench
