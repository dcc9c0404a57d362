// The safetensors format, written and read back; the rules of the header; damage.
#include "io/safetensors.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <numeric>

#include "core/errors.hpp"
#include "io/temporary_folder.hpp"

using namespace tenfold;
using namespace tenfold::test;

namespace {

template <class T>
StoredTensor tensor(const std::string& name, DType dtype, Shape shape) {
  std::vector<T> values(static_cast<std::size_t>(shape.size()));
  std::iota(values.begin(), values.end(), T(1));
  const auto bytes = std::as_bytes(std::span<const T>(values));
  return {name, dtype, shape, {bytes.begin(), bytes.end()}};
}

std::vector<StoredTensor> samples() {
  return {tensor<float>("encoder.weight", DType::f32, {2, 3}),
          tensor<double>("b \"quoted\"\n", DType::f64, {2}), tensor<std::int64_t>("step", DType::i64, {}),
          tensor<float>("empty", DType::f32, {0, 4}), tensor<std::int32_t>("épée", DType::i32, {1, 1, 3})};
}

/// A file with that header and that many zero bytes of data.
std::string file_of(const std::string& header, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\0');
}

/// What reading these bytes says, without the file's name; "loads" if it does.
std::string loading(const TemporaryFolder& folder, const std::string& bytes) {
  const fs::path path = folder / "x.safetensors";
  put(path, bytes);
  try {
    read_safetensors(path);
    return "loads";
  } catch (const DataError& error) {
    const std::string text = error.what();
    REQUIRE(text.starts_with(path.string() + ": "));
    REQUIRE(text.find('\n') == std::string::npos);
    return text.substr(path.string().size() + 2);
  }
}

}  // namespace

TEST_CASE("what is written is read back, in order, with its metadata") {
  TemporaryFolder folder;
  const auto written = samples();
  const Metadata metadata{{"format", "pt"}, {"note", "line\nline"}};
  write_safetensors(folder / "m.safetensors", written, metadata);
  const SafetensorsFile read = read_safetensors(folder / "m.safetensors");
  REQUIRE(read.tensors().size() == written.size());
  for (const StoredTensor& expected : written) {
    const StoredTensor& found = read.at(expected.name);
    CHECK(found.dtype == expected.dtype);
    CHECK(found.shape == expected.shape);
    CHECK(found.data == expected.data);
  }
  CHECK(read.tensors().front().name == "encoder.weight");
  CHECK(read.metadata() == metadata);
  CHECK(read.find("none") == nullptr);
  CHECK(message_of<DataError>([&] { read.at("none"); }) ==
        (folder / "m.safetensors").string() + ": there is no tensor \"none\"");
  CHECK(folder.count() == 1);
}

