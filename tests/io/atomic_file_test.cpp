// Files are whole or not there: whatever fails, the old file and only the old file remains.
#include "io/atomic_file.hpp"

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "core/errors.hpp"
#include "io/temporary_folder.hpp"

using namespace tenfold;
using namespace tenfold::test;

namespace {

/// Limits and mounts are of a whole process, so such a test runs in a child, which answers with its exit
/// status.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Tries to replace PATH by a megabyte under a limit of 64 KiB per file; 0 if the error is the expected one.
int write_over_limit(const fs::path& path) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{65536, 65536};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
  const std::string found =
      message_of<IoError>([&] { write_file_atomically(path, std::string(1 << 20, 'x')); });
  return found == "cannot write " + path.string() + ": File too large" ? 0 : 1;
}

}  // namespace

TEST_CASE("a file is written, replaced and read back, and nothing else is left") {
  TemporaryFolder folder;
  const fs::path path = folder / "file";
  write_file_atomically(path, "one");
  CHECK(get(path) == "one");
  write_file_atomically(path, std::string("t\0wo", 4));
  CHECK(read_file(path) == std::string("t\0wo", 4));
  write_file_atomically(path, "");
  CHECK(read_file(path).empty());
  const std::string large(300'001, 'z');
  write_file_atomically(path, large);
  CHECK(read_file(path) == large);
  CHECK(folder.count() == 1);
}

TEST_CASE("an uncommitted file changes nothing") {
  TemporaryFolder folder;
  put(folder / "file", "old");
  {
    AtomicFile file(folder / "file");
    file.write(bytes_of("new"));
    CHECK(get(folder / "file") == "old");
  }
  CHECK(get(folder / "file") == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("permissions and links survive replacement") {
  TemporaryFolder folder;
  fs::create_directory(folder / "elsewhere");
  put(folder / "elsewhere/file", "old");
  ::chmod((folder / "elsewhere/file").c_str(), 0600);
  fs::create_symlink("elsewhere/file", folder / "link");
  write_file_atomically(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(get(folder / "elsewhere/file") == "new");
  CHECK(fs::status(folder / "elsewhere/file").permissions() == fs::perms(0600));
}

TEST_CASE("a file size limit leaves the old file") {
  TemporaryFolder folder;
  const fs::path path = folder / "file";
  put(path, "old");
  CHECK(in_child([&] { return write_over_limit(path); }) == 0);
  CHECK(get(path) == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("a full disk leaves the old file") {
  TemporaryFolder folder;
  const fs::path disk = folder / "disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    MESSAGE("skipped: only root can mount a small disk here");
    return;
  }
  put(disk / "file", "old");
  const std::string found =
      message_of<IoError>([&] { write_file_atomically(disk / "file", std::string(1 << 20, 'x')); });
  const std::string kept = get(disk / "file");
  const auto names = std::distance(fs::directory_iterator(disk), fs::directory_iterator());
  ::umount(disk.c_str());
  CHECK(found == "cannot write " + (disk / "file").string() + ": No space left on device");
  CHECK(kept == "old");
  CHECK(names == 1);
}

TEST_CASE("a device is written straight, never replaced") {
  write_file_atomically("/dev/null", "gone");
  CHECK(fs::is_character_file("/dev/null"));
  if (!fs::exists("/dev/full")) return;
  CHECK(message_of<IoError>([] { write_file_atomically("/dev/full", "x"); }) ==
        "cannot write /dev/full: No space left on device");
  CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("what cannot be written or read is named with its reason") {
  TemporaryFolder folder;
  const std::string name = folder.path().string();
  CHECK(message_of<IoError>([&] { write_file_atomically(folder.path(), "x"); }) ==
        "cannot write " + name + ": Is a directory");
  CHECK(message_of<IoError>([&] { write_file_atomically(folder / "no/file", "x"); }) ==
        "cannot write " + name + "/no/file: No such file or directory");
  CHECK(message_of<IoError>([&] { read_file(folder.path()); }) == "cannot read " + name + ": Is a directory");
  CHECK(message_of<IoError>([&] { read_file(folder / "none"); }) ==
        "cannot read " + name + "/none: No such file or directory");
  CHECK(message_of<IoError>([&] { read_file("/dev/zero"); }) ==
        "cannot read /dev/zero: it is neither a file nor a pipe");
}

TEST_CASE("without permission nothing is read or written") {
  TemporaryFolder folder;
  put(folder / "secret", "x");
  ::chmod((folder / "secret").c_str(), 0);
  ::chmod(folder.path().c_str(), 0555);
  const int status = in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return 2;
    const bool read =
        message_of<IoError>([&] { read_file(folder / "secret"); }).ends_with(": Permission denied");
    const bool write = message_of<IoError>([&] {
                         write_file_atomically(folder / "new", "x");
                       }).ends_with(": Permission denied");
    return read && write ? 0 : 1;
  });
  ::chmod(folder.path().c_str(), 0755);
  CHECK(status == 0);
}

TEST_CASE("untrusted text is quoted on one line") {
  CHECK(in_quotes("a\nb\"c") == R"("a\nb\"c")");
  CHECK(in_quotes("\xff").find('\xff') == std::string::npos);
  CHECK(in_quotes(std::string(1000, 'a')).size() < 100);
}
