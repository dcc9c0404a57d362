#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/corpus_options.hpp"
#include "cli/profile_table.hpp"
#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/interrupt.hpp"
#include "io/json_file.hpp"
#include "translate/preparation.hpp"
#include "translate/settings.hpp"

namespace tenfold::cli {
namespace fs = std::filesystem;
namespace {

struct TrainOptions {
  DeviceOptions device;
  CorpusOptions corpus;
  std::string preset = "tiny", config, out, resume;
  bool profile = false;
  nlohmann::json changed = nlohmann::json::object();  // settings given as flags
};

// One flag per setting: --learning-rate for learning_rate. A value is kept only if it was given.
void declare_settings(CLI::App& command, nlohmann::json& changed) {
  const TrainSettings defaults = preset("tiny");
  for_each_setting(defaults, [&](const char* name, const auto& field, const char* help) {
    using T = std::decay_t<decltype(field)>;
    std::string flag = std::string("--") + name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    auto* option = command.add_option_function<T>(flag, [&changed, name](const T& value) { changed[name] = value; }, help);
    option->type_name(std::is_same_v<T, bool> ? "true|false" : std::is_same_v<T, std::string> ? "NAME" : "NUMBER");
    option->group("Settings (the preset's value unless given)");
    if (std::is_unsigned_v<T> && !std::is_same_v<T, bool>) option->check(whole_number());
  });
}

TrainSettings new_settings(const TrainOptions& o) {
  TrainSettings s = preset(o.preset);
  if (!o.config.empty()) apply_json(s, read_json(o.config), o.config);
  apply_json(s, o.changed, "train");
  s.validate();
  return s;
}

// RUN/run.json: where the text came from.
void remember(const fs::path& run, const CorpusOptions& corpus) {
  write_file_atomically(run / "run.json", corpus.to_json().dump(2) + "\n");
}

CorpusOptions remembered(const fs::path& run) {
  const fs::path path = run / "run.json";
  try {
    return CorpusOptions::from_json(read_json(path));
  } catch (const nlohmann::json::exception&) {
    throw DataError(path.string() + ": the description of the run is damaged");
  }
}

// Whether a folder may become a run: it is missing, empty, or holds only what a run leaves that never saved.
bool is_unfinished_run(const fs::path& folder) {
  if (!fs::exists(folder)) return true;
  const bool log = fs::exists(folder / "log.jsonl");
  return std::all_of(fs::directory_iterator(folder), fs::directory_iterator(), [log](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    return name == "log.jsonl" || (name == "run.json" && log) || name.starts_with(".checkpoint-") ||
           name.starts_with(".tenfold-");
  });
}

fs::path new_run_folder(const TrainOptions& o) {
  const fs::path out = o.out.empty() ? fs::path("runs") / o.preset : fs::path(o.out);
  if (fs::is_symlink(out / "last"))
    throw UsageError(fmt::format("{} already holds a run: continue it with --resume {}, or choose another --out",
                                 out.string(), out.string()));
  if (fs::exists(out) && !fs::is_directory(out)) throw UsageError(out.string() + " is no folder; choose another --out");
  if (!is_unfinished_run(out))
    throw UsageError(out.string() + " holds other files; choose another --out, so that nothing of them is lost");
  return out;
}

void describe(Trainer& trainer, const TrainSettings& s, const fs::path& run) {
  say(fmt::format("{} parameters; {}\n", s.model.parameter_count(), trainer.batches().summary()));
  if (!trainer.validation_batches().left_out().empty())
    say(fmt::format("of the validation text {} pairs count in BLEU only: they are longer than {} tokens\n",
                    trainer.validation_batches().left_out().size(), s.model.max_length));
  say(fmt::format("training into {} (Ctrl-C saves and stops)\n", run.string()));
}

void report_end(Trainer::Outcome outcome, const Trainer& trainer, const fs::path& run) {
  const std::string folder = run.string();
  switch (outcome) {
    case Trainer::Outcome::interrupted:
      say(fmt::format("stopped at step {}, all is saved; go on with: {} train --resume {}\n", trainer.step(), program_name(), folder));
      break;
    case Trainer::Outcome::no_improvement:
      say(fmt::format("stopped at step {}: validation no longer improves\n", trainer.step()));
      break;
    case Trainer::Outcome::finished:
      say(fmt::format("done after {} steps\n", trainer.step()));
  }
  if (outcome != Trainer::Outcome::interrupted)
    say(fmt::format("translate with: {} translate --model {}\n", program_name(), folder));
}

// Settings of a run that continues: those saved, and what flags change of how it is trained.
TrainSettings resumed_settings(const fs::path& checkpoint, const nlohmann::json& changed) {
  static constexpr std::array fixed{"model_dim", "heads", "feed_forward_dim", "encoder_layers", "decoder_layers",
                                    "max_length", "pre_norm", "learned_positions", "gelu", "tied_embeddings",
                                    "joint_vocabulary", "vocabulary", "tokenizer", "character_coverage", "seed"};
  TrainSettings settings = load_settings(checkpoint);
  const nlohmann::json saved = to_json(settings);
  for (const char* name : fixed)
    if (changed.contains(name) && changed[name] != saved[name])
      throw UsageError(fmt::format("--resume: \"{}\" is {} in this run and cannot change", name, saved[name].dump()));
  apply_json(settings, changed, "train");
  settings.validate();
  return settings;
}

// The newest checkpoint of the run to continue. A folder that is not there must not be made by looking.
fs::path checkpoint_of(const fs::path& run) {
  if (fs::is_directory(run))
    if (const auto last = CheckpointStore(run).last()) return last->path;
  throw IoError("cannot resume " + run.string() + ": there is no checkpoint in it");
}

void train(TrainOptions& o) {
  const auto kernels = o.device.make();
  const bool resume = !o.resume.empty();
  if (resume && o.corpus.given())
    throw UsageError("--resume takes the text from the run itself; only how it is trained may change, by flags");
  fs::path run;
  TrainSettings settings;
  CorpusOptions corpus = o.corpus;
  std::optional<Tokenizers> tokenizers;
  if (resume) {
    run = o.resume;
    const fs::path checkpoint = checkpoint_of(run);
    settings = resumed_settings(checkpoint, o.changed);
    corpus = remembered(run);
    tokenizers = load_tokenizers(checkpoint, settings.model);
  } else {
    settings = new_settings(o);
    require_memory(settings);
    corpus.seed = settings.seed;
    run = new_run_folder(o);
  }
  const SplitText text = corpus.read();
  if (!tokenizers) tokenizers = learn_tokenizers(settings, text.train);
  const TrainingData data = tokenise(*tokenizers, text.train, text.validation);
  Console console;
  InterruptGuard guard;
  Trainer trainer(*kernels, settings, *tokenizers, data, run, resume, console);
  if (!resume) remember(run, corpus);
  describe(trainer, settings, run);
  Profile profile;
  if (o.profile) trainer.set_profile(&profile);
  const Trainer::Outcome outcome = trainer.run([] { return InterruptGuard::requested(); });
  console.end_line();
  if (o.profile) say(to_text(profile));
  report_end(outcome, trainer, run);
  if (outcome == Trainer::Outcome::interrupted) end_interrupted(InterruptGuard::signal());
}

}  // namespace

void add_train(CLI::App& app) {
  auto* command = app.add_subcommand("train", "train a translator on parallel text");
  const auto o = std::make_shared<TrainOptions>();
  auto* preset = command->add_option("--preset", o->preset, "demo, tiny, hour, small or patient")->capture_default_str();
  auto* config = command->add_option("--config", o->config, "a JSON file of settings, over the preset");
  auto* out = command->add_option("--out", o->out, "folder of the run (default: runs/PRESET)");
  command->add_option("--resume", o->resume, "continue the run in this folder")
      ->excludes(preset)
      ->excludes(config)
      ->excludes(out);
  command->add_flag("--profile", o->profile, "at the end, show where the time went, by operation and by layer");
  o->device.declare(*command);
  o->corpus.declare(*command);
  declare_settings(*command, o->changed);
  command->callback([o] { train(*o); });
}

}  // namespace tenfold::cli
