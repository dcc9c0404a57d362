/// @file
/// Files that are either whole or not there. An AtomicFile collects its bytes in a temporary sibling;
/// commit() waits until they are on the disk and then renames the sibling to the wanted name. Whatever goes
/// wrong before that (a full disk, a crash, an exception of the caller) leaves the old file as it was and no
/// temporary behind (a kill -9 can leave one, named `.tenfold-…`). A path that is a symbolic link replaces
/// what the link points to; a path that is a device or a pipe is written straight, since there is nothing to
/// replace.
///
/// A process that runs under a file size limit must ignore SIGXFSZ to see the error instead of being killed.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "io/descriptor.hpp"

namespace tenfold {

/// One file being written. Not copied: it owns the temporary.
class AtomicFile {
 public:
  /// Creates the temporary. Throws IoError "cannot write PATH: reason".
  explicit AtomicFile(const fs::path& path);
  /// Removes the temporary unless commit() succeeded.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends bytes. Throws IoError.
  void write(std::span<const std::byte> bytes);
  /// Makes the file appear under its name, durably. Throws IoError. Nothing can be written afterwards.
  void commit();

 private:
  void create_temporary(unsigned mode);

  fs::path path_;       // as the caller named it, for messages
  fs::path target_;     // with symbolic links followed
  fs::path temporary_;  // empty when the target is written straight, and after commit()
  Descriptor file_;
};

/// The whole of an AtomicFile in one call.
void write_file_atomically(const fs::path& path, std::string_view bytes);

/// The content of a file or pipe. Throws IoError "cannot read PATH: reason" when it is missing, a folder,
/// unreadable.
std::string read_file(const fs::path& path);

}  // namespace tenfold
