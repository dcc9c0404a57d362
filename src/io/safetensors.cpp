#include "io/safetensors.hpp"

#include <sys/stat.h>
#include <zlib.h>

#include <array>
#include <bit>
#include <cerrno>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/safetensors_header.hpp"

namespace tenfold {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are stored as they lie in memory");

constexpr std::string_view checksum_key = "crc32";
constexpr std::string_view checksum_prefix = "crc32:";
constexpr std::size_t length_bytes = 8;

class Checksum {
 public:
  Checksum& add(std::span<const std::byte> bytes) {
    value_ = ::crc32_z(value_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    return *this;
  }
  std::string text() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (int shift = 28; shift >= 0; shift -= 4) out += digits[(value_ >> shift) & 15];
    return out;
  }

 private:
  uLong value_ = ::crc32_z(0, nullptr, 0);
};

std::string checksum(const StoredTensor& tensor) {
  const std::string kind = std::string(name_of(tensor.dtype)) + " " + to_string(tensor.shape);
  return Checksum().add(bytes_of(kind)).add(tensor.data).text();
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

/// Takes the checksums out of `metadata` and holds the tensors against them. One missing among others is
/// damage too.
void verify_and_strip(const fs::path& path, const std::vector<StoredTensor>& tensors, Metadata& metadata) {
  Metadata sums;
  for (auto it = metadata.begin(); it != metadata.end();) {
    const bool is_sum = it->first == checksum_key || it->first.starts_with(checksum_prefix);
    if (is_sum) sums.insert(*it);
    it = is_sum ? metadata.erase(it) : std::next(it);
  }
  if (sums.empty()) return;
  for (const StoredTensor& tensor : tensors) {
    const auto found = sums.find(std::string(checksum_prefix) + tensor.name);
    if (found == sums.end() || found->second != checksum(tensor)) report_damage(path, in_quotes(tensor.name));
  }
  const auto found = sums.find(std::string(checksum_key));
  if (found == sums.end() || found->second != checksum(metadata) || sums.size() != tensors.size() + 1)
    report_damage(path, "the metadata");
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

SafetensorsFile read_safetensors(const fs::path& path) {
  const Descriptor file = open_to_read(path);
  const std::uint64_t file_size = size_of_file(file, path);
  const std::uint64_t length = read_header_length(file, file_size, path);
  std::string text(length, '\0');
  read_exactly(file, std::as_writable_bytes(std::span<char>(text)), path);
  safetensors::Header header =
      safetensors::parse_header(text, file_size - length_bytes - length, path.string());
  std::vector<StoredTensor> tensors;
  tensors.reserve(header.entries.size());
  for (safetensors::Entry& entry : header.entries) {
    std::vector<std::byte> data(entry.end - entry.begin);
    read_exactly(file, data, path);
    tensors.push_back({std::move(entry.name), entry.dtype, entry.shape, std::move(data)});
  }
  verify_and_strip(path, tensors, header.metadata);
  return SafetensorsFile(path, std::move(tensors), std::move(header.metadata));
}

}  // namespace tenfold
