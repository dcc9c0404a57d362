// Training: the same bits again, batches that add up, stopping, and what goes wrong.
#include "translate/trainer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "core/errors.hpp"
#include "translate/small_run.hpp"

using namespace tenfold;
using namespace tenfold::test;
namespace fs = std::filesystem;

namespace {

/// Remembers what the trainer reports.
struct Recorder final : TrainObserver {
  std::vector<StepReport> steps;
  std::vector<ValidationReport> validations;
  void on_step(const StepReport& r) override { steps.push_back(r); }
  void on_validation(const ValidationReport& r) override { validations.push_back(r); }
};

TrainSettings sized(TrainSettings s) {
  const ModelConfig& model = small_corpus().settings.model;
  s.model.source_vocabulary = s.model.target_vocabulary = model.source_vocabulary;
  return s;
}

/// A trainer with a folder of its own.
struct Training {
  TemporaryFolder folder;
  Recorder recorder;
  Trainer trainer;
  explicit Training(const TrainSettings& s, const TrainingData& data = small_corpus().data)
      : trainer(one_thread(), sized(s), small_corpus().tokenizers, data, folder.path(), false, recorder) {}
  Trainer::Outcome run() {
    return trainer.run([] { return false; });
  }
};

std::string weights_of(const fs::path& run) { return get(run / "last" / "model.safetensors"); }

}  // namespace

TEST_CASE("a profile leaves out the first two steps, which make memory and threads") {
  for (const auto& [steps, profiled] : {std::pair{1, 0}, {2, 0}, {3, 1}, {5, 3}}) {
    CAPTURE(steps);
    TrainSettings s = small_settings();
    s.steps = steps;
    Training training(s);
    Profile profile;
    training.trainer.set_profile(&profile);
    training.run();
    CHECK(profile.steps() == profiled);
  }
}

TEST_CASE("a batch worked through in parts has the loss and the gradient of the whole") {
  TrainSettings s = small_settings();
  s.batch_tokens = 4096;  // two parts
  s.model.dropout = 0;
  s.epochs = 1;
  Training training(s);
  const auto batch = training.trainer.batches().epoch(0).front();
  REQUIRE(batch.size() % 2 == 1);  // of unequal size
  Kernels& k = one_thread();
  Transformer model(k, sized(s).model, s.seed);
  Tape tape;
  Pass pass(tape);
  const Variable loss =
      model.loss(pass, on_device(training.trainer.batches().make_batch(batch), k), s.label_smoothing);
  tape.backward(loss);
  double squares = 0;
  for (const Parameter* p : model.parameters()) squares += k.sum_squares(p->grad.data(), p->grad.size());
  training.run();
  const StepReport& first = training.recorder.steps.front();
  CHECK(std::abs(first.loss - static_cast<double>(loss.value.item())) <= 1e-5);
  CHECK(std::abs(first.gradient_norm - std::sqrt(squares)) <= 1e-5 * std::sqrt(squares));
}

TEST_CASE("in parts a batch takes much less memory") {
  const auto peak = [](Index batch_tokens) {
    TrainSettings s = small_settings();
    s.batch_tokens = batch_tokens;
    s.model.feed_forward_dim = 256;
    s.steps = 1;
    TrainingData data = small_corpus().data;
    data.train.resize(100);
    const auto k = make_kernels("cpu", 1);
    TemporaryFolder folder;
    Recorder recorder;
    Trainer trainer(*k, sized(s), small_corpus().tokenizers, data, folder.path(), false, recorder);
    REQUIRE(trainer.batches().epoch(0).size() == 1);  // of the same sentences, whatever the limit
    trainer.run([] { return false; });
    return static_cast<double>(k->memory().stats().peak_bytes);
  };
  CHECK(peak(2 * 4095) <= 0.65 * peak(4095));  // three parts, one
}

TEST_CASE("the same settings, data and threads give the same weights, another seed others") {
  TrainSettings s = small_settings();
  s.epochs = 1;
  Training first(s), second(s);
  first.run();
  second.run();
  CHECK(weights_of(first.folder.path()) == weights_of(second.folder.path()));
  s.seed = 2;
  Training third(s);
  third.run();
  CHECK(weights_of(first.folder.path()) != weights_of(third.folder.path()));
}

TEST_CASE("training lowers the loss, and says what it did") {
  TrainSettings s = small_settings();
  s.epochs = 4;
  s.learning_rate = 1e-2;
  Training t(s);
  CHECK(t.run() == Trainer::Outcome::finished);
  const auto& steps = t.recorder.steps;
  REQUIRE(steps.size() > 40);
  CHECK(steps.back().loss <= 0.8 * steps.front().loss);
  for (std::size_t i = 0; i < steps.size(); ++i) CHECK(steps[i].step == static_cast<std::int64_t>(i) + 1);
  REQUIRE(t.recorder.validations.size() == 4);
  const ValidationReport& last = t.recorder.validations.back();
  CHECK(last.loss <= t.recorder.validations.front().loss);
  CHECK(std::abs(last.perplexity - std::exp(last.loss)) <= 1e-9);
  CHECK(last.epoch == 4);
  CHECK(last.examples.size() == 3);
}

