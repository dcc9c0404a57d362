/// @file
/// For torch_check.py: trains small models of every kind for a few steps, and writes beside each checkpoint
/// what tenfold computes with it. `torch_reference FOLDER` makes FOLDER/KIND/last and
/// FOLDER/KIND/expected.safetensors: "source" [batch, time] padded with 0, "target_input" [batch, time],
/// "target_lengths" [batch], and "logits" [batch, time, vocabulary].
#include <cstdio>
#include <cstring>

#include "translate/small_run.hpp"

namespace tenfold {
namespace {

StoredTensor stored_ids(const char* name, const Shape& shape, const std::vector<std::int32_t>& ids) {
  StoredTensor t{name, DType::i32, shape, std::vector<std::byte>(ids.size() * sizeof ids[0])};
  std::memcpy(t.data.data(), ids.data(), t.data.size());
  return t;
}

void write_expected(const std::filesystem::path& run, const TrainingData& data) {
  Kernels& k = test::one_thread();
  const LoadedModel loaded = load_model(run / "last", k);
  Transformer& model = *loaded.model;
  const Batcher batcher(data.validation, {.max_tokens = 4096, .max_length = model.config().max_length});
  const std::vector<std::size_t> pairs{0, 1, 2, 3, 4, 5};  // of different lengths, so that some are padded
  const Batch batch = batcher.make_batch(pairs);
  const DeviceBatch d = on_device(batch, k);
  Pass pass;
  const Variable memory = model.encode(pass, d.source, d.source_lengths);
  const Variable logits = model.logits(pass, model.decode(pass, memory, d.source_lengths, d.target_input));
  const Shape target{batch.size, batch.target_length};
  write_safetensors(
      run / "expected.safetensors",
      std::vector{
          stored_ids("source", {batch.size, batch.source_length}, batch.source),
          stored_ids("target_input", target, batch.target_input),
          stored_ids("target_lengths", {batch.size}, batch.target_lengths),
          stored("logits", logits.value.reshaped({batch.size, batch.target_length, logits.shape().back()}))});
}

void make(const std::filesystem::path& run, TrainSettings settings) {
  settings.model.encoder_layers = settings.model.decoder_layers = 2;
  settings.steps = 8;
  settings.learning_rate = 1e-2;
  settings.validation_sample = 0;
  const test::SmallCorpus corpus(settings);
  TrainObserver quiet;
  Trainer trainer(test::one_thread(), corpus.settings, corpus.tokenizers, corpus.data, run, false, quiet);
  trainer.run([] { return false; });
  write_expected(run, corpus.data);
}

void make_all(const std::filesystem::path& folder) {
  TrainSettings s = test::small_settings();
  make(folder / "pre-norm", s);
  s.model.pre_norm = false;
  make(folder / "post-norm", s);
  s.model.tied_embeddings = s.model.joint_vocabulary = false;
  s.vocabulary = 120;
  s.model.gelu = true;
  make(folder / "separate", s);
  s.model.pre_norm = s.model.learned_positions = true;
  s.model.tied_embeddings = true;
  make(folder / "learned-positions", s);
}

}  // namespace
}  // namespace tenfold

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    tenfold::make_all(argv[1]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "torch_reference: %s\n", e.what());
    return 1;
  }
  return 0;
}
