#include "text/lines.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "core/errors.hpp"

namespace tenfold {

/// Decompressed bytes from a file descriptor, in pieces as they come.
class LineReader::Bytes {
 public:
  Bytes(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() {
    if (inflating_) inflateEnd(&stream_);
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
  }

  /// Appends at least one more byte to `out`; false at the end.
  bool append(std::string& out) {
    if (!sniffed_) sniff();
    return gzip_ ? append_inflated(out) : append_plain(out);
  }

 private:
  /// Reads once; false at the end of the file. Unread input is kept.
  bool refill() {
    if (begin_ > 0) {
      std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
    }
    ssize_t got = 0;
    do {
      got = ::read(descriptor_, input_.data() + end_, input_.size() - end_);
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw IoError(fmt::format("{}: cannot read: {}", name_, std::strerror(errno)));
    end_ += static_cast<std::size_t>(got);
    return got > 0;
  }

  /// Looks at the first two bytes, waiting for the second only when the first is that of gzip (RFC 1952: 1f
  /// 8b).
  void sniff() {
    sniffed_ = true;
    refill();
    if (end_ == 1 && input_[0] == 0x1F) refill();
    gzip_ = at_gzip_header();
    if (gzip_) start_member();
  }

  bool at_gzip_header() const {
    return end_ - begin_ >= 2 && input_[begin_] == 0x1F && input_[begin_ + 1] == 0x8B;
  }

  void start_member() {
    if (inflating_) inflateEnd(&stream_);
    stream_ = {};
    constexpr int gzip_only = 16 + MAX_WBITS;
    inflating_ = inflateInit2(&stream_, gzip_only) == Z_OK;
    if (!inflating_) throw std::bad_alloc();
  }

  bool append_plain(std::string& out) {
    if (begin_ == end_ && !refill()) return false;
    out.append(reinterpret_cast<const char*>(input_.data()) + begin_, end_ - begin_);
    begin_ = end_ = 0;
    return true;
  }

  bool append_inflated(std::string& out) {
    const std::size_t before = out.size();
    while (out.size() == before) {
      if (between_members_ && !next_member()) return false;
      const bool starved = begin_ == end_ && !output_was_full_;
      if (starved && !refill()) throw IoError(fmt::format("{}: the gzip data is cut off", name_));
      inflate_some(out);
    }
    return true;
  }

  /// After one member: another may follow (RFC 1952 section 2.2), or nothing; anything else would be lost
  /// text.
  bool next_member() {
    while (end_ - begin_ < 2 && refill()) {
    }
    if (begin_ == end_) return false;
    if (!at_gzip_header())
      throw IoError(fmt::format("{}: something that is not gzip follows the gzip data", name_));
    start_member();
    between_members_ = false;
    return true;
  }

  void inflate_some(std::string& out) {
    stream_.next_in = input_.data() + begin_;
    stream_.avail_in = static_cast<uInt>(end_ - begin_);
    stream_.next_out = output_.data();
    stream_.avail_out = static_cast<uInt>(output_.size());
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      throw IoError(fmt::format("{}: the gzip data is corrupt ({})", name_,
                                stream_.msg ? stream_.msg : "unexpected end"));
    }
    begin_ = end_ - stream_.avail_in;
    between_members_ = status == Z_STREAM_END;
    output_was_full_ = !between_members_ && stream_.avail_out == 0;
    out.append(reinterpret_cast<const char*>(output_.data()), output_.size() - stream_.avail_out);
  }

  int descriptor_;
  std::string name_;
  std::array<unsigned char, 1 << 16> input_;
  std::array<unsigned char, 1 << 16> output_;
  std::size_t begin_ = 0, end_ = 0;  // of the unread part of input_
  z_stream stream_{};
  bool sniffed_ = false, gzip_ = false, inflating_ = false, between_members_ = false;
  bool output_was_full_ = false;  // then zlib may hold more, even with no input left
};

namespace {

int open_for_reading(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw IoError(fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  return descriptor;
}

}  // namespace

LineReader::LineReader(const std::filesystem::path& path)
    : LineReader(open_for_reading(path), path.string()) {}

LineReader::LineReader(int descriptor, std::string name)
    : name_(std::move(name)), bytes_(std::make_unique<Bytes>(descriptor, name_)) {}

LineReader LineReader::standard_input() { return LineReader(STDIN_FILENO, "standard input"); }

LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;

bool LineReader::next(std::string& line) {
  std::size_t searched = start_;
  std::size_t end = pending_.find('\n', searched);
  bool more = true;
  while (end == std::string::npos && more) {
    pending_.erase(0, std::exchange(start_, 0));
    searched = pending_.size();
    if (searched > max_line_bytes) {
      throw DataError(
          fmt::format("{}:{}: the line is longer than {} bytes", name_, line_number_ + 1, max_line_bytes));
    }
    more = bytes_->append(pending_);
    end = pending_.find('\n', searched);
  }
  if (end == std::string::npos && start_ == pending_.size()) return false;

  std::string_view found = std::string_view(pending_).substr(start_, end - start_);
  start_ = end == std::string::npos ? pending_.size() : end + 1;
  if (found.ends_with('\r')) found.remove_suffix(1);
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (line_number_ == 0 && found.starts_with(byte_order_mark)) found.remove_prefix(byte_order_mark.size());
  line.assign(found);
  ++line_number_;
  return true;
}

}  // namespace tenfold
