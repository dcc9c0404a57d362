#include "io/safetensors.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/checksum.hpp"
#include "io/safetensors_header.hpp"

namespace tenfold {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are stored as they lie in memory");

constexpr std::string_view checksum_key = "crc32";
constexpr std::string_view checksum_prefix = "crc32:";
constexpr std::size_t length_bytes = 8;
constexpr std::size_t block_bytes = std::size_t{1} << 18;

class Checksum {
 public:
  Checksum& add(std::span<const std::byte> bytes) {
    value_ = crc32_of(value_, bytes);
    return *this;
  }
  std::string text() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (int shift = 28; shift >= 0; shift -= 4) out += digits[(value_ >> shift) & 15];
    return out;
  }

 private:
  std::uint32_t value_ = 0;
};

/// Of what stands before a tensor's bytes.
Checksum checksum_of_kind(DType dtype, const Shape& shape) {
  const std::string kind = std::string(name_of(dtype)) + " " + to_string(shape);
  return Checksum().add(bytes_of(kind));
}

std::string checksum(const StoredTensor& tensor) {
  return checksum_of_kind(tensor.dtype, tensor.shape).add(tensor.data).text();
}

std::string checksum(const Metadata& metadata) {
  Checksum sum;
  constexpr std::string_view nul("\0", 1);
  for (const auto& [key, value] : metadata)
    for (std::string_view text : {std::string_view(key), nul, std::string_view(value), nul})
      sum.add(bytes_of(text));
  return sum.text();
}

[[noreturn]] void report_damage(const fs::path& path, const std::string& what) {
  throw DataError(path.string() + ": checksum of " + what + " differs: the file is damaged");
}

Metadata with_checksums(const fs::path& path, std::span<const StoredTensor> tensors,
                        const Metadata& metadata) {
  Metadata out = metadata;
  for (const auto& [key, value] : metadata)
    if (key == checksum_key || key.starts_with(checksum_prefix))
      throw DataError(path.string() + ": the metadata key " + in_quotes(key) + " is reserved for checksums");
  out.emplace(checksum_key, checksum(metadata));
  for (const StoredTensor& tensor : tensors)
    out.emplace(std::string(checksum_prefix) + tensor.name, checksum(tensor));
  return out;
}

std::uint64_t size_of_file(const Descriptor& file, const fs::path& path) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw_io_error("read", path, errno);
  if (!S_ISREG(info.st_mode)) throw IoError("cannot read " + path.string() + ": it is not a file");
  return static_cast<std::uint64_t>(info.st_size);
}

void read_exactly(const Descriptor& file, std::span<std::byte> out, const fs::path& path) {
  if (read_up_to(file, out, path) != out.size())
    throw DataError(path.string() + ": the file became shorter while it was read");
}

void read_exactly_at(const Descriptor& file, std::uint64_t offset, std::span<std::byte> out, const fs::path& path) {
  if (read_up_to_at(file, offset, out, path) != out.size())
    throw DataError(path.string() + ": the file became shorter while it was read");
}

std::uint64_t read_header_length(const Descriptor& file, std::uint64_t file_size, const fs::path& path) {
  if (file_size == 0) throw DataError(path.string() + ": the file is empty");
  if (file_size < length_bytes)
    throw DataError(path.string() + ": not a safetensors file: it has " + std::to_string(file_size) +
                    " bytes, the header's length alone takes 8");
  std::array<std::byte, length_bytes> bytes;
  read_exactly(file, bytes, path);
  const auto length = std::bit_cast<std::uint64_t>(bytes);
  if (length > safetensors::longest_header || length > file_size - length_bytes)
    throw DataError(path.string() + ": not a safetensors file, or cut short: it announces a header of " +
                    std::to_string(length) + " bytes, " + std::to_string(file_size - length_bytes) +
                    " follow and at most " + std::to_string(safetensors::longest_header) + " are allowed");
  return length;
}

}  // namespace

std::size_t size_of(DType dtype) { return dtype == DType::f32 || dtype == DType::i32 ? 4 : 8; }

std::string_view name_of(DType dtype) {
  constexpr std::array<std::string_view, 4> names{"F32", "F64", "I32", "I64"};
  return names[static_cast<std::size_t>(dtype)];
}

SafetensorsFile::SafetensorsFile(fs::path path, std::vector<StoredTensor> tensors, Metadata metadata)
    : path_(std::move(path)), tensors_(std::move(tensors)), metadata_(std::move(metadata)) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) places_.emplace(tensors_[i].name, i);
}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = places_.find(std::string(name));
  return found == places_.end() ? nullptr : &tensors_[found->second];
}

