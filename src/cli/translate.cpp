#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "cli/commands.hpp"
#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/checkpoint_store.hpp"
#include "io/descriptor.hpp"
#include "text/lines.hpp"
#include "translate/translator.hpp"

namespace tenfold::cli {
namespace {

struct TranslateOptions {
  DeviceOptions device;
  SearchOptions search;
  std::string model, input, attention;
  std::size_t batch = 32;
  bool scores = false;
};

/// Reads lines in the background, so that a line typed alone is translated at once while a file is taken in batches.
/// The reading thread may wait for a terminal for ever; it shares the state, and is left alone when we are done.
class LineQueue {
 public:
  explicit LineQueue(LineReader reader) : state_(std::make_shared<State>()) {
    std::thread([state = state_, r = std::move(reader)]() mutable { state->fill(r); }).detach();
  }

  /// All lines there are, at least one and at most `most`; empty at the end.
  std::vector<std::string> take(std::size_t most) {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return !state_->lines.empty() || state_->finished; });
    std::vector<std::string> taken;
    while (!state_->lines.empty() && taken.size() < most) {
      taken.push_back(std::move(state_->lines.front()));
      state_->lines.pop_front();
    }
    state_->changed.notify_all();
    if (taken.empty() && state_->error) std::rethrow_exception(state_->error);
    return taken;
  }

 private:
  struct State {
    static constexpr std::size_t capacity = 4096;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> lines;
    std::exception_ptr error;
    bool finished = false;

    void fill(LineReader& reader) {
      std::exception_ptr failure;
      try {
        std::string line;
        while (reader.next(line)) {
          std::unique_lock lock(mutex);
          changed.wait(lock, [&] { return lines.size() < capacity; });
          lines.push_back(std::move(line));
          changed.notify_all();
        }
      } catch (...) {
        failure = std::current_exception();
      }
      std::lock_guard lock(mutex);
      error = failure;
      finished = true;
      changed.notify_all();
    }
  };

  std::shared_ptr<State> state_;
};

std::string formatted(const TranslatedText& t, bool scores) {
  return scores ? fmt::format("{:.4f}\t{}", t.hypothesis.score, t.text) : t.text;
}

nlohmann::json to_json(const AttentionPicture& picture) {
  nlohmann::json layers = nlohmann::json::array();
  for (const AttentionMap& map : picture.layers) layers.push_back({{"name", map.name}, {"heads", map.heads}});
  return {{"source", picture.source}, {"target", picture.target}, {"layers", layers}};
}

void run(const TranslateOptions& o) {
  if (o.search.nbest > o.search.beam) throw UsageError("--nbest cannot be larger than --beam");
  o.search.validate();
  const auto kernels = o.device.make();
  const LoadedModel loaded = load_model(resolve_checkpoint(o.model), *kernels);
  LineQueue queue(o.input.empty() ? LineReader::standard_input() : LineReader(o.input));
  std::optional<AtomicFile> file;  // opened now, so that a bad name is known before the work is done
  if (!o.attention.empty()) file.emplace(o.attention);
  nlohmann::json pictures = nlohmann::json::array();
  PreparedWeights prepared(*kernels);
  SearchOptions search = o.search;
  search.scores = o.scores;
  std::size_t number = 0;
  // Long enough to sort by length, short enough to answer soon.
  for (auto lines = queue.take(8 * o.batch); !lines.empty(); lines = queue.take(8 * o.batch)) {
    for (const Translation& t : translate(*loaded.model, loaded.tokenizers, lines, search, o.batch, &prepared)) {
      ++number;
      for (const std::string& warning : t.warnings) warn(fmt::format("line {}: {}", number, warning));
      for (const TranslatedText& best : t.best) print_line(formatted(best, o.scores));
      if (!o.attention.empty())
        pictures.push_back(to_json(attention_picture(*loaded.model, loaded.tokenizers, t.source, t.best.front().hypothesis.tokens)));
    }
    flush_output();
  }
  if (file) {
    file->write(bytes_of(nlohmann::json{{"sentences", pictures}}.dump() + "\n"));
    file->commit();
  }
}

}  // namespace

void add_translate(CLI::App& app) {
  auto* command = app.add_subcommand("translate", "translate lines, from a file or standard input, in order as they come");
  const auto o = std::make_shared<TranslateOptions>();
  command->add_option("--model", o->model, "a run or one of its checkpoints")->required();
  command->add_option("input", o->input, "a text file, plain or .gz (default: standard input)");
  command->add_option("--beam", o->search.beam, "beam width; 1 is greedy")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_option("--length-penalty", o->search.length_penalty, "rank by log-probability / length^this")
      ->capture_default_str();
  command->add_option("--nbest", o->search.nbest, "translations per line, each on its own line")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--batch", o->batch, "most sentences translated together")->check(CLI::Range(1, 100000))->capture_default_str();
  command->add_flag("--scores", o->scores, "put each translation's score before it, and a tab");
  command->add_option("--attention", o->attention, "write the attention of decoder to encoder to this file, as JSON");
  o->device.declare(*command);
  command->callback([o] { run(*o); });
}

}  // namespace tenfold::cli
