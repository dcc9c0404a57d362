// Training and decoding, through the interfaces the `tenfold` command uses.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/engine.hpp"
#include "core/errors.hpp"
#include "text/lines.hpp"
#include "translate/trainer.hpp"

namespace tenfold::bench {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// A step's time is that from its predecessor's end to its own, so that nothing the loop does is left out.
class StepClock final : public TrainObserver {
 public:
  void on_step(const StepReport& report) override {
    seconds.push_back(seconds_since(last_));
    last_ = Clock::now();
    if (report.step == 1) first_loss = report.loss;
    last_loss = report.loss;
    peak = peak_megabytes();
  }
  std::vector<double> seconds;
  double first_loss = 0, last_loss = 0, peak = 0;

 private:
  Clock::time_point last_ = Clock::now();
};

// A folder for a run that nobody wants.
struct ScratchFolder {
  fs::path path = fs::temp_directory_path() / ("tenfold-bench-" + std::to_string(getpid()));
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

void set_end_bias(Transformer& model, Real bias) {
  std::vector<Real> values = model.generator_bias.value.to_host();
  values[eos_id] = bias;
  model.generator_bias.value = Tensor::from(model.kernels(), model.generator_bias.value.shape(), values);
}

// After bos comes `word`, after that the end: the three rows of the tied table are made so long that neither
// positions nor layers matter, along two directions u and w at right angles whose mean is zero, as layer norm
// wants it. The state after bos is u, which `word` alone lies along; after `word` it is u + w, which the end
// lies along most.
void say_one_word(Transformer& model, std::int32_t word) {
  std::vector<Real> table = model.target_embed.value.to_host();
  const Index d = model.target_embed.value.shape()[1];
  const auto set_row = [&](std::int32_t id, Real along_u, Real along_w) {
    for (Index i = 0; i < d; ++i)
      table[static_cast<std::size_t>(id * d + i)] =
          (i % 2 ? -along_u : along_u) + (i % 4 < 2 ? along_w : -along_w);
  };
  set_row(bos_id, 10, 0);
  set_row(word, 20, 20);
  set_row(eos_id, 0, 100);
  model.target_embed.value = Tensor::from(model.kernels(), model.target_embed.value.shape(), table);
}

// `count` pairs spread over the validation text, those with short sources first.
std::vector<TokenPair> sample(const std::vector<TokenPair>& pairs, std::size_t count) {
  count = std::min(count, pairs.size());
  std::vector<TokenPair> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(pairs[i * pairs.size() / count]);
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const TokenPair& a, const TokenPair& b) { return a.source.size() < b.source.size(); });
  return chosen;
}

// Those of the size, for the pieces that the workload has.
TrainSettings settings_for(const Workload& work, const std::string& size) {
  TrainSettings settings = settings_of(size);
  settings.vocabulary = settings.model.source_vocabulary = settings.model.target_vocabulary =
      work.tokenizers.source.vocab_size();
  return settings;
}

void check_batches(const Trainer& trainer, const fs::path& folder) {
  LineReader reader(folder / "batches");
  std::string line;
  const auto batches = trainer.batches().epoch(0);
  for (const auto& batch : batches)
    if (!reader.next(line) || line != fmt::format("{}", fmt::join(batch, " ")))
      throw DataError(folder.string() +
                      ": the trainer makes other batches than those prepared; prepare it anew");
}

}  // namespace

nlohmann::json train(const fs::path& folder, const std::string& size, const TrainOptions& o) {
  const Workload work = load(folder);
  TrainSettings settings = settings_of(size);
  settings.validation_sample = 0;
  const auto kernels = make_kernels(o.device, o.threads);
  const ScratchFolder scratch;
  StepClock clock;
  Trainer trainer(*kernels, settings, work.tokenizers, work.data, scratch.path, false, clock);
  check_batches(trainer, folder);
  trainer.run([&] { return trainer.step() == o.warm + o.steps; });
  clock.seconds.erase(clock.seconds.begin(), clock.seconds.begin() + o.warm);
  const Allocator::Stats memory = kernels->memory().stats();
  return {{"seconds", clock.seconds},
          {"peak_mb", clock.peak},
          {"tensors_peak_mb", static_cast<double>(memory.peak_bytes) / (1 << 20)},
          {"tensors_reserved_mb", static_cast<double>(memory.reserved_bytes) / (1 << 20)},
          {"first_loss", clock.first_loss},
          {"parameters", settings.model.parameter_count()}};
}

nlohmann::json teach(const fs::path& folder, const std::string& size, const TrainOptions& o, const fs::path& out) {
  const Workload work = load(folder);
  TrainSettings settings = settings_for(work, size);
  settings.validation_sample = 0;
  settings.warmup = 100;  // for few steps
  settings.learning_rate = 3e-3;
  fs::create_directories(out);  // now, not after minutes of training, where that cannot be
  const auto kernels = make_kernels(o.device, o.threads);
  const ScratchFolder scratch;
  StepClock clock;
  Trainer trainer(*kernels, settings, work.tokenizers, work.data, scratch.path, false, clock);
  trainer.run([&] { return trainer.step() >= o.steps; });
  save_model(out, trainer.model(), settings, work.tokenizers);
  return {{"loss", clock.last_loss}};
}

nlohmann::json decode(const fs::path& folder, const std::string& size, const DecodeOptions& o) {
  const Workload work = load(folder);
  const auto kernels = make_kernels(o.device, o.threads);
  const auto loaded = o.model.empty() ? std::make_unique<Transformer>(*kernels, settings_of(size).model, 1)
                                      : load_model(o.model, *kernels).model;
  Transformer& model = *loaded;
  if (!o.model.empty() && model.config().source_vocabulary != work.tokenizers.source.vocab_size())
    throw UsageError(o.model.string() + ": made on another workload; teach it anew");
  set_end_bias(model, -10000);  // never the end: the length limit decides
  const std::vector<TokenPair> pairs = sample(work.data.validation, o.sentences);
  PreparedWeights prepared(*kernels);
  const auto pass = [&](std::size_t limit) {
    in_batches(*kernels, limit, o.batch, [&](std::size_t first, std::size_t last) {
      std::vector<std::vector<std::int32_t>> sources;
      std::size_t longest = 0;
      for (std::size_t i = first; i < last; ++i) {
        sources.push_back(pairs[i].source);
        longest = std::max(longest, pairs[i].target.size() + 1);
      }
      search(model, sources, {.beam = o.beam, .length_factor = 0, .length_extra = static_cast<Index>(longest),
                               .scores = o.scores}, &prepared);
    });
  };
  pass(std::min(pairs.size(), std::max<std::size_t>(o.batch, 4)));  // warm
  std::vector<double> seconds, cpu_seconds;
  for (int i = 0; i < o.repeats; ++i) {
    const auto start = Clock::now();
    const std::clock_t cpu_start = std::clock();
    pass(pairs.size());
    cpu_seconds.push_back(static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
    seconds.push_back(seconds_since(start));
  }
  return {{"seconds", seconds}, {"cpu_seconds", cpu_seconds}, {"sentences", pairs.size()}};
}

nlohmann::json checkpoint(const fs::path& folder, const fs::path& out) {
  const Workload work = load(folder);
  const auto kernels = make_kernels("cpu", 1);
  const TrainSettings settings = settings_for(work, "small");
  Transformer model(*kernels, settings.model, 1);
  say_one_word(model, work.tokenizers.target.encode("man").front());
  fs::create_directories(out);
  save_model(out, model, settings, work.tokenizers);
  return {{"parameters", settings.model.parameter_count()}};
}

}  // namespace tenfold::bench
