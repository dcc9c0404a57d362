// Checkpoints: what is saved is loaded again, and whatever is wrong with one is said in one line.
#include "translate/model_files.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "translate/small_run.hpp"

using namespace tenfold;
using namespace tenfold::test;
namespace fs = std::filesystem;

namespace {

/// A checkpoint in a folder of its own, untrained.
struct Saved {
  TemporaryFolder folder;
  TrainSettings settings;
  Transformer model;
  explicit Saved(const SmallCorpus& c = small_corpus())
      : settings(c.settings), model(one_thread(), settings.model, 1) {
    save_model(folder.path(), model, settings, c.tokenizers);
  }
  fs::path weights() const { return folder / "model.safetensors"; }
  /// The one line that loading says; with the folder's name left out.
  std::string refusal() const {
    std::string text = message_of<Error>([&] { load_model(folder.path(), one_thread()); });
    const std::string prefix = folder.path().string() + "/";
    for (std::size_t at = text.find(prefix); at != text.npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }
};

SmallCorpus separate_corpus() {
  TrainSettings s = small_settings();
  s.model.joint_vocabulary = s.model.tied_embeddings = s.model.pre_norm = false;
  s.model.learned_positions = s.model.gelu = true;
  s.vocabulary = 120;
  s.tokenizer = "bpe";
  return SmallCorpus(s);
}

/// Writes the weights anew after `change` has had them.
template <class Change>
std::string refusal_of(const Change& change) {
  const Saved saved;
  std::vector<StoredTensor> tensors = read_safetensors(saved.weights()).tensors();
  change(tensors);
  write_safetensors(saved.weights(), tensors);
  return saved.refusal();
}

StoredTensor& named(std::vector<StoredTensor>& tensors, const std::string& name) {
  return *std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
}

std::string refusal_of_config(const char* key, const nlohmann::json& value) {
  const Saved saved;
  nlohmann::json j = nlohmann::json::parse(get(saved.folder / "config.json"));
  (j["settings"].contains(key) ? j["settings"] : j)[key] = value;
  put(saved.folder / "config.json", j.dump());
  return saved.refusal();
}

}  // namespace

TEST_CASE("a model comes back as it was, with its settings and tokenizers") {
  static const SmallCorpus separate = separate_corpus();
  for (const SmallCorpus* c : {&small_corpus(), &separate}) {
    Saved saved(*c);
    const LoadedModel loaded = load_model(saved.folder.path(), one_thread());
    CHECK(all_weights(*loaded.model) == all_weights(saved.model));
    CHECK(loaded.settings.model == saved.settings.model);
    CHECK(to_json(loaded.settings) == to_json(saved.settings));
    const std::string text = c->text.train[0].target;
    CHECK(loaded.tokenizers.target.encode(text) == c->tokenizers.target.encode(text));
    CHECK(loaded.tokenizers.source.serialized() == c->tokenizers.source.serialized());
    CHECK(fs::exists(saved.folder / "tokenizer.model") == saved.settings.model.joint_vocabulary);
  }
}

TEST_CASE("every weight must be there, under its name") {
  const Saved saved;
  const auto all = read_safetensors(saved.weights()).tensors();
  for (const StoredTensor& t : all) {
    CAPTURE(t.name);
    const auto dropped = [&](auto& tensors) {
      std::erase_if(tensors, [&](const auto& x) { return x.name == t.name; });
    };
    const auto renamed = [&](auto& tensors) { named(tensors, t.name).name += "s"; };
    if (t.name == "src_embed.weight") {  // tied: a copy for other programs
      CHECK(refusal_of(dropped) == "(nothing thrown)");
      CHECK(refusal_of(renamed) ==
            "model.safetensors: there is no place for tensor \"src_embed.weights\" in this model");
    } else {
      CHECK(refusal_of(renamed) == "model.safetensors: there is no tensor \"" + t.name + "\"");
    }
  }
}

TEST_CASE("a weight of another shape, type or value is refused") {
  const std::string name = "encoder.layers.0.linear1.weight";
  CHECK(refusal_of([&](auto& tensors) {
          named(tensors, name).shape = {16, 32};
        }) == "model.safetensors: tensor \"" + name + "\" must have shape [32, 16], got [16, 32]");
  CHECK(refusal_of([&](auto& tensors) { named(tensors, name).shape = {512}; }) ==
        "model.safetensors: tensor \"" + name + "\" must have shape [32, 16], got [512]");
  CHECK(refusal_of([&](auto& tensors) { named(tensors, name).dtype = DType::i32; }) ==
        "model.safetensors: tensor \"" + name + "\" must be F32, got I32");
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const std::string text =
        refusal_of([&](auto& tensors) { std::memcpy(named(tensors, name).data.data() + 28, &bad, 4); });
    CHECK(text.starts_with("model.safetensors: tensor \"" + name + "\" holds "));
    CHECK(text.ends_with(" at entry 7"));
  }
  CHECK(refusal_of([&](auto& tensors) {
          tensors.push_back({"extra\n.weight", DType::f32, {1}, std::vector<std::byte>(4)});
        }) == "model.safetensors: there is no place for tensor \"extra\\n.weight\" in this model");
}

TEST_CASE("tied tables that differ are refused") {
  CHECK(refusal_of([](auto& tensors) { named(tensors, "src_embed.weight").data[5] ^= std::byte{1}; }) ==
        "model.safetensors: \"src_embed.weight\" differs from \"tgt_embed.weight\", but config.json says "
        "they are tied");
  CHECK(refusal_of([](auto& tensors) {
          StoredTensor copy = named(tensors, "tgt_embed.weight");
          copy.name = "generator.weight";
          tensors.push_back(copy);
        }) == "(nothing thrown)");
}

