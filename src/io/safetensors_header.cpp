#include "io/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/errors.hpp"

namespace tenfold::safetensors {
namespace {

using Json = nlohmann::json;

constexpr std::string_view metadata_key = "__metadata__";

[[noreturn]] void blame(const std::string& file, const std::string& rule) {
  throw DataError(file + ": " + rule);
}

std::string tensor(const std::string& name) { return "tensor " + in_quotes(name); }

/// Parses JSON, refusing what no header needs while it is read: duplicate names (which a JSON object would
/// silently merge), deep nesting and long arrays (which would take many times the header's length in memory).
class HeaderParser {
 public:
  explicit HeaderParser(const std::string& file) : file_(file) {}

  Json parse(std::string_view text) {
    try {
      return Json::parse(text.begin(), text.end(), [this](int depth, Json::parse_event_t event, Json& value) {
        see(depth, event, value);
        return true;
      });
    } catch (const Json::parse_error& error) {
      blame(file_, "the header is not valid JSON (byte " + std::to_string(error.byte) + " of it)");
    } catch (const Json::exception&) {
      blame(file_, "the header holds a number that is out of range");
    }
  }

 private:
  static constexpr int deepest = 3;
  static constexpr std::size_t longest_array = 64;

  void see(int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    // Depth 3 is inside shape and data_offsets, where only numbers belong.
    if (depth > deepest ||
        (depth == deepest && (event == Event::object_start || event == Event::array_start)))
      blame(file_, "the header is nested too deeply");
    if (event == Event::object_start) names_[static_cast<std::size_t>(depth)].clear();
    if (event == Event::value && ++array_length_ > longest_array)
      blame(file_, "the header holds an array that is too long");
    if (event != Event::key) return;
    array_length_ = 0;
    const auto& name = value.get_ref<const std::string&>();
    if (!names_[static_cast<std::size_t>(depth) - 1].insert(name).second)
      blame(file_, "the header names " + in_quotes(name) + " twice");
  }

  const std::string& file_;
  std::array<std::set<std::string>, deepest + 1> names_;
  std::size_t array_length_ = 0;
};

std::optional<DType> dtype_named(const std::string& name) {
  for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64})
    if (name == name_of(dtype)) return dtype;
  return std::nullopt;
}

DType parse_dtype(const Json& value, const std::string& name, const std::string& file) {
  if (!value.is_string()) blame(file, tensor(name) + ": dtype must be a string");
  const auto& text = value.get_ref<const std::string&>();
  const auto dtype = dtype_named(text);
  if (!dtype) blame(file, tensor(name) + ": dtype " + in_quotes(text) + " is not one of F32, F64, I32, I64");
  return *dtype;
}

Shape parse_shape(const Json& value, const std::string& name, const std::string& file) {
  if (!value.is_array()) blame(file, tensor(name) + ": shape must be an array");
  std::vector<Index> extents;
  for (const Json& extent : value) {
    if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > INT64_MAX)
      blame(file, tensor(name) + ": an extent must be a whole number of 0 to 2^63 - 1, got " +
                      in_quotes(extent.dump()));
    extents.push_back(extent.get<Index>());
  }
  try {
    return Shape(extents);
  } catch (const ShapeError& error) {
    blame(file, tensor(name) + ": " + error.what());
  }
}

std::uint64_t bytes_of_shape(const Shape& shape, DType dtype, const std::string& name,
                             const std::string& file) {
  const auto count = static_cast<std::uint64_t>(shape.size());
  if (count > UINT64_MAX / size_of(dtype))
    blame(file, tensor(name) + ": its size in bytes overflows 64 bits");
  return count * size_of(dtype);
}

