#include "translate/model_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "backend/parallel.hpp"
#include "io/atomic_file.hpp"
#include "io/descriptor.hpp"
#include "io/json_file.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace fs = std::filesystem;
namespace {

constexpr const char* format_name = "tenfold-1";
constexpr const char* weights_file = "model.safetensors";
constexpr const char* config_file = "config.json";

// What the weights' shapes do not show, so that a config.json that was altered is noticed.
std::string architecture(const ModelConfig& c) {
  return fmt::format("{} heads, {}-norm, {}", c.heads, c.pre_norm ? "pre" : "post", c.gelu ? "GELU" : "ReLU");
}

void save_tokenizers(const fs::path& dir, const TrainSettings& settings, const Tokenizers& t) {
  if (settings.model.joint_vocabulary) return write_file_atomically(dir / "tokenizer.model", t.source.serialized());
  write_file_atomically(dir / "source.model", t.source.serialized());
  write_file_atomically(dir / "target.model", t.target.serialized());
}

Tokenizer load_tokenizer(const fs::path& path, Index vocabulary) {
  const std::string bytes = read_file(path);
  try {
    Tokenizer t = Tokenizer::from_serialized(bytes);
    if (t.vocab_size() != vocabulary)
      throw DataError(fmt::format("it has {} pieces, but config.json says {}", t.vocab_size(), vocabulary));
    return t;
  } catch (const DataError& e) {
    throw DataError(path.string() + ": " + e.what());
  }
}

/// Throws DataError unless the tensor is float32 and of that shape; the text that messages about it begin with.
std::string check_kind(const fs::path& path, const std::string& name, DType dtype, const Shape& has, const Shape& wanted) {
  std::string where = path.string() + ": tensor \"" + name + "\"";
  if (dtype != DType::f32) throw DataError(fmt::format("{} must be F32, got {}", where, name_of(dtype)));
  if (has != wanted) throw DataError(fmt::format("{} must have shape {}, got {}", where, to_string(wanted), to_string(has)));
  return where;
}

void check_finite(const std::string& where, std::span<const float> values, std::size_t first) {
  std::uint32_t largest = 0;  // of the bits without sign: infinity's and NaN's come after all others
  for (float v : values) largest = std::max(largest, std::bit_cast<std::uint32_t>(v) & 0x7fffffffU);
  if (largest < std::bit_cast<std::uint32_t>(std::numeric_limits<float>::infinity())) return;
  const auto at = std::find_if_not(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
  throw DataError(fmt::format("{} holds {} at entry {}", where, *at, first + static_cast<std::size_t>(at - values.begin())));
}

/// Straight from the file to where the parameter lies.
void load_parameter(const SafetensorsReader& file, Parameter& p) {
  const SafetensorsReader::Entry& entry = file.at(p.name);
  const std::string where = check_kind(file.path(), p.name, entry.dtype, entry.shape, p.value.shape());
  Real* out = p.value.mutable_data();
  Device& device = p.value.device();
  std::vector<Real> converted;
  file.read(entry, [&](std::size_t offset, std::span<const std::byte> bytes) {
    const std::span<const float> values(reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float));
    check_finite(where, values, offset / sizeof(float));
    Real* to = out + offset / sizeof(float);
    if constexpr (std::is_same_v<Real, float>) {
      device.upload(to, bytes.data(), bytes.size());
    } else {
      converted.assign(values.begin(), values.end());
      device.upload(to, converted.data(), converted.size() * sizeof(Real));
    }
  });
}

/// Fills a model that was made to be filled: when this throws, it is of no use. `meanwhile` is done beside it.
void load_weights(const fs::path& path, Transformer& model, const std::function<void()>& meanwhile) {
  const SafetensorsReader file(path);
  const auto written_for = file.metadata().find("architecture");
  if (written_for != file.metadata().end() && written_for->second != architecture(model.config()))
    throw DataError(fmt::format("{}: the weights are for {}, but config.json says {}", path.string(),
                                written_for->second, architecture(model.config())));
  std::set<std::string> expected;
  const std::vector<Parameter*> parameters = model.parameters();
  for (const Parameter* p : parameters) expected.insert(p->name);
  parallel_tasks(model.kernels().callers(), static_cast<Index>(parameters.size()) + 1, [&](Index i) {
    if (i == 0) return meanwhile();
    load_parameter(file, *parameters[static_cast<std::size_t>(i) - 1]);
  });
  // With tied embeddings the file still names all tables, so that other programs find them; they must then be equal.
  const std::vector<std::pair<std::string, Parameter*>> ties{{"src_embed.weight", &model.source_embedding()},
                                                             {"generator.weight", &model.output_weight()}};
  for (const auto& [name, owner] : ties) {
    if (!expected.insert(name).second) continue;
    const SafetensorsReader::Entry* copy = file.find(name);
    if (copy && !file.same(*copy, file.at(owner->name)))
      throw DataError(fmt::format("{}: \"{}\" differs from \"{}\", but config.json says they are tied", path.string(),
                                  name, owner->name));
  }
  for (const SafetensorsReader::Entry& t : file.entries())
    if (!expected.contains(t.name))
      throw DataError(fmt::format("{}: there is no place for tensor {} in this model", path.string(),
                                  nlohmann::json(t.name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

}  // namespace

Tokenizers load_tokenizers(const fs::path& dir, const ModelConfig& config) {
  if (config.joint_vocabulary) {
    const Tokenizer t = load_tokenizer(dir / "tokenizer.model", config.source_vocabulary);
    return {t, t};
  }
  return {load_tokenizer(dir / "source.model", config.source_vocabulary),
          load_tokenizer(dir / "target.model", config.target_vocabulary)};
}

StoredTensor stored(const std::string& name, const Tensor& value) {
  const std::vector<Real> host = value.to_host();
  const std::vector<float> values(host.begin(), host.end());
  StoredTensor t{name, DType::f32, value.shape(), {}};
  t.data.resize(values.size() * sizeof(float));
  std::memcpy(t.data.data(), values.data(), t.data.size());
  return t;
}

Tensor restored(const SafetensorsFile& file, const std::string& name, const Shape& shape, Kernels& kernels) {
  const StoredTensor& t = file.at(name);
  const std::string where = check_kind(file.path(), name, t.dtype, t.shape, shape);
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  std::memcpy(values.data(), t.data.data(), t.data.size());
  check_finite(where, values, 0);
  return Tensor::from(kernels, shape, std::vector<Real>(values.begin(), values.end()));
}

void save_model(const fs::path& dir, Transformer& model, const TrainSettings& settings, const Tokenizers& tokenizers) {
  std::vector<StoredTensor> tensors;
  model.visit([&](Parameter& p) { tensors.push_back(stored(p.name, p.value)); });
  if (&model.source_embedding() == &model.target_embed)
    tensors.push_back(stored("src_embed.weight", model.target_embed.value));
  write_safetensors(dir / weights_file, tensors, {{"format", "pt"}, {"architecture", architecture(settings.model)}});
  nlohmann::json config;
  config["format"] = format_name;
  config["source_vocabulary"] = settings.model.source_vocabulary;
  config["target_vocabulary"] = settings.model.target_vocabulary;
  config["settings"] = to_json(settings);
  write_file_atomically(dir / config_file, config.dump(2) + "\n");
  save_tokenizers(dir, settings, tokenizers);
}

TrainSettings load_settings(const fs::path& dir) {
  const fs::path path = dir / config_file;
  const nlohmann::json j = read_json(path);
  const std::string where = path.string();
  if (!j.is_object() || j.value("format", nlohmann::json()) != format_name)
    throw DataError(where + ": \"format\" must be \"" + format_name + "\"");
  TrainSettings settings;
  const auto vocabulary = [&](const char* name) {
    if (!j.contains(name) || !j[name].is_number_integer())
      throw DataError(fmt::format("{}: \"{}\" must be a whole number", where, name));
    return j[name].get<Index>();
  };
  settings.model.source_vocabulary = vocabulary("source_vocabulary");
  settings.model.target_vocabulary = vocabulary("target_vocabulary");
  if (!j.contains("settings")) throw DataError(where + ": \"settings\" is missing");
  apply_json(settings, j["settings"], where);
  try {
    settings.validate();
    settings.model.validate();
  } catch (const Error& e) {
    throw DataError(where + ": " + e.what());
  }
  return settings;
}

LoadedModel load_model(const fs::path& dir, Kernels& kernels) {
  TrainSettings settings = load_settings(dir);
  const fs::path weights = dir / weights_file;
  std::error_code error;
  const auto bytes = fs::file_size(weights, error);
  if (error) throw IoError("cannot read " + weights.string() + ": " + error.message());
  // Before a model is built to a configuration that may be absurd, the file must be able to fill it.
  const auto needed = static_cast<std::uintmax_t>(settings.model.parameter_count()) * sizeof(float);
  if (bytes < needed)
    throw DataError(fmt::format("{}: config.json asks for {} bytes of weights, but the file has only {}",
                                weights.string(), needed, bytes));
  auto model = std::make_unique<Transformer>(kernels, settings.model, std::nullopt);
  std::optional<Tokenizers> tokenizers;
  load_weights(weights, *model, [&] { tokenizers = load_tokenizers(dir, settings.model); });
  return {std::move(settings), std::move(*tokenizers), std::move(model)};
}

}  // namespace tenfold::inline TENFOLD_REAL
