// Commands that need no training: corpus, info, plot, average.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/checkpoint_store.hpp"
#include "io/plot.hpp"
#include "text/corpus.hpp"
#include "text/grammar.hpp"
#include "translate/translator.hpp"

namespace tenfold::cli {
namespace fs = std::filesystem;
namespace {

struct CorpusPrint {
  std::uint64_t seed = 1;
  std::size_t count = 20;
};

void print_corpus(const CorpusPrint& o) {
  for (const SentencePair& p : generate_pairs(o.seed, o.count)) print_line(p.source + "\t" + p.target);
}

// What training.json says; an averaged checkpoint has none.
std::string describe_training(const fs::path& dir) {
  const fs::path path = dir / "training.json";
  if (!fs::exists(path)) return "training      no state: it cannot be resumed";
  const auto j = nlohmann::json::parse(read_file(path), nullptr, false);
  try {
    return fmt::format("training      step {}, {} epochs done, {} of training on {} pairs; it can be resumed",
                       j.at("step").get<std::int64_t>(), j.at("epoch").get<std::int64_t>(),
                       clock_time(j.at("seconds").get<double>()), j.at("pairs").get<std::size_t>());
  } catch (const nlohmann::json::exception&) {
    throw DataError(path.string() + ": the training state is damaged");
  }
}

void describe_model(const fs::path& given) {
  const fs::path dir = resolve_checkpoint(given);
  const auto kernels = make_kernels("cpu", 1);
  const LoadedModel m = load_model(dir, *kernels);
  const ModelConfig& c = m.settings.model;
  print_line(fmt::format("checkpoint    {}", dir.string()));
  print_line(fmt::format("parameters    {}", c.parameter_count()));
  print_line(fmt::format("layers        {} encoder, {} decoder, {}-norm", c.encoder_layers, c.decoder_layers,
                         c.pre_norm ? "pre" : "post"));
  print_line(fmt::format("widths        model {}, {} heads of {}, feed-forward {} ({})", c.model_dim, c.heads,
                         c.model_dim / c.heads, c.feed_forward_dim, c.gelu ? "GELU" : "ReLU"));
  print_line(fmt::format("positions     {}, at most {}", c.learned_positions ? "learned" : "sinusoidal", c.max_length));
  print_line(fmt::format("vocabulary    {} source, {} target{}{}", c.source_vocabulary, c.target_vocabulary,
                         c.joint_vocabulary ? ", one tokenizer" : "", c.tied_embeddings ? ", tied embeddings" : ""));
  print_line(fmt::format("tokenizer     {}, saved with its model", m.settings.tokenizer));
  print_line(describe_training(dir));
  print_line("weights");
  m.model->visit([](Parameter& p) { print_line(fmt::format("  {:<52} {}", p.name, to_string(p.value.shape()))); });
}

void describe_corpus(const fs::path& path) {
  const Corpus corpus = read_tsv(path);
  print_line(corpus.report.summary());
  double source = 0, target = 0;
  for (const SentencePair& p : corpus.pairs) {
    source += static_cast<double>(p.source.size());
    target += static_cast<double>(p.target.size());
  }
  const auto n = static_cast<double>(corpus.pairs.size());
  print_line(fmt::format("mean length   {:.1f} and {:.1f} bytes", source / n, target / n));
  print_line(fmt::format("first pair    {}\n              {}", corpus.pairs[0].source, corpus.pairs[0].target));
}

struct PlotOptions {
  std::string what, out;
};

void plot(const PlotOptions& o) {
  const fs::path what = o.what;
  const bool attention = what.extension() == ".json";
  const fs::path log = fs::is_directory(what) ? what / "log.jsonl" : what;
  const fs::path out = o.out.empty() ? (attention ? fs::path(what).replace_extension(".svg") : log.parent_path() / "log.svg") : fs::path(o.out);
  if (attention)
    plot_attention(what, out);
  else
    plot_run(log, out);
  say(fmt::format("wrote {}\n", out.string()));
}

struct AverageOptions {
  std::string run, out;
  std::size_t last = 5;
};

void average(const AverageOptions& o) {
  if (!fs::is_directory(o.run)) throw IoError("no run in " + o.run);
  const CheckpointStore store(o.run, 1'000'000);  // prunes nothing
  auto checkpoints = store.checkpoints();
  if (checkpoints.empty()) throw IoError("no checkpoint in " + o.run);
  if (fs::exists(o.out)) throw UsageError(o.out + " exists already; choose another --out");
  if (checkpoints.size() > o.last) checkpoints.erase(checkpoints.begin(), checkpoints.end() - static_cast<std::ptrdiff_t>(o.last));
  const auto kernels = make_kernels("cpu");
  LoadedModel mean = load_model(checkpoints.front().path, *kernels);
  const auto into = mean.model->parameters();
  for (std::size_t i = 1; i < checkpoints.size(); ++i) {
    const LoadedModel next = load_model(checkpoints[i].path, *kernels);
    const auto from = next.model->parameters();
    for (std::size_t p = 0; p < into.size(); ++p) {
      if (from.size() != into.size() || from[p]->value.shape() != into[p]->value.shape())
        throw DataError("average: the checkpoints are not of one model");
      Real* sum = into[p]->value.mutable_data();
      kernels->add(sum, from[p]->value.data(), sum, into[p]->value.size());
    }
  }
  for (Parameter* p : into) {
    Real* values = p->value.mutable_data();
    kernels->scale(values, 1 / static_cast<Real>(checkpoints.size()), values, p->value.size());
  }
  CheckpointStore(o.out).save(checkpoints.back().step, [&](const fs::path& dir) {
    save_model(dir, *mean.model, mean.settings, mean.tokenizers);
  });
  say(fmt::format("averaged {} checkpoints (steps {} to {}) into {}\n", checkpoints.size(), checkpoints.front().step,
             checkpoints.back().step, o.out));
}

}  // namespace

void add_corpus(CLI::App& app) {
  auto* command = app.add_subcommand("corpus", "print pairs of the built-in English-French corpus, tab-separated");
  const auto o = std::make_shared<CorpusPrint>();
  command->add_option("--seed", o->seed, "which pairs")->check(whole_number())->capture_default_str();
  command->add_option("--count", o->count, "how many")->check(whole_number())->capture_default_str();
  command->callback([o] { print_corpus(*o); });
}

void add_info(CLI::App& app) {
  auto* command = app.add_subcommand("info", "say what a checkpoint, a run or a TSV corpus holds");
  const auto path = std::make_shared<std::string>();
  command->add_option("path", *path, "a run, a checkpoint, or a TSV file")->required();
  command->callback([path] { fs::is_directory(*path) ? describe_model(*path) : describe_corpus(*path); });
}

void add_plot(CLI::App& app) {
  auto* command = app.add_subcommand("plot", "draw a run's loss, BLEU and learning rate, or attention written by translate");
  const auto o = std::make_shared<PlotOptions>();
  command->add_option("what", o->what, "a run, its log.jsonl, or a JSON file of attention")->required();
  command->add_option("--out", o->out, "the picture, .svg or .png (default: log.svg in the run, NAME.svg for attention)");
  command->callback([o] { plot(*o); });
}

void add_average(CLI::App& app) {
  auto* command = app.add_subcommand("average", "average the weights of a run's last checkpoints into a new one");
  const auto o = std::make_shared<AverageOptions>();
  command->add_option("run", o->run, "the run (train with --keep 5 to have five)")->required();
  command->add_option("--last", o->last, "how many of the newest checkpoints")->check(CLI::Range(1, 10000))->capture_default_str();
  command->add_option("--out", o->out, "folder of the result")->required();
  command->callback([o] { average(*o); });
}

}  // namespace tenfold::cli
