#include <fmt/format.h>

#include <optional>

#include "cli/commands.hpp"
#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/checkpoint_store.hpp"
#include "io/descriptor.hpp"
#include "text/bleu.hpp"
#include "text/chrf.hpp"
#include "text/corpus.hpp"
#include "translate/translator.hpp"

namespace tenfold::cli {
namespace {

/// The text both commands read: pairs, every one of them or none.
struct PairOptions {
  std::string tsv, source, target;
  std::vector<int> columns{1, 2};

  void declare(CLI::App& c) {
    c.add_option("--tsv", tsv, "pairs, tab-separated (plain or .gz)");
    c.add_option("--columns", columns, "the TSV's columns of source and target, from 1")
        ->expected(2)
        ->delimiter(',')
        ->capture_default_str();
    c.add_option("--src", source, "source sentences, one a line");
    c.add_option("--tgt", target, "target sentences (references)");
  }
  std::vector<SentencePair> read() const {
    if (source.empty() != target.empty() || tsv.empty() == source.empty())
      throw UsageError("give the text once: --tsv FILE, or --src FILE --tgt FILE");
    CorpusPolicy policy;  // scores of part of a text would mislead: any faulty line is refused
    policy.on_fault = CorpusPolicy::OnFault::refuse;
    policy.max_characters = 1'000'000;
    return (tsv.empty() ? read_parallel(source, target, policy) : read_tsv(tsv, columns[0], columns[1], policy)).pairs;
  }
};

struct EvaluateOptions {
  DeviceOptions device;
  PairOptions pairs;
  SearchOptions search;
  std::string model, tokenize = "auto", output;
  std::size_t batch = 32;
  bool lowercase = false;
};

void evaluate(const EvaluateOptions& o) {
  SearchOptions search = o.search;
  search.scores = false;
  search.validate();
  const auto kernels = o.device.make();
  const LoadedModel loaded = load_model(resolve_checkpoint(o.model), *kernels);
  std::vector<std::string> sources, references, outputs;
  for (SentencePair& p : o.pairs.read()) {
    sources.push_back(std::move(p.source));
    references.push_back(std::move(p.target));
  }
  BleuOptions options;
  options.tokenization = o.tokenize == "auto" ? fitting_tokenization(references) : mt_tokenization_from(o.tokenize);
  options.lowercase = o.lowercase;
  std::optional<AtomicFile> file;  // opened now, so that a bad name is known before the work is done
  if (!o.output.empty()) file.emplace(o.output);
  std::size_t exact = 0, number = 0;
  for (const Translation& t : translate(*loaded.model, loaded.tokenizers, sources, search, o.batch)) {
    for (const std::string& w : t.warnings) warn(fmt::format("sentence {}: {}", number + 1, w));
    outputs.push_back(t.best.front().text);
    exact += outputs.back() == references[number];
    ++number;
  }
  if (file) {
    for (const std::string& line : outputs) file->write(bytes_of(line + "\n"));
    file->commit();
  }
  print_line(corpus_bleu(outputs, references, options).format());
  print_line(corpus_chrf(outputs, references, {o.lowercase}).format());
  print_line(fmt::format("exact match = {:.2f} % of {} sentences", 100.0 * static_cast<double>(exact) / static_cast<double>(number), number));
}

struct ScoreOptions {
  DeviceOptions device;
  PairOptions pairs;
  std::string model;
};

void score_pairs(const ScoreOptions& o) {
  const auto kernels = o.device.make();
  const LoadedModel loaded = load_model(resolve_checkpoint(o.model), *kernels);
  for (double s : score(*loaded.model, loaded.tokenizers, o.pairs.read())) print_line(fmt::format("{:.4f}", s));
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto* command = app.add_subcommand("evaluate", "translate a text with known translations; print BLEU and chrF");
  const auto o = std::make_shared<EvaluateOptions>();
  command->add_option("--model", o->model, "a run or one of its checkpoints")->required();
  o->pairs.declare(*command);
  command->add_option("--beam", o->search.beam, "beam width; 1 is greedy")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_option("--length-penalty", o->search.length_penalty, "rank by log-probability / length^this")
      ->capture_default_str();
  command->add_option("--batch", o->batch, "most sentences translated together")->check(CLI::Range(1, 100000))->capture_default_str();
  command->add_option("--tokenize", o->tokenize, "how BLEU finds words: 13a, zh, none, or auto by the references")
      ->capture_default_str();
  command->add_flag("--lowercase", o->lowercase, "score in lower case");
  command->add_option("--output", o->output, "write the translations to this file, too");
  o->device.declare(*command);
  command->callback([o] { evaluate(*o); });
}

void add_score(CLI::App& app) {
  auto* command = app.add_subcommand("score", "print the log-probability (natural) of each target given its source");
  const auto o = std::make_shared<ScoreOptions>();
  command->add_option("--model", o->model, "a run or one of its checkpoints")->required();
  o->pairs.declare(*command);
  o->device.declare(*command);
  command->callback([o] { score_pairs(*o); });
}

}  // namespace tenfold::cli