TEST_CASE("a configuration that does not fit the weights is refused") {
  CHECK(refusal_of_config("heads", 4) ==
        "model.safetensors: the weights are for 2 heads, pre-norm, ReLU, but config.json says 4 heads, "
        "pre-norm, ReLU");
  CHECK(refusal_of_config("pre_norm", false).find("says 2 heads, post-norm") != std::string::npos);
  CHECK(refusal_of_config("gelu", true).find("says 2 heads, pre-norm, GELU") != std::string::npos);
  CHECK(refusal_of_config("model_dim", 32).find("config.json asks for") != std::string::npos);
  CHECK(refusal_of_config("model_dim", 8).find("must have shape") != std::string::npos);
  CHECK(refusal_of_config("encoder_layers", 0).find("no place for tensor \"encoder.layers.0") !=
        std::string::npos);
  CHECK(refusal_of_config("tied_embeddings", false).starts_with("model.safetensors: "));
  CHECK(refusal_of_config("learned_positions", true).starts_with("model.safetensors: "));
  CHECK(refusal_of_config("joint_vocabulary", false).find("source.model") != std::string::npos);
}

TEST_CASE("a configuration that makes no sense is refused") {
  CHECK(refusal_of_config("heads", 3) ==
        "config.json: model: model_dim must be a multiple of heads, got 16 and 3");
  CHECK(refusal_of_config("heads", 0) == "config.json: model: heads must be 1 to 1024, got 0");
  CHECK(refusal_of_config("heads", "2") == "config.json: \"heads\" has the wrong type");
  CHECK(refusal_of_config("headz", 2) ==
        "(nothing thrown)");  // beside "settings", where any program may write
  CHECK(refusal_of_config("settings", nlohmann::json{{"headz", 2}}) ==
        "config.json: unknown setting \"headz\"; did you mean \"heads\"?");
  CHECK(refusal_of_config("settings", 5) == "config.json: a JSON object of settings is expected");
  CHECK(refusal_of_config("format", "tenfold-9") == "config.json: \"format\" must be \"tenfold-1\"");
  CHECK(refusal_of_config("source_vocabulary", nullptr) ==
        "config.json: \"source_vocabulary\" must be a whole number");
  CHECK(refusal_of_config("source_vocabulary", std::int64_t{1} << 62).find("got 4611686018427387904") !=
        std::string::npos);
  CHECK(refusal_of_config("target_vocabulary", 5).find("a joint vocabulary has one size") !=
        std::string::npos);
  CHECK(refusal_of_config("encoder_layers", 64).find("config.json asks for") != std::string::npos);
}

TEST_CASE("files that are missing, empty or no such thing are named") {
  for (const char* name : {"model.safetensors", "config.json", "tokenizer.model"}) {
    CAPTURE(name);
    const Saved saved;
    for (const char* content : {"", "{}", "nonsense", "[1, 2", "\xff\xfe"}) {
      put(saved.folder / name, content);
      CHECK(saved.refusal().starts_with(std::string(name) + ": "));
    }
    fs::remove(saved.folder / name);
    CHECK(saved.refusal().starts_with("cannot read " + std::string(name) + ": "));
    fs::create_directory(saved.folder / name);
    CHECK(saved.refusal().find(name) != std::string::npos);
  }
}

TEST_CASE("a tokenizer of another size is refused") {
  const Saved saved;
  const SmallCorpus other = separate_corpus();
  put(saved.folder / "tokenizer.model", other.tokenizers.source.serialized());
  CHECK(saved.refusal().starts_with("tokenizer.model: it has 120 pieces, but config.json says "));
}

namespace {

/// What becomes of one damaged file: it loads with the shapes it had, or a line says what is wrong.
void check_damage(const Saved& saved, const char* name, const std::string& damaged, bool may_load) {
  put(saved.folder / name, damaged);
  try {
    const LoadedModel loaded = load_model(saved.folder.path(), one_thread());
    CHECK(may_load);
    CHECK(loaded.settings.model.parameter_count() == saved.settings.model.parameter_count());
  } catch (const Error& e) {
    const std::string text = e.what();
    CHECK(text.find(saved.folder.path().string()) != text.npos);
    CHECK(text.find('\n') == text.npos);
  }
}

}  // namespace

TEST_CASE("a truncated file is refused, wherever it is cut") {
  const Saved saved;
  for (const char* name : {"model.safetensors", "config.json", "tokenizer.model"}) {
    CAPTURE(name);
    const std::string whole = get(saved.folder / name);
    for (std::size_t i = 0; i < 40; ++i) {
      const std::size_t length = i < 10 ? i : (whole.size() - 2) * (i - 9) / 30;
      CAPTURE(length);
      check_damage(saved, name, whole.substr(0, length), false);
    }
    put(saved.folder / name, whole);
  }
  CHECK(saved.refusal() == "(nothing thrown)");
}

TEST_CASE("a flipped bit is refused, or leaves a model of the same shapes") {
  const Saved saved;
  for (const char* name : {"config.json", "tokenizer.model", "model.safetensors"}) {
    CAPTURE(name);
    const bool checksums = std::string(name) == "model.safetensors";
    const std::string whole = get(saved.folder / name);
    const std::size_t step = std::max<std::size_t>(1, whole.size() / 150);
    for (std::size_t at = 0; at < whole.size(); at += step) {
      CAPTURE(at);
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      check_damage(saved, name, damaged, !checksums);
    }
    put(saved.folder / name, whole);
  }
}
