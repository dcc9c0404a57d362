#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "core/errors.hpp"

namespace tenfold {

AtomicFile::AtomicFile(const fs::path& path) : path_(path), target_(path) {
  constexpr unsigned new_file_mode = 0666;  // less the umask
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) throw_io_error("write", path_, errno);
    create_temporary(new_file_mode);
    return;
  }
  if (S_ISDIR(info.st_mode)) throw_io_error("write", path_, EISDIR);
  if (!S_ISREG(info.st_mode)) {
    file_ = Descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file_) throw_io_error("write", path_, errno);
    return;
  }
  std::error_code error;
  target_ = fs::canonical(path, error);
  if (error) throw_io_error("write", path_, error.value());
  create_temporary(new_file_mode);
  // The new file keeps the old one's permissions where that is allowed; it is no reason to fail where not.
  [[maybe_unused]] const int ignored = ::fchmod(file_.get(), info.st_mode & 0777);
}

void AtomicFile::create_temporary(unsigned mode) {
  static std::atomic<unsigned> counter{0};
  do {
    temporary_ = target_.parent_path() /
                 (".tenfold-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp");
    file_ = Descriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  } while (!file_ && errno == EEXIST);
  if (file_) return;
  const int error = errno;
  temporary_.clear();
  throw_io_error("write", path_, error);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) { write_all(file_, bytes, path_); }

void AtomicFile::commit() {
  if (!temporary_.empty()) sync(file_, path_);
  // Network file systems report some write errors only here.
  if (::close(file_.release()) != 0 && errno != EINTR) throw_io_error("write", path_, errno);
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw_io_error("write", path_, errno);
  temporary_.clear();
  const fs::path folder = target_.parent_path();
  sync_folder(folder.empty() ? fs::path(".") : folder);
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes_of(bytes));
  file.commit();
}

std::string read_file(const fs::path& path) {
  const Descriptor file = open_to_read(path);
  std::string content;
  std::size_t used = 0;
  std::size_t step = std::size_t{1} << 16;
  for (;;) {
    content.resize(used + step);
    const auto free = std::as_writable_bytes(std::span<char>(content)).subspan(used);
    used += read_up_to(file, free, path);
    if (used < content.size()) break;
    step = content.size();
  }
  content.resize(used);
  return content;
}

}  // namespace tenfold
