/// @file
/// Reads and writes the safetensors format (https://github.com/huggingface/safetensors, section "Format"): 8
/// bytes with the little-endian length of the header, a JSON header {"NAME": {"dtype", "shape",
/// "data_offsets"}, …,
/// "__metadata__": {string: string}}, then the tensors' bytes, row-major and little-endian, which tile the
/// rest of the file without holes.
///
/// The reader trusts nothing: whatever is wrong with the file, it throws a DataError of one line that names
/// the file and the rule. The memory it takes is bounded by the length of the file (each byte of data once,
/// the header as a tree).
///
/// Files written here also carry checksums, so that damage on the disk or on the way is noticed: the metadata
/// entry "crc32:NAME" is the CRC-32 (as in zlib, eight hexadecimal digits) of the text "DTYPE [EXTENT, …]"
/// followed by the tensor's bytes, and "crc32" that of all other metadata, each key and value followed by a
/// NUL. Other programs pass over them; files without them load unchecked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/shape.hpp"
#include "io/descriptor.hpp"

namespace tenfold {

/// The element types tenfold stores: F32, F64, I32 and I64 of the format.
enum class DType { f32, f64, i32, i64 };

/// Bytes per element.
std::size_t size_of(DType dtype);
/// The name the format gives it: "F32".
std::string_view name_of(DType dtype);

/// A tensor as it lies in a file: `data` holds shape.size() elements of `dtype`, row-major, little-endian.
struct StoredTensor {
  std::string name;             ///< unique in the file
  DType dtype = DType::f32;     ///< of every element
  Shape shape;                  ///< row-major extents
  std::vector<std::byte> data;  ///< the elements' bytes
};

/// Names and texts that go with the tensors.
using Metadata = std::map<std::string, std::string>;

/// The content of a safetensors file.
class SafetensorsFile {
 public:
  /// What was read from `path`; `tensors` in the order of their bytes.
  SafetensorsFile(fs::path path, std::vector<StoredTensor> tensors, Metadata metadata);

  /// As given to read_safetensors().
  const fs::path& path() const { return path_; }
  /// In the order of their bytes in the file.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// The "__metadata__" without the checksums.
  const Metadata& metadata() const { return metadata_; }
  /// The tensor of that name, or null. Valid as long as this object.
  const StoredTensor* find(std::string_view name) const;
  /// The tensor of that name. Throws DataError "PATH: there is no tensor "NAME"".
  const StoredTensor& at(std::string_view name) const;

 private:
  fs::path path_;
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string, std::size_t> places_;
  Metadata metadata_;
};

/// A safetensors file of which the header was read and checked, and the tensors' bytes are read when asked for: into
/// the place where they are wanted, by several threads if need be.
class SafetensorsReader {
 public:
  /// A tensor in the file: its bytes are [begin, end) of the data that follow the header.
  struct Entry {
    std::string name;     ///< unique in the file
    DType dtype;          ///< of every element
    Shape shape;          ///< row-major extents
    std::uint64_t begin;  ///< first byte
    std::uint64_t end;    ///< behind the last
  };
  /// Receives a tensor's bytes from `offset` on; they are aligned to 8 bytes and go when it returns.
  using Receiver = std::function<void(std::size_t offset, std::span<const std::byte> bytes)>;

  /// Opens the file. Throws IoError or DataError.
  explicit SafetensorsReader(fs::path path);
  /// As it was given.
  const fs::path& path() const { return path_; }
  /// In the order of their bytes.
  const std::vector<Entry>& entries() const { return entries_; }
  /// The "__metadata__" without the checksums.
  const Metadata& metadata() const { return metadata_; }
  /// The tensor of that name, or null. Valid as long as this object.
  const Entry* find(std::string_view name) const;
  /// The tensor of that name. Throws DataError "PATH: there is no tensor "NAME"".
  const Entry& at(std::string_view name) const;
  /// Hands out all bytes of a tensor, block after block, and then checks them: a DataError says that they were damaged.
  void read(const Entry& entry, const Receiver& receive) const;
  /// Whether two tensors have the same shape and bytes; the second's are not checked.
  bool same(const Entry& a, const Entry& b) const;

 private:
  void take_checksums();

  fs::path path_;
  Descriptor file_;
  std::uint64_t data_begin_ = 0;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> places_;
  Metadata metadata_, checksums_;
};

/// Writes tensors in the given order, atomically (see atomic_file.hpp), with checksums. Throws IoError, or
/// DataError when two names are equal, a name or metadata is not UTF-8 or reserved, or data do not fit shape
/// and dtype.
void write_safetensors(const fs::path& path, std::span<const StoredTensor> tensors,
                       const Metadata& metadata = {});

/// Reads a whole file. Throws IoError or DataError.
SafetensorsFile read_safetensors(const fs::path& path);

}  // namespace tenfold
