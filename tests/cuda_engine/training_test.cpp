// The model as a whole on the CUDA backend, beside the CPU: a training step of the preset `demo`, an update that must not
// be done, and a trained model that translates.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cuda_device.hpp"
#include "optim/optimizer.hpp"
#include "translate/small_run.hpp"

using namespace tenfold;
using namespace tenfold::test;

namespace {

struct Step {
  double loss = 0, norm = 0;
  std::vector<Real> weights;
};

/// The `demo` model with its own batch of real text, two steps of Adam; under a sanitizer a smaller one.
std::vector<Step> steps_on(const std::string& device) {
  TrainSettings settings = quick_tests() ? small_settings() : preset("demo");
  settings.model.dropout = 0.1;
  settings.batch_tokens = quick_tests() ? 64 : 96;
  const BuiltinCorpus text = builtin_corpus(1, 300, 20);
  settings.vocabulary = 150;
  const Tokenizers tokenizers = learn_tokenizers(settings, text.train);
  const TrainingData data = tokenise(tokenizers, text.train, text.validation);
  const auto kernels = make_kernels(device, 1);
  Transformer model(*kernels, settings.model, settings.seed);
  Adam adam(model.parameters(), {settings.beta1, settings.beta2, 1e-4, 0.1});
  const Batcher batcher(data.train, {.max_tokens = settings.batch_tokens, .max_length = settings.model.max_length});
  const auto batches = batcher.epoch(0);
  std::vector<Step> steps;
  for (std::size_t i = 0; i < 2; ++i) {
    const DeviceBatch batch = on_device(batcher.make_batch(batches[i]), *kernels);
    Tape tape;
    Pass pass(tape, settings.model.dropout, settings.seed, i);
    const Variable loss = model.loss(pass, batch, settings.label_smoothing);
    tape.backward(loss);
    const Tensor losses[] = {loss.value};
    tape.clear();
    const std::vector<double> totals = adam.clipped_step(1e-3, 0.5, losses).to_host();
    adam.zero_grad();
    steps.push_back({totals[0], std::sqrt(totals[1]), all_weights(model)});
  }
  return steps;
}

}  // namespace

TEST_CASE("cuda: two training steps of the demo model equal the CPU's") {
  const std::vector<Step> cpu = steps_on("cpu"), cuda = steps_on(test_device());
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    CAPTURE(i);
    CAPTURE(cpu[i].loss);
    CAPTURE(cuda[i].loss);
    CAPTURE(cpu[i].norm);
    CAPTURE(cuda[i].norm);
    CHECK(std::abs(cuda[i].loss - cpu[i].loss) <= 1e-5 * cpu[i].loss);
    CHECK(std::abs(cuda[i].norm - cpu[i].norm) <= 1e-4 * cpu[i].norm);
    REQUIRE(cuda[i].weights.size() == cpu[i].weights.size());
    double worst = 0;
    for (std::size_t w = 0; w < cpu[i].weights.size(); ++w) {
      const double d = std::abs(static_cast<double>(cuda[i].weights[w]) - cpu[i].weights[w]);
      if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
    }
    // A step moves a weight by about the learning rate, 1e-3.
    CHECK(worst <= 1e-5);
  }
  CHECK(cpu[1].weights != cpu[0].weights);
}

TEST_CASE("cuda: an update whose loss or gradient is not finite is not done") {
  const auto kernels = make_kernels(test_device(), 1);
  constexpr Real bad[] = {std::numeric_limits<Real>::infinity(), std::numeric_limits<Real>::quiet_NaN()};
  for (const Real number : bad)
    for (const bool in_loss : {true, false}) {
      Parameter p;
      p.value = filled(*kernels, {5}, 1);
      Parameter q = p;
      q.value = filled(*kernels, {3}, 2);
      Adam adam({&p, &q}, {});
      p.grad = filled(*kernels, {5}, 1);
      q.grad = filled(*kernels, {3}, in_loss ? 1 : number);
      const Tensor losses[] = {filled(*kernels, {1}, 1), filled(*kernels, {1}, in_loss ? number : 1)};
      const std::vector<double> totals = adam.clipped_step(0.1, 1, losses).to_host();
      CHECK_FALSE((std::isfinite(totals[0]) && std::isfinite(totals[1])));
      CHECK(p.value.to_host() == std::vector<Real>(5, 1));
      CHECK(q.value.to_host() == std::vector<Real>(3, 2));
      CHECK(adam.first_moments()[0].to_host() == std::vector<Real>(5, 0));
    }
}

TEST_CASE("cuda: a trained model gives the same words") {
  const TemporaryFolder folder;
  TrainSettings settings = small_settings();
  settings.epochs = 3;
  settings.learning_rate = 1e-2;
  train(folder.path(), settings, false);
  const auto at = CheckpointStore(folder.path()).last()->path;
  std::vector<std::string> lines;
  const auto count = quick_tests() ? std::size_t{2} : std::size_t{6};
  for (std::size_t i = 0; i < count; ++i) lines.push_back(small_corpus().text.validation[i].source);
  SearchOptions options;
  options.length_extra = 4;
  const auto words = [&](Kernels& kernels, Index beam) {
    LoadedModel loaded = load_model(at, kernels);
    options.beam = beam;
    std::vector<std::string> out;
    for (const Translation& t : translate(*loaded.model, small_corpus().tokenizers, lines, options, 4))
      out.push_back(t.best.front().text);
    return out;
  };
  const auto cuda = make_kernels(test_device());
  for (const Index beam : {1, 3}) CHECK(words(*cuda, beam) == words(one_thread(), beam));
}
