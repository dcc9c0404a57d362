#include "translate/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "core/errors.hpp"

namespace tenfold {
namespace {

void one_of(const char* field, const std::string& value, const std::vector<std::string>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
    throw UsageError(fmt::format("{}: \"{}\" is none of {}{}", field, value, fmt::join(allowed, ", "),
                                 suggestion(value, allowed)));
}

template <class T>
void between(const char* field, T value, T low, T high) {
  if (!(value >= low && value <= high))
    throw UsageError(fmt::format("{}: must be {} to {}, got {}", field, low, high, value));
}

TrainSettings demo() {
  TrainSettings s;
  s.model.model_dim = 96;
  s.model.heads = 4;
  s.model.feed_forward_dim = 256;
  s.model.max_length = 64;
  s.model.dropout = 0.0;
  s.vocabulary = 1400;  // most words whole: short sequences, and no spelling to learn
  s.learning_rate = 4e-3;
  s.schedule = "cosine";
  s.warmup = 100;
  s.label_smoothing = 0.0;
  s.epochs = 8;
  s.validation_sample = 200;
  return s;
}

TrainSettings tiny() {
  TrainSettings s;
  s.learning_rate = 5e-3;
  s.schedule = "cosine";
  s.epochs = 24;
  s.warmup = 400;
  s.keep = 5;
  return s;
}

TrainSettings hour() {
  TrainSettings s = tiny();
  s.model.model_dim = 192;
  s.model.heads = 6;
  s.model.feed_forward_dim = 384;
  s.model.encoder_layers = s.model.decoder_layers = 4;
  s.model.dropout = 0.25;
  s.learning_rate = 4e-3;
  s.epochs = 50;
  return s;
}

TrainSettings small() {
  TrainSettings s = tiny();
  s.model.model_dim = 256;
  s.model.heads = 8;
  s.model.feed_forward_dim = 1024;
  s.model.encoder_layers = s.model.decoder_layers = 3;
  s.model.dropout = 0.2;
  s.learning_rate = 3e-3;
  return s;
}

TrainSettings patient() {
  TrainSettings s = small();
  s.model.feed_forward_dim = 512;
  s.model.dropout = 0.3;
  s.epochs = 80;
  return s;
}

}  // namespace

void TrainSettings::validate() const {
  one_of("tokenizer", tokenizer, {"unigram", "bpe"});
  one_of("optimizer", optimizer, {"adam", "adamw"});
  one_of("schedule", schedule, {"inverse_sqrt", "cosine", "constant"});
  between<Index>("vocabulary", vocabulary, 8, 1'000'000);
  between<Index>("batch_tokens", batch_tokens, 1, 1 << 24);
  between<Index>("accumulate", accumulate, 1, 1 << 16);
  between("character_coverage", character_coverage, 0.901, 1.0);
  between("beta1", beta1, 0.0, 0.99999);
  between("beta2", beta2, 0.0, 0.9999999);
  between("epsilon", epsilon, 1e-30, 1.0);  // below, float would divide by zero
  between("weight_decay", weight_decay, 0.0, 1e3);
  between("learning_rate", learning_rate, 0.0, 1e3);
  between<Index>("warmup", warmup, 0, 1 << 30);
  between("clip", clip, 0.0, 1e30);
  between("label_smoothing", label_smoothing, 0.0, 0.999);
  between<Index>("epochs", epochs, 1, 1 << 30);
  between<Index>("steps", steps, 0, Index{1} << 40);
  between("minutes", minutes, 0.0, 1e9);
  between<Index>("patience", patience, 0, 1 << 30);
  between<Index>("validation_sample", validation_sample, 0, 1 << 30);
  between<Index>("keep", keep, 1, 10000);
  ModelConfig sized = model;
  sized.source_vocabulary = sized.target_vocabulary = vocabulary;
  try {
    sized.validate();
  } catch (const DataError& e) {
    throw UsageError(e.what());
  }
}

void require_memory(const TrainSettings& settings) {
  ModelConfig sized = settings.model;
  sized.source_vocabulary = sized.target_vocabulary = settings.vocabulary;
  const double needed = 4.0 * sizeof(float) * static_cast<double>(sized.parameter_count());
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  constexpr double gib = 1 << 30;
  if (needed > memory)
    throw UsageError(fmt::format("a model of {} parameters needs {:.1f} GiB to train, but this machine has {:.1f} GiB; "
                                 "make it smaller", sized.parameter_count(), needed / gib, memory / gib));
}

const std::vector<std::string>& preset_names() {
  static const std::vector<std::string> names{"demo", "tiny", "hour", "small", "patient"};
  return names;
}

TrainSettings preset(std::string_view name) {
  if (name == "demo") return demo();
  if (name == "tiny") return tiny();
  if (name == "hour") return hour();
  if (name == "small") return small();
  if (name == "patient") return patient();
  throw UsageError(fmt::format("preset: \"{}\" is none of {}{}", name, fmt::join(preset_names(), ", "),
                               suggestion(name, preset_names())));
}

nlohmann::json to_json(const TrainSettings& settings) {
  nlohmann::json j = nlohmann::json::object();
  for_each_setting(settings, [&](const char* name, const auto& field, const char*) { j[name] = field; });
  return j;
}

void apply_json(TrainSettings& settings, const nlohmann::json& j, const std::string& where) {
  if (!j.is_object()) throw DataError(where + ": a JSON object of settings is expected");
  std::vector<std::string> names;
  for_each_setting(settings, [&](const char* name, auto&, const char*) { names.push_back(name); });
  for (const auto& [key, value] : j.items())
    if (std::find(names.begin(), names.end(), key) == names.end())
      throw DataError(fmt::format("{}: unknown setting \"{}\"{}", where, key, suggestion(key, names)));
  TrainSettings changed = settings;
  for_each_setting(changed, [&](const char* name, auto& field, const char*) {
    using T = std::decay_t<decltype(field)>;
    const auto at = j.find(name);
    if (at == j.end()) return;
    bool fits = std::is_same_v<T, bool> ? at->is_boolean() : std::is_same_v<T, std::string> ? at->is_string()
                : std::is_integral_v<T> ? at->is_number_integer() : at->is_number();
    if (std::is_unsigned_v<T> && !std::is_same_v<T, bool> && !at->is_number_unsigned()) fits = false;
    if (!fits) throw DataError(fmt::format("{}: \"{}\" has the wrong type", where, name));
    field = at->template get<T>();
  });
  settings = std::move(changed);
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = 1 + std::max<std::size_t>(2, word.size() / 2);
  for (const std::string& c : candidates) {
    std::vector<std::size_t> row(c.size() + 1);  // Levenshtein 1966, one row at a time
    for (std::size_t i = 0; i <= c.size(); ++i) row[i] = i;
    for (std::size_t a = 1; a <= word.size(); ++a) {
      std::size_t diagonal = row[0];
      row[0] = a;
      for (std::size_t b = 1; b <= c.size(); ++b) {
        const std::size_t replaced = diagonal + (word[a - 1] != c[b - 1]);
        diagonal = row[b];
        row[b] = std::min({row[b] + 1, row[b - 1] + 1, replaced});
      }
    }
    if (row[c.size()] < best_distance) {
      best_distance = row[c.size()];
      best = c;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
}

}  // namespace tenfold