Entry parse_entry(const std::string& name, const Json& value, const std::string& file) {
  if (!value.is_object()) blame(file, tensor(name) + ": its entry must be an object");
  for (const char* field : {"dtype", "shape", "data_offsets"})
    if (!value.contains(field)) blame(file, tensor(name) + ": its entry lacks " + field);
  if (value.size() != 3)
    blame(file, tensor(name) + ": its entry has more than dtype, shape and data_offsets");
  const Json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    blame(file, tensor(name) + ": data_offsets must be two whole numbers");
  Entry entry{name, parse_dtype(value["dtype"], name, file), parse_shape(value["shape"], name, file),
              offsets[0].get<std::uint64_t>(), offsets[1].get<std::uint64_t>()};
  if (entry.begin > entry.end) blame(file, tensor(name) + ": data_offsets run backwards");
  const std::uint64_t wanted = bytes_of_shape(entry.shape, entry.dtype, name, file);
  if (entry.end - entry.begin != wanted)
    blame(file, tensor(name) + ": shape " + to_string(entry.shape) + " of " +
                    std::string(name_of(entry.dtype)) + " takes " + std::to_string(wanted) +
                    " bytes, its data_offsets span " + std::to_string(entry.end - entry.begin));
  return entry;
}

Metadata parse_metadata(const Json& value, const std::string& file) {
  if (!value.is_object()) blame(file, "__metadata__ must be an object");
  Metadata metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) blame(file, "__metadata__: the value of " + in_quotes(key) + " must be a string");
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

/// No two tensors may share bytes, and no byte may belong to none: then no file can claim more than it holds.
void check_tiling(std::vector<Entry>& entries, std::uint64_t data_size, const std::string& file) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < covered) blame(file, tensor(entry.name) + ": its data overlap those of another tensor");
    if (entry.begin > covered) blame(file, tensor(entry.name) + ": its data leave a hole before them");
    covered = entry.end;
  }
  if (covered > data_size)
    blame(file, "the file is cut short: its tensors take " + std::to_string(covered) + " bytes, " +
                    std::to_string(data_size) + " are there");
  if (covered < data_size)
    blame(file, std::to_string(data_size - covered) + " bytes at the end belong to no tensor");
}

void check_to_write(const StoredTensor& stored, const std::string& file) {
  if (stored.name == metadata_key) blame(file, "a tensor must not be named __metadata__");
  if (bytes_of_shape(stored.shape, stored.dtype, stored.name, file) != stored.data.size())
    blame(file, tensor(stored.name) + ": shape " + to_string(stored.shape) + " of " +
                    std::string(name_of(stored.dtype)) + " does not fit its " +
                    std::to_string(stored.data.size()) + " bytes");
}

}  // namespace

Header parse_header(std::string_view json, std::uint64_t data_size, const std::string& file) {
  if (json.empty() || json.front() != '{') blame(file, "the header must begin with {");
  // The parser would take a NUL for the end and pass over what follows.
  if (json.find('\0') != json.npos) blame(file, "the header holds a NUL byte");
  const Json object = HeaderParser(file).parse(json);
  Header header;
  for (const auto& [name, value] : object.items()) {
    if (name == metadata_key)
      header.metadata = parse_metadata(value, file);
    else
      header.entries.push_back(parse_entry(name, value, file));
  }
  check_tiling(header.entries, data_size, file);
  return header;
}

std::string format_header(std::span<const StoredTensor> tensors, const Metadata& metadata,
                          const std::string& file) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  object[std::string(metadata_key)] = metadata;
  std::uint64_t offset = 0;
  for (const StoredTensor& stored : tensors) {
    check_to_write(stored, file);
    if (object.contains(stored.name)) blame(file, "two tensors are named " + in_quotes(stored.name));
    const std::uint64_t end = offset + stored.data.size();
    object[stored.name] = {{"dtype", name_of(stored.dtype)},
                           {"shape", std::vector<Index>(stored.shape.begin(), stored.shape.end())},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  try {
    std::string text = object.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
  } catch (const Json::exception&) {
    blame(file, "names and metadata must be UTF-8");
  }
}

}  // namespace tenfold::safetensors
