#include "translate/settings.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/temporary_folder.hpp"

using namespace tenfold;
using tenfold::test::message_of;

namespace {

std::string refusal(const nlohmann::json& j) {
  TrainSettings s;
  return message_of<DataError>([&] { apply_json(s, j, "my.json"); });
}

template <class Change>
std::string invalid(const Change& change) {
  TrainSettings s = preset("tiny");
  change(s);
  return message_of<Error>([&] { s.validate(); });
}

}  // namespace

TEST_CASE("every preset makes sense") {
  for (const std::string& name : preset_names()) {
    CAPTURE(name);
    CHECK_NOTHROW(preset(name).validate());
  }
  CHECK(preset("tiny").model.model_dim == 128);
  CHECK(preset("hour").model.model_dim == 192);
  CHECK(preset("small").model.encoder_layers == 3);
  CHECK(preset("patient").model.feed_forward_dim == 512);
}

TEST_CASE("docs/training.md says what the presets are") {
  const std::string page = read_file(std::filesystem::path(TENFOLD_SOURCE_DIR) / "docs/training.md");
  for (const std::string& name : preset_names()) {
    const TrainSettings s = preset(name);
    const ModelConfig& m = s.model;
    const std::string row =
        fmt::format("\n| `{}` | {} | {} | {} | {}+{} | {} | {} | {} | {} | ", name, m.model_dim, m.heads, m.feed_forward_dim,
                    m.encoder_layers, m.decoder_layers, s.vocabulary, m.dropout, s.learning_rate, s.epochs);
    CAPTURE(row);
    CHECK(page.find(row) != page.npos);
  }
}

TEST_CASE("an unknown preset is answered with the nearest") {
  CHECK(message_of<UsageError>([] { preset("tinny"); }) ==
        "preset: \"tinny\" is none of demo, tiny, hour, small, patient; did you mean \"tiny\"?");
  CHECK(message_of<UsageError>([] { preset("enormous-thing"); }) ==
        "preset: \"enormous-thing\" is none of demo, tiny, hour, small, patient");
}

TEST_CASE("settings survive the way through JSON") {
  TrainSettings s = preset("small");
  s.model.gelu = true;
  s.model.dropout = 0.25;
  s.tokenizer = "bpe";
  s.learning_rate = 1.0 / 3;
  s.seed = std::numeric_limits<std::uint64_t>::max();
  TrainSettings back;
  apply_json(back, nlohmann::json::parse(to_json(s).dump()), "test");
  CHECK(to_json(back) == to_json(s));
  CHECK(back.learning_rate == s.learning_rate);
  CHECK(back.seed == s.seed);
  CHECK(back.model == s.model);
}

TEST_CASE("a config file changes what it names and nothing else") {
  TrainSettings s = preset("tiny");
  const nlohmann::json before = to_json(s);
  apply_json(s, {{"heads", 8}, {"dropout", 0}}, "my.json");
  nlohmann::json expected = before;
  expected["heads"] = 8;
  expected["dropout"] = 0.0;
  CHECK(to_json(s) == expected);
}

TEST_CASE("settings that do not exist or have the wrong type are named") {
  CHECK(refusal({{"learning_rat", 1}}) ==
        "my.json: unknown setting \"learning_rat\"; did you mean \"learning_rate\"?");
  CHECK(refusal({{"zzzzzzzzzzzz", 1}}) == "my.json: unknown setting \"zzzzzzzzzzzz\"");
  CHECK(refusal({{"heads", "four"}}) == "my.json: \"heads\" has the wrong type");
  CHECK(refusal({{"heads", 4.5}}) == "my.json: \"heads\" has the wrong type");
  CHECK(refusal({{"pre_norm", 1}}) == "my.json: \"pre_norm\" has the wrong type");
  CHECK(refusal({{"optimizer", true}}) == "my.json: \"optimizer\" has the wrong type");
  CHECK(refusal({{"seed", -1}}) == "my.json: \"seed\" has the wrong type");
  CHECK(refusal({{"dropout", nullptr}}) == "my.json: \"dropout\" has the wrong type");
  CHECK(refusal(nlohmann::json::array()) == "my.json: a JSON object of settings is expected");
}

TEST_CASE("a refused config file changes nothing") {
  TrainSettings s = preset("tiny");
  CHECK_THROWS_AS(apply_json(s, {{"model_dim", 64}, {"heads", "many"}}, "my.json"), DataError);
  CHECK(to_json(s) == to_json(preset("tiny")));
}

TEST_CASE("values out of range are refused by name") {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(invalid([](auto& s) { s.optimizer = "adma"; }) ==
        "optimizer: \"adma\" is none of adam, adamw; did you mean \"adam\"?");
  CHECK(invalid([](auto& s) { s.schedule = "linear"; }).starts_with("schedule: "));
  CHECK(invalid([](auto& s) { s.tokenizer = ""; }).starts_with("tokenizer: "));
  CHECK(invalid([](auto& s) { s.vocabulary = 0; }) == "vocabulary: must be 8 to 1000000, got 0");
  CHECK(invalid([&](auto& s) { s.learning_rate = nan; }).starts_with("learning_rate: "));
  CHECK(invalid([](auto& s) { s.learning_rate = -1; }).starts_with("learning_rate: "));
  CHECK(invalid([](auto& s) { s.label_smoothing = 1; }).starts_with("label_smoothing: "));
  CHECK(invalid([](auto& s) { s.batch_tokens = 0; }).starts_with("batch_tokens: "));
  CHECK(invalid([](auto& s) { s.accumulate = 0; }).starts_with("accumulate: "));
  CHECK(invalid([](auto& s) { s.epochs = -3; }).starts_with("epochs: "));
  CHECK(invalid([&](auto& s) { s.model.dropout = nan; }).starts_with("model: dropout"));
  CHECK(invalid([](auto& s) { s.model.heads = 3; }) ==
        "model: model_dim must be a multiple of heads, got 128 and 3");
  CHECK(invalid([](auto& s) { s.model.max_length = 1; }).starts_with("model: max_length"));
}

TEST_CASE("a model larger than the memory is refused before it is made") {
  TrainSettings s;
  s.model.model_dim = 16384;
  s.model.feed_forward_dim = 65536;
  s.model.encoder_layers = s.model.decoder_layers = 64;
  CHECK_NOTHROW(s.validate());
  const std::string text = message_of<UsageError>([&] { require_memory(s); });
  CHECK(text.starts_with("a model of 481"));
  CHECK(text.find("GiB to train, but this machine has") != text.npos);
  CHECK_NOTHROW(require_memory(preset("small")));
}

TEST_CASE("nearest counts insertions, deletions and replacements") {
  const std::vector<std::string> names{"train", "translate", "score"};
  CHECK(nearest("trian", names) == "train");
  CHECK(nearest("translte", names) == "translate");
  CHECK(nearest("scores", names) == "score");
  CHECK(nearest("xyz", names).empty());
  CHECK(nearest("", names).empty());
}
