#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "core/errors.hpp"
#include "io/interrupt.hpp"
#include "text/bleu.hpp"
#include "text/grammar.hpp"
#include "text/utf8.hpp"
#include "translate/preparation.hpp"

namespace tenfold::cli {
namespace fs = std::filesystem;
namespace {

struct DemoOptions {
  DeviceOptions device;
  std::string out = "runs/demo";
  std::size_t pairs = 30000;
};

/// Exact match and BLEU of translations.
struct Quality {
  double exact = 0, bleu = 0;
};

Quality measure(Transformer& model, const Tokenizers& tokenizers, const std::vector<SentencePair>& pairs,
                std::vector<Translation>* kept = nullptr) {
  std::vector<std::string> sources, references, outputs;
  for (const SentencePair& p : pairs) {
    sources.push_back(p.source);
    references.push_back(p.target);
  }
  auto translations = translate(model, tokenizers, sources);
  Quality q;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    outputs.push_back(translations[i].best.front().text);
    q.exact += outputs[i] == references[i];
  }
  q.exact *= 100.0 / static_cast<double>(pairs.size());
  q.bleu = corpus_bleu(outputs, references).score;
  if (kept) *kept = std::move(translations);
  return q;
}

// A piece as a column heading or row label: its word mark as a space, cut to `width` code points.
std::string label(const std::string& piece, std::size_t width) {
  std::string out;
  std::size_t count = 0;
  for (std::size_t at = 0; at < piece.size() && count < width; ++count) {
    const auto point = decode_utf8(piece, at);
    if (!point) break;
    out += point->value == 0x2581 ? "_" : piece.substr(at, point->next - at);
    at = point->next;
  }
  return out + std::string(width - count, ' ');
}

// The mean over heads of the last layer's attention, target rows by source columns, in five shades.
void draw_attention(const AttentionPicture& picture) {
  static const char* shades[] = {" ", "░", "▒", "▓", "█"};
  const AttentionMap& map = picture.layers.back();
  constexpr std::size_t width = 6, side = 12;
  std::string head(side + 1, ' ');
  for (const std::string& piece : picture.source) head += label(piece, width);
  print_line(head);
  for (std::size_t t = 0; t < picture.target.size(); ++t) {
    std::string row = label(picture.target[t], side) + " ";
    for (std::size_t s = 0; s < picture.source.size(); ++s) {
      float weight = 0;
      for (const auto& h : map.heads) weight += h[t][s];
      weight /= static_cast<float>(map.heads.size());
      const char* shade = shades[std::min(4, static_cast<int>(weight * 5))];
      for (std::size_t i = 0; i + 1 < width; ++i) row += shade;
      row += ' ';
    }
    print_line(row);
  }
}

// A held-out sentence whose words change places: an adjective behind its noun, or a clitic before its verb.
std::size_t telling_sentence(const std::vector<SentencePair>& pairs) {
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (pairs[i].source.find(" red ") != std::string::npos && pairs[i].source.size() < 40) return i;
  return 0;
}

void show(Transformer& model, const Tokenizers& tokenizers, const BuiltinCorpus& corpus) {
  std::vector<Translation> translations;
  const Quality held_out = measure(model, tokenizers, corpus.test, &translations);
  const Quality longer = measure(model, tokenizers, corpus.longer);
  print_line("Held-out sentences, translated:");
  for (std::size_t i = 0; i < std::min<std::size_t>(8, corpus.test.size()); ++i) {
    const std::string& output = translations[i].best.front().text;
    print_line(fmt::format("  {}\n    {}{}", corpus.test[i].source, output,
                           output == corpus.test[i].target ? "" : "   (expected: " + corpus.test[i].target + ")"));
  }
  print_line(fmt::format("\n{} held-out sentences: {:.1f} % exactly right, BLEU {:.1f}", corpus.test.size(), held_out.exact,
                         held_out.bleu));
  print_line(fmt::format("{} sentences longer than any in training: {:.1f} % exactly right, BLEU {:.1f}",
                         corpus.longer.size(), longer.exact, longer.bleu));
  const std::size_t pick = telling_sentence(corpus.test);
  const Translation& t = translations[pick];
  print_line(fmt::format("\nWhere the decoder looks (last layer, mean of all heads) while it writes\n  {}\n  {}\n",
                         corpus.test[pick].source, t.best.front().text));
  draw_attention(attention_picture(model, tokenizers, t.source, t.best.front().hypothesis.tokens));
}

// Whether a folder holds only what a demo leaves; `tenfold train` leaves a run.json, too.
bool is_demo(const fs::path& folder) {
  static const std::vector<std::string> names{"last", "best", "log.jsonl", "log.svg", "log.png"};
  if (!fs::is_directory(folder)) return false;
  return std::all_of(fs::directory_iterator(folder), fs::directory_iterator(), [](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    return name.starts_with("checkpoint-") || name.starts_with(".tenfold-") ||
           std::find(names.begin(), names.end(), name) != names.end();
  });
}

// A demo starts afresh, but only an earlier demo may be thrown away.
void check_replaceable(const fs::path& out) {
  if (fs::exists(out) && !is_demo(out))
    throw UsageError(out.string() + " exists and is no earlier demo; choose another --out");
}

void clear_previous(const fs::path& out) {
  check_replaceable(out);
  std::error_code error;
  fs::remove_all(out, error);
  if (error) throw IoError("cannot replace " + out.string() + ": " + error.message());
}

void run(const DemoOptions& o) {
  check_replaceable(o.out);
  const auto kernels = o.device.make();
  TrainSettings settings = preset("demo");
  const BuiltinCorpus corpus = builtin_corpus(settings.seed, o.pairs);
  say(fmt::format("built-in corpus: {} English-French pairs, {} held out; for example\n", corpus.train.size(),
             corpus.test.size()));
  for (std::size_t i = 0; i < std::min<std::size_t>(3, corpus.train.size()); ++i)
    say(fmt::format("    {}\n    {}\n", corpus.train[i].source, corpus.train[i].target));
  const Tokenizers tokenizers = learn_tokenizers(settings, corpus.train);
  const TrainingData data = tokenise(tokenizers, corpus.train, corpus.validation);
  clear_previous(o.out);
  Console console;
  auto guard = std::make_unique<InterruptGuard>();
  Trainer trainer(*kernels, settings, tokenizers, data, o.out, false, console);
  say(fmt::format("{} parameters; {}\ntraining into {}\n", settings.model.parameter_count(), trainer.batches().summary(), o.out));
  const Trainer::Outcome outcome = trainer.run([] { return InterruptGuard::requested(); });
  console.end_line();
  if (outcome == Trainer::Outcome::interrupted) {
    say("interrupted; the demo starts afresh next time\n");
    end_interrupted(InterruptGuard::signal());
  }
  guard.reset();  // from here on Ctrl-C ends the program at once
  print_line("");
  show(trainer.model(), tokenizers, corpus);
  print_line(fmt::format("\nTry your own:  echo \"The red cat does not see me.\" | {} translate --model {}", program_name(), o.out));
}

}  // namespace

void add_demo(CLI::App& app) {
  auto* command = app.add_subcommand("demo", "train on the built-in corpus for a few minutes and show what was learned");
  const auto o = std::make_shared<DemoOptions>();
  command->add_option("--out", o->out, "folder of the run; what is in it is replaced")->capture_default_str();
  command->add_option("--pairs", o->pairs, "training pairs")->check(CLI::Range(20000, 200000))->capture_default_str();
  o->device.declare(*command);
  command->callback([o] { run(*o); });
}

}  // namespace tenfold::cli