TEST_CASE("a tensor is read block by block, and damage in any block is reported at its end") {
  TemporaryFolder folder;
  const fs::path path = folder / "m";
  const std::vector<StoredTensor> written{tensor<float>("a", DType::f32, {3, 50'000}), tensor<float>("b", DType::f32, {2}),
                                          tensor<float>("none", DType::f32, {0}), tensor<float>("c", DType::f32, {150'000})};
  write_safetensors(path, written, {{"k", "v"}});
  const auto read = [&](const SafetensorsReader& reader, const char* name) {
    std::vector<std::byte> data;
    reader.read(reader.at(name), [&](std::size_t offset, std::span<const std::byte> bytes) {
      REQUIRE(offset == data.size());
      data.insert(data.end(), bytes.begin(), bytes.end());
    });
    return data;
  };
  {
    const SafetensorsReader reader(path);
    CHECK(reader.metadata() == Metadata{{"k", "v"}});
    for (const StoredTensor& t : {written[3], written[0], written[2], written[1]}) {  // in any order
      CHECK(read(reader, t.name.c_str()) == t.data);
      CHECK(reader.at(t.name).shape == t.shape);
    }
    CHECK(reader.find("d") == nullptr);
    CHECK(message_of<DataError>([&] { reader.at("d"); }) == path.string() + ": there is no tensor \"d\"");
    CHECK(reader.same(reader.at("a"), reader.at("a")));
    CHECK_FALSE(reader.same(reader.at("a"), reader.at("c")));  // the same bytes, another shape
    CHECK_FALSE(reader.same(reader.at("a"), reader.at("b")));
  }
  std::string bytes = get(path);
  for (std::size_t from_end : {std::size_t{4 * 150'000 - 1}, std::size_t{1}}) {  // the first byte of c, the last
    std::string damaged = bytes;
    damaged[damaged.size() - from_end] ^= 1;
    put(path, damaged);
    const SafetensorsReader reader(path);
    CHECK(read(reader, "a") == written[0].data);
    CHECK(message_of<DataError>([&] { read(reader, "c"); }) ==
          path.string() + ": checksum of \"c\" differs: the file is damaged");
  }
  put(path, bytes);
  const SafetensorsReader reader(path);
  fs::resize_file(path, bytes.size() - 8);
  CHECK(message_of<DataError>([&] { read(reader, "c"); }) ==
        path.string() + ": the file became shorter while it was read");
}

TEST_CASE("the layout is that of the format") {
  TemporaryFolder folder;
  write_safetensors(folder / "m", std::vector{tensor<float>("w", DType::f32, {2})});
  const std::string bytes = get(folder / "m");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  CHECK(bytes[8] == '{');
  CHECK(bytes.size() == 8 + length + 8);
  CHECK(bytes.find(R"("w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})") != std::string::npos);
  float first = 0;
  std::memcpy(&first, bytes.data() + 8 + length, 4);
  CHECK(first == 1.0f);
}

TEST_CASE("a file of another program loads, its header in any order and without checksums") {
  TemporaryFolder folder;
  CHECK(
      loading(folder,
              file_of(R"({"b":{"dtype":"F64","shape":[],"data_offsets":[4,12]},)"
                      R"("a":{"shape":[1],"data_offsets":[0,4],"dtype":"I32"},"__metadata__":{"k":"v"}}   )",
                      12)) == "loads");
  CHECK(read_safetensors(folder / "x.safetensors").tensors()[0].name == "a");
  CHECK(loading(folder, file_of("{}", 0)) == "loads");
}

TEST_CASE("each rule of the header has its message") {
  TemporaryFolder folder;
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  const std::string good = entry("F32", "[1]", "[0,4]");
  const auto check = [&](const std::string& header, std::size_t data, const std::string& expected) {
    CAPTURE(header);
    const std::string found = loading(folder, file_of(header, data));
    CHECK_MESSAGE(found.find(expected) != std::string::npos, found);
  };
  check("", 4, "header must begin with {");
  check("[]", 0, "header must begin with {");
  check("{", 0, "not valid JSON");
  check(std::string("{}\0 x", 5), 0, "NUL byte");
  check("{} x", 0, "not valid JSON");
  check(R"({"a":1e999})", 0, "out of range");
  check(R"({"a":[[[[1]]]]})", 0, "nested too deeply");
  check(R"({"a":[)" + std::string(200'000, '[') + "]}", 0, "nested too deeply");
  check(R"({"a":5})", 0, "entry must be an object");
  check(R"({"a":{"dtype":"F32","shape":[1]}})", 4, "lacks data_offsets");
  check(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4, "more than dtype");
  check(R"({"a":)" + good + R"(,"a":)" + good + "}", 4, "names \"a\" twice");
  check(R"({"a":{"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,4]}})", 4,
        "names \"dtype\" twice");
  check(R"({"a":)" + entry("BF16", "[2]", "[0,4]") + "}", 4, "dtype \"BF16\" is not one of");
  check(R"({"a":)" + entry("F32", "[-1]", "[0,4]") + "}", 4, "extent must be a whole number");
  check(R"({"a":)" + entry("F32", "[1.0]", "[0,4]") + "}", 4, "extent must be a whole number");
  check(R"({"a":)" + entry("F32", "[1,1,1,1,1,1,1]", "[0,4]") + "}", 4, "at most 6 axes");
  check(R"({"a":)" + entry("F32", "[4294967296,4294967296]", "[0,4]") + "}", 4, "overflows");
  check(R"({"a":)" + entry("F32", "[4611686018427387904]", "[0,0]") + "}", 0, "overflows");
  check(R"({"a":)" + entry("F32", "[2]", "[0,4]") + "}", 4, "takes 8 bytes, its data_offsets span 4");
  check(R"({"a":)" + entry("F32", "[1]", "[4,0]") + "}", 4, "run backwards");
  check(R"({"a":)" + entry("F32", "[1]", "[0,4,8]") + "}", 4, "must be two whole numbers");
  check(R"({"a":)" + good + R"(,"b":)" + good + "}", 4, "overlap");
  check(R"({"a":)" + entry("F32", "[1]", "[4,8]") + "}", 8, "hole");
  check(R"({"a":)" + entry("F32", "[1000]", "[0,4000]") + "}", 4,
        "cut short: its tensors take 4000 bytes, 4 are");
  check(R"({"a":)" + good + "}", 5, "1 bytes at the end belong to no tensor");
  check(R"({"__metadata__":[]})", 0, "__metadata__ must be an object");
  check(R"({"__metadata__":{"a":1}})", 0, "value of \"a\" must be a string");
  check(R"({"a\nb":{}})", 0, R"(tensor "a\nb")");
}

TEST_CASE("header lengths beyond the file or beyond reason are refused before anything is allocated") {
  TemporaryFolder folder;
  CHECK(loading(folder, "") == "the file is empty");
  for (std::uint64_t length : {std::uint64_t{3}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    std::string bytes = file_of("{}", 0);
    std::memcpy(bytes.data(), &length, 8);
    CHECK(loading(folder, bytes).find("announces a header of " + std::to_string(length)) !=
          std::string::npos);
  }
  // A sparse file makes the absurd length true.
  const std::uint64_t absurd = 200'000'000;
  put(folder / "sparse", std::string(reinterpret_cast<const char*>(&absurd), 8));
  fs::resize_file(folder / "sparse", absurd + 8);
  CHECK_THROWS_AS(read_safetensors(folder / "sparse"), DataError);
  CHECK_THROWS_AS(read_safetensors(folder.path()), IoError);
  CHECK_THROWS_AS(read_safetensors(folder / "none"), IoError);
}

TEST_CASE("every truncation and every flipped bit of a file with checksums is reported") {
  TemporaryFolder folder;
  write_safetensors(folder / "m",
                    std::vector{tensor<float>("a", DType::f32, {2}), tensor<float>("b", DType::f32, {1})},
                    {{"k", "v"}});
  const std::string whole = get(folder / "m");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(loading(folder, whole.substr(0, length)) != "loads");
  }
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CAPTURE(bit);
    CHECK(loading(folder, flipped) != "loads");
  }
  std::string flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  CHECK(loading(folder, flipped) == "checksum of \"b\" differs: the file is damaged");
}

TEST_CASE("a flipped bit in a header without checksums loads or is reported") {
  TemporaryFolder folder;
  const std::string whole =
      file_of(R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[1],)"
              R"("data_offsets":[8,16]},"__metadata__":{"k":"v"}})",
              16);
  int loaded = 0;
  for (std::size_t bit = 0; bit < 8 * (whole.size() - 16); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    loaded += loading(folder, flipped) == "loads";
  }
  CHECK(loaded > 0);  // another name, say
  CHECK(loaded < 100);
}

TEST_CASE("what cannot be stored is refused and writes nothing") {
  TemporaryFolder folder;
  const auto refused = [&](const std::vector<StoredTensor>& tensors, const Metadata& metadata = {}) {
    return message_of<DataError>([&] { write_safetensors(folder / "m", tensors, metadata); })
        .substr((folder / "m").string().size());
  };
  const StoredTensor good = tensor<float>("a", DType::f32, {1});
  StoredTensor bad = good;
  CHECK(refused({good, good}) == ": two tensors are named \"a\"");
  bad.shape = {2};
  CHECK(refused({bad}) == ": tensor \"a\": shape [2] of F32 does not fit its 4 bytes");
  bad = good;
  bad.name = "__metadata__";
  CHECK(refused({bad}) == ": a tensor must not be named __metadata__");
  bad.name = "\xff";
  CHECK(refused({bad}) == ": names and metadata must be UTF-8");
  CHECK(refused({good}, {{"crc32:a", ""}}) == ": the metadata key \"crc32:a\" is reserved for checksums");
  CHECK(folder.count() == 0);
}