TEST_CASE("two accumulated batches are one of twice the size") {
  // Sixteen pairs of equal length: one batch of sixteen, or two of eight.
  TrainingData data = small_corpus().data;
  const TokenPair model_pair{{10, 11, 12, 13}, {20, 21, 22}};
  data.train.assign(16, model_pair);
  for (std::size_t i = 0; i < data.train.size(); ++i)
    for (auto* side : {&data.train[i].source, &data.train[i].target})
      for (std::int32_t& id : *side) id += static_cast<std::int32_t>(7 * i);
  TrainSettings s = small_settings();
  s.model.dropout = 0;
  s.model.max_length = 8;
  s.epochs = 3;
  s.validation_sample = 0;
  s.epsilon = 1;  // so that Adam does not blow up the rounding of gradients that should be zero
  s.learning_rate = 1;
  data.validation.assign(1, model_pair);
  s.batch_tokens = 16 * 4;
  Training whole(s, data);
  whole.run();
  s.batch_tokens = 8 * 4;
  s.accumulate = 2;
  Training halves(s, data);
  halves.run();
  REQUIRE(whole.recorder.steps.size() == 3);
  REQUIRE(halves.recorder.steps.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(std::abs(whole.recorder.steps[i].loss - halves.recorder.steps[i].loss) <= 1e-4);
    CHECK(std::abs(whole.recorder.steps[i].gradient_norm - halves.recorder.steps[i].gradient_norm) <= 1e-4);
  }
  CHECK(whole.recorder.steps[2].loss != whole.recorder.steps[0].loss);
  const std::vector<Real> a = all_weights(whole.trainer.model()), b = all_weights(halves.trainer.model());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max<double>(worst, std::abs(a[i] - b[i]));
  CHECK(worst <= 1e-5);
}

TEST_CASE("training stops when validation no longer improves") {
  TrainSettings s = small_settings();
  s.epochs = 9;
  s.patience = 2;
  s.learning_rate = 0;
  s.validation_sample = 0;
  Training t(s);
  CHECK(t.run() == Trainer::Outcome::no_improvement);
  REQUIRE(t.recorder.validations.size() == 3);
  CHECK(t.recorder.validations[0].best);
  CHECK_FALSE(t.recorder.validations[2].best);
  CHECK(t.recorder.validations[2].bleu == -1);
}

TEST_CASE("training stops at the bound of steps, with a checkpoint there") {
  TrainSettings s = small_settings();
  s.steps = 7;
  Training t(s);
  CHECK(t.run() == Trainer::Outcome::finished);
  CHECK(t.trainer.step() == 7);
  CHECK(CheckpointStore(t.folder.path()).last()->step == 7);
}

TEST_CASE("a loss that is not finite stops training and names the step and the parameter") {
  for (Real bad : {std::numeric_limits<Real>::quiet_NaN(), std::numeric_limits<Real>::infinity()}) {
    TrainSettings s = small_settings();
    s.epochs = 1;
    Training t(s);
    t.run();
    const std::string saved = weights_of(t.folder.path());
    s.epochs = 2;
    Recorder recorder;
    Trainer resumed(one_thread(), sized(s), small_corpus().tokenizers, small_corpus().data, t.folder.path(),
                    true, recorder);
    const std::int64_t before = resumed.step();
    resumed.model().encoder[0]->visit([&](Parameter& p) {
      if (p.name == "encoder.layers.0.linear1.weight") p.value.mutable_data()[3] = bad;
    });
    const std::string text = message_of<Error>([&] { resumed.run([] { return false; }); });
    CHECK(text.starts_with("training stopped at step " + std::to_string(before + 1) + ": "));
    CHECK(text.find("first to go bad: the value of encoder.layers.0.linear1.weight;") != text.npos);
    CHECK(weights_of(t.folder.path()) == saved);
    CHECK(CheckpointStore(t.folder.path()).last()->step == before);
  }
}

TEST_CASE("data that cannot be trained on are refused") {
  TrainingData empty = small_corpus().data;
  empty.train.clear();
  CHECK_THROWS_AS(Training(small_settings(), empty), DataError);
  TrainSettings s = small_settings();
  s.batch_tokens = 10;  // less than one sentence may have
  CHECK_THROWS_AS(Training{s}, UsageError);
}