const StoredTensor& SafetensorsFile::at(std::string_view name) const {
  if (const StoredTensor* tensor = find(name)) return *tensor;
  throw DataError(path_.string() + ": there is no tensor " + in_quotes(name));
}

void write_safetensors(const fs::path& path, std::span<const StoredTensor> tensors,
                       const Metadata& metadata) {
  const std::string header =
      safetensors::format_header(tensors, with_checksums(path, tensors, metadata), path.string());
  AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(bytes_of(header));
  for (const StoredTensor& tensor : tensors) file.write(tensor.data);
  file.commit();
}

SafetensorsReader::SafetensorsReader(fs::path path) : path_(std::move(path)), file_(open_to_read(path_)) {
  const std::uint64_t file_size = size_of_file(file_, path_);
  const std::uint64_t length = read_header_length(file_, file_size, path_);
  std::string text(length, '\0');
  read_exactly(file_, std::as_writable_bytes(std::span<char>(text)), path_);
  data_begin_ = length_bytes + length;
  safetensors::Header header = safetensors::parse_header(text, file_size - data_begin_, path_.string());
  entries_ = std::move(header.entries);
  metadata_ = std::move(header.metadata);
  for (std::size_t i = 0; i < entries_.size(); ++i) places_.emplace(entries_[i].name, i);
  take_checksums();
}

/// Moves the checksums out of the metadata. One missing among others is damage too.
void SafetensorsReader::take_checksums() {
  for (auto it = metadata_.begin(); it != metadata_.end();) {
    const bool is_sum = it->first == checksum_key || it->first.starts_with(checksum_prefix);
    if (is_sum) checksums_.insert(*it);
    it = is_sum ? metadata_.erase(it) : std::next(it);
  }
  if (checksums_.empty()) return;
  for (const Entry& entry : entries_)
    if (!checksums_.contains(std::string(checksum_prefix) + entry.name)) report_damage(path_, in_quotes(entry.name));
  const auto found = checksums_.find(std::string(checksum_key));
  if (found == checksums_.end() || found->second != checksum(metadata_) || checksums_.size() != entries_.size() + 1)
    report_damage(path_, "the metadata");
}

const SafetensorsReader::Entry* SafetensorsReader::find(std::string_view name) const {
  const auto found = places_.find(std::string(name));
  return found == places_.end() ? nullptr : &entries_[found->second];
}

const SafetensorsReader::Entry& SafetensorsReader::at(std::string_view name) const {
  if (const Entry* entry = find(name)) return *entry;
  throw DataError(path_.string() + ": there is no tensor " + in_quotes(name));
}

void SafetensorsReader::read(const Entry& entry, const Receiver& receive) const {
  // As much as the second-level cache keeps while it is summed and copied.
  std::vector<std::byte> block(std::min<std::uint64_t>(block_bytes, entry.end - entry.begin));
  Checksum sum = checksum_of_kind(entry.dtype, entry.shape);
  for (std::uint64_t at = entry.begin; at < entry.end; at += block.size()) {
    const std::span<std::byte> bytes = std::span(block).first(std::min<std::uint64_t>(block.size(), entry.end - at));
    read_exactly_at(file_, data_begin_ + at, bytes, path_);
    if (!checksums_.empty()) sum.add(bytes);
    receive(at - entry.begin, bytes);
  }
  if (!checksums_.empty() && checksums_.at(std::string(checksum_prefix) + entry.name) != sum.text())
    report_damage(path_, in_quotes(entry.name));
}

bool SafetensorsReader::same(const Entry& a, const Entry& b) const {
  if (a.shape != b.shape || a.end - a.begin != b.end - b.begin) return false;
  bool equal = true;
  std::vector<std::byte> other;
  read(a, [&](std::size_t offset, std::span<const std::byte> bytes) {
    other.resize(bytes.size());
    read_exactly_at(file_, data_begin_ + b.begin + offset, other, path_);
    equal = equal && std::memcmp(bytes.data(), other.data(), bytes.size()) == 0;
  });
  return equal;
}

SafetensorsFile read_safetensors(const fs::path& path) {
  SafetensorsReader reader(path);
  std::vector<StoredTensor> tensors;
  tensors.reserve(reader.entries().size());
  for (const SafetensorsReader::Entry& entry : reader.entries()) {
    tensors.push_back({entry.name, entry.dtype, entry.shape, std::vector<std::byte>(entry.end - entry.begin)});
    reader.read(entry, [&](std::size_t offset, std::span<const std::byte> bytes) {
      std::copy(bytes.begin(), bytes.end(), tensors.back().data.begin() + static_cast<std::ptrdiff_t>(offset));
    });
  }
  return SafetensorsFile(path, std::move(tensors), reader.metadata());
}

}  // namespace tenfold
