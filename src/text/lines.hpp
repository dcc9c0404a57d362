/// @file
/// LineReader: the lines of a text file or of standard input, plain or gzip, one at a time.
///
/// Whether the bytes are gzip is decided by their first two, never by the name. A line ends at LF or CR LF;
/// the last one may have no end. A UTF-8 byte-order mark at the very start is dropped. Lines are handed out
/// as bytes: whether they are UTF-8 is for the caller to check (text/utf8.hpp).
///
/// What cannot be read whole is an error that names the file: missing, unreadable, a directory, or gzip that
/// is cut, corrupt, or followed by something else. Everything read up to the damage has been handed out by
/// then, so a caller must not act on the lines before next() has returned false.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace tenfold {

/// One input, read line by line. It can be moved, not copied.
class LineReader {
 public:
  /// A line longer than this is refused rather than read: it is not text, and may be a decompression bomb.
  static constexpr std::size_t max_line_bytes = std::size_t{64} << 20;

  /// Opens `path`. Throws IoError.
  explicit LineReader(const std::filesystem::path& path);
  /// Reads standard input, handing out each line as soon as it is complete.
  static LineReader standard_input();
  ~LineReader();
  /// What is moved from can only be destroyed.
  LineReader(LineReader&&) noexcept;
  /// Closes what it read before.
  LineReader& operator=(LineReader&&) noexcept;

  /// Puts the next line, without its end, into `line`; false when there is none. Throws IoError, or DataError
  /// for a line longer than max_line_bytes.
  bool next(std::string& line);

  /// Number of the line handed out last, from 1; 0 before the first.
  std::int64_t line_number() const { return line_number_; }
  /// The path as given, or "standard input".
  const std::string& name() const { return name_; }

 private:
  class Bytes;
  LineReader(int descriptor, std::string name);

  std::string name_;
  std::unique_ptr<Bytes> bytes_;
  std::string pending_;
  std::size_t start_ = 0;
  std::int64_t line_number_ = 0;
};

}  // namespace tenfold
