/// @file
/// The few system calls that every file of this folder stands on. A Descriptor owns one open file and closes
/// it; the functions retry interrupted and partial calls and turn every failure into an IoError that says
/// what was being done, to which file, and why it failed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace tenfold {

namespace fs = std::filesystem;

/// An open file, closed when this goes.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// Gives up ownership.
  int release();
  void reset();

 private:
  int fd_ = -1;
};

/// Throws IoError "cannot VERB PATH: reason of `error`"; `error` is an errno value.
[[noreturn]] void throw_io_error(std::string_view verb, const fs::path& path, int error);

/// Opens a file to read. Throws IoError when it is missing, unreadable, a folder, or a device.
Descriptor open_to_read(const fs::path& path);

/// Reads until `out` is full or the file ends; returns how many bytes were read.
std::size_t read_up_to(const Descriptor& file, std::span<std::byte> out, const fs::path& path);

/// The same from byte `offset` on, without moving where the next read begins.
std::size_t read_up_to_at(const Descriptor& file, std::uint64_t offset, std::span<std::byte> out, const fs::path& path);

/// Writes all of `bytes`.
void write_all(const Descriptor& file, std::span<const std::byte> bytes, const fs::path& path);

/// Waits until what was written to an open file is on the disk.
void sync(const Descriptor& file, const fs::path& path);

/// Waits until the names in a folder (files made, renamed, removed there) are on the disk.
void sync_folder(const fs::path& folder);

/// The bytes of `text`.
inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

/// `text` from an untrusted file as it may stand in an error message: in quotes, on one line, shortened when
/// long.
std::string in_quotes(std::string_view text);

}  // namespace tenfold
