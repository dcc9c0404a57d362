#include "io/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "core/errors.hpp"

namespace tenfold {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Descriptor::release() { return std::exchange(fd_, -1); }

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void throw_io_error(std::string_view verb, const fs::path& path, int error) {
  throw IoError("cannot " + std::string(verb) + " " + path.string() + ": " +
                std::generic_category().message(error));
}

Descriptor open_to_read(const fs::path& path) {
  // The kind is asked before opening, because opening some devices has effects of its own.
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw_io_error("read", path, errno);
  if (S_ISDIR(info.st_mode)) throw_io_error("read", path, EISDIR);
  if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode))
    throw IoError("cannot read " + path.string() + ": it is neither a file nor a pipe");
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw_io_error("read", path, errno);
  return file;
}

namespace {

/// Calls read_some(out, size, done) until `out` is full or there is no more.
template <class ReadSome>
std::size_t read_fully(std::span<std::byte> out, const fs::path& path, const ReadSome& read_some) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = read_some(out.data() + done, out.size() - done, done);
    if (count == 0) break;
    if (count < 0 && errno != EINTR) throw_io_error("read", path, errno);
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

std::size_t read_up_to(const Descriptor& file, std::span<std::byte> out, const fs::path& path) {
  return read_fully(out, path, [&](std::byte* to, std::size_t size, std::size_t) { return ::read(file.get(), to, size); });
}

std::size_t read_up_to_at(const Descriptor& file, std::uint64_t offset, std::span<std::byte> out, const fs::path& path) {
  return read_fully(out, path, [&](std::byte* to, std::size_t size, std::size_t done) {
    return ::pread(file.get(), to, size, static_cast<off_t>(offset + done));
  });
}

void write_all(const Descriptor& file, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) throw_io_error("write", path, errno);
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void sync(const Descriptor& file, const fs::path& path) {
  while (::fsync(file.get()) != 0)
    if (errno != EINTR) throw_io_error("write", path, errno);
}

void sync_folder(const fs::path& folder) {
  Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) throw_io_error("open", folder, errno);
  // EINVAL: a file system that keeps no order of names on disk to wait for.
  if (::fsync(file.get()) != 0 && errno != EINVAL) throw_io_error("write", folder, errno);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string kept(text.substr(0, longest));
  if (text.size() > longest) kept += "...";
  return nlohmann::json(kept).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tenfold
