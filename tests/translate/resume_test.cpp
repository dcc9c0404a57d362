// A run that was interrupted and resumed is, bit for bit, the run that was not.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "translate/small_run.hpp"

using namespace tenfold;
using namespace tenfold::test;
namespace fs = std::filesystem;

namespace {

/// Everything a run leaves that later steps depend on; times are left out.
struct State {
  std::int64_t step;
  std::string weights, moments;
  nlohmann::json training;
  explicit State(const fs::path& run)
      : step(CheckpointStore(run).last()->step),
        weights(get(run / "last" / "model.safetensors")),
        moments(get(run / "last" / "training.safetensors")),
        training(nlohmann::json::parse(get(run / "last" / "training.json"))) {
    training.erase("seconds");
  }
  bool operator==(const State&) const = default;
};

std::vector<nlohmann::json> events(const fs::path& run, const std::string& kind) {
  std::vector<nlohmann::json> found;
  for (const nlohmann::json& e : read_run_log(run / "log.jsonl").events)
    if (e["event"] == kind) {
      found.push_back(e);
      found.back().erase("seconds");
      found.back().erase("tokens_per_second");
    }
  return found;
}

/// Stops at each of these steps, resumes, and goes on to the end.
void check_interrupted(const TrainSettings& s, const fs::path& whole,
                       const std::vector<std::int64_t>& stops) {
  CAPTURE(stops.front());
  TemporaryFolder folder;
  bool resume = false;
  for (std::int64_t stop : stops) {
    CHECK(train(folder.path(), s, resume, stop) == Trainer::Outcome::interrupted);
    CHECK(CheckpointStore(folder.path()).last()->step == stop);
    resume = true;
  }
  CHECK(train(folder.path(), s, true) == Trainer::Outcome::finished);
  CHECK(State(folder.path()) == State(whole));
  CHECK(events(folder.path(), "train") == events(whole, "train"));
  CHECK(events(folder.path(), "validation") == events(whole, "validation"));
}

std::int64_t steps_of_first_epoch(const fs::path& run) { return events(run, "validation").front()["step"]; }

}  // namespace

TEST_CASE("interrupted anywhere and resumed, a run gives the same weights, moments, state and log") {
  TrainSettings s = small_settings();
  TemporaryFolder whole;
  CHECK(train(whole.path(), s, false) == Trainer::Outcome::finished);
  const std::int64_t epoch = steps_of_first_epoch(whole.path());
  REQUIRE(epoch > 10);
  check_interrupted(s, whole.path(), {1});
  check_interrupted(s, whole.path(), {epoch / 2, epoch / 2 + 1});
  check_interrupted(s, whole.path(), {epoch - 1, epoch, epoch + 1});
  check_interrupted(s, whole.path(), {State(whole.path()).step});
}

TEST_CASE("the same with accumulated batches, AdamW and a cosine schedule") {
  TrainSettings s = small_settings();
  s.accumulate = 3;
  s.optimizer = "adamw";
  s.schedule = "cosine";
  s.model.pre_norm = false;
  s.model.learned_positions = true;
  TemporaryFolder whole;
  train(whole.path(), s, false);
  check_interrupted(s, whole.path(), {2, steps_of_first_epoch(whole.path()) + 2});
}

TEST_CASE("what the log holds beyond the last checkpoint is dropped when the run is resumed") {
  TrainSettings s = small_settings();
  TemporaryFolder whole, crashed;
  train(whole.path(), s, false);
  struct Crash {};
  struct Crasher final : TrainObserver {
    std::int64_t at;
    void on_step(const StepReport& r) override {
      if (r.step == at) throw Crash{};
    }
  } crasher;
  const SmallCorpus& c = small_corpus();
  crasher.at = State(whole.path()).step - 1;  // far into the last epoch
  TrainSettings sized = s;
  sized.model = c.settings.model;
  Trainer trainer(one_thread(), sized, c.tokenizers, c.data, crashed.path(), false, crasher);
  CHECK_THROWS_AS(trainer.run([] { return false; }), Crash);
  REQUIRE(events(crashed.path(), "train").back()["step"] > CheckpointStore(crashed.path()).last()->step);
  CHECK(train(crashed.path(), s, true) == Trainer::Outcome::finished);
  CHECK(events(crashed.path(), "train") == events(whole.path(), "train"));
  CHECK(State(crashed.path()) == State(whole.path()));
}

TEST_CASE("a finished run is resumed to more epochs") {
  TrainSettings s = small_settings();
  s.schedule = "constant";
  TemporaryFolder whole, longer;
  train(whole.path(), s, false);
  s.epochs = 1;
  train(longer.path(), s, false);
  CHECK(train(longer.path(), s, true) == Trainer::Outcome::finished);  // nothing left to do
  s.epochs = 2;
  CHECK(train(longer.path(), s, true) == Trainer::Outcome::finished);
  CHECK(State(longer.path()) == State(whole.path()));
}

TEST_CASE("a run resumed with larger batches comes to its end") {
  TrainSettings s = small_settings();
  s.epochs = 1;
  TemporaryFolder folder;
  train(folder.path(), s, false, 12);
  s.batch_tokens = 4096;  // an epoch now has fewer steps than are done already
  CHECK(train(folder.path(), s, true) == Trainer::Outcome::finished);
}

TEST_CASE("a training state that is damaged or of another corpus is refused") {
  TrainSettings s = small_settings();
  TemporaryFolder folder;
  train(folder.path(), s, false, 3);
  const fs::path dir = CheckpointStore(folder.path()).last()->path, path = dir / "training.json";
  const std::string text = get(path);
  const auto refusal = [&](const std::string& changed) {
    put(path, changed);
    const std::string message = message_of<Error>([&] { train(folder.path(), s, true, 4); });
    put(path, text);
    return message;
  };
  const auto with = [&](const char* key, const nlohmann::json& value) {
    nlohmann::json j = nlohmann::json::parse(text);
    j[key] = value;
    return refusal(j.dump());
  };
  const std::string damaged = path.string() + ": the training state is damaged";
  CHECK(refusal("") == damaged);
  CHECK(refusal(text.substr(0, text.size() / 2)) == damaged);
  CHECK(refusal("[]") == damaged);
  CHECK(with("group", -1) == damaged);
  CHECK(with("group", "one") == damaged);
  CHECK(with("step", 4) == damaged);
  CHECK(with("epoch", -2) == damaged);
  CHECK(with("seconds", nullptr) == damaged);
  CHECK(with("pairs", 7).find("trained on 7 pairs, but the corpus now has 200") != std::string::npos);
  put(dir / "training.safetensors", "");
  CHECK(message_of<Error>([&] {
          train(folder.path(), s, true, 4);
        }).starts_with((dir / "training.safetensors").string()));
  fs::remove(dir / "training.safetensors");
  CHECK(message_of<IoError>([&] { train(folder.path(), s, true, 4); }).find("training.safetensors") !=
        std::string::npos);
  TemporaryFolder nothing;
  CHECK(message_of<IoError>([&] { train(nothing.path(), s, true); }) ==
        "cannot resume " + nothing.path().string() + ": there is no checkpoint in it");
}

TEST_CASE("a run is not resumed with another model") {
  TrainSettings s = small_settings();
  TemporaryFolder folder;
  train(folder.path(), s, false, 3);
  s.model.feed_forward_dim = 48;
  CHECK(
      message_of<DataError>([&] { train(folder.path(), s, true); }).ends_with("the model has changed since"));
}
