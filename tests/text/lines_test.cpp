// Lines from plain and gzip files: every line ending, every way a file can be broken.
#include "text/lines.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "core/errors.hpp"
#include "text/scratch.hpp"

using namespace tenfold;
using std::string_literals::operator""s;
using Strings = std::vector<std::string>;

namespace {

Strings read(LineReader reader) {
  Strings lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  CHECK(reader.line_number() == static_cast<std::int64_t>(lines.size()));
  return lines;
}

Strings read(const std::filesystem::path& path) { return read(LineReader(path)); }

/// Puts `descriptor` in the place of standard input while it lives.
class AsInput {
 public:
  explicit AsInput(int descriptor) : saved_(dup(STDIN_FILENO)) {
    dup2(descriptor, STDIN_FILENO);
    close(descriptor);
  }
  AsInput(const AsInput&) = delete;
  AsInput& operator=(const AsInput&) = delete;
  ~AsInput() {
    dup2(saved_, STDIN_FILENO);
    close(saved_);
  }

 private:
  int saved_;
};

}  // namespace

TEST_CASE("line ends and the byte-order mark") {
  const Scratch scratch;
  const std::vector<std::pair<std::string, Strings>> cases = {
      {"", {}},
      {"\n", {""}},
      {"a", {"a"}},
      {"a\n", {"a"}},
      {"a\nb", {"a", "b"}},
      {"a\r\n\r\nb\r", {"a", "", "b"}},
      {"a\rb\n", {"a\rb"}},
      {"\n\na", {"", "", "a"}},
      {"a\0b\n\xFF"s, {"a\0b"s, "\xFF"}},
      {"\xEF\xBB\xBFx\n\xEF\xBB\xBFy", {"x", "\xEF\xBB\xBFy"}},
      {"\x1F", {"\x1F"}}};
  for (const auto& [bytes, lines] : cases) {
    CAPTURE(bytes);
    CHECK(read(scratch.write("plain.txt", bytes)) == lines);
    CHECK(read(scratch.write("packed.gz", gzip(bytes))) == lines);
  }
}

TEST_CASE("the bytes decide whether it is gzip, not the name") {
  const Scratch scratch;
  CHECK(read(scratch.write("a.txt", gzip("one\ntwo\n"))) == Strings{"one", "two"});
  CHECK(read(scratch.write("a.gz", "one\ntwo\n")) == Strings{"one", "two"});
}

TEST_CASE("several gzip members are one text") {
  const Scratch scratch;
  CHECK(read(scratch.write("a.gz", gzip("one\ntw") + gzip("") + gzip("o\nthree"))) ==
        Strings{"one", "two", "three"});
}

TEST_CASE("lines longer than any buffer, and many of them") {
  const Scratch scratch;
  Strings lines;
  std::string text;
  for (int i = 0; i < 3000; ++i)
    lines.push_back(std::string(static_cast<std::size_t>(i * 37 % 900), 'a' + i % 26));
  lines.push_back(std::string(1'000'000, 'x'));
  lines.push_back("end");
  for (const std::string& line : lines) text += line + "\n";
  CHECK(read(scratch.write("a.txt", text)) == lines);
  CHECK(read(scratch.write("a.gz", gzip(text))) == lines);
}

TEST_CASE("an endless line is refused, not swallowed") {
  const Scratch scratch;
  const auto bomb =
      scratch.write("bomb.gz", gzip("ok\n" + std::string(LineReader::max_line_bytes + (1 << 20), 'z')));
  CHECK(message_of<DataError>([&] { read(bomb); }) ==
        bomb.string() + ":2: the line is longer than 67108864 bytes");
}

TEST_CASE("what cannot be read is an error that names the file") {
  const Scratch scratch;
  const auto missing = scratch.folder() / "missing.txt";
  CHECK(message_of<IoError>([&] { read(missing); }) ==
        missing.string() + ": cannot open: No such file or directory");
  CHECK(message_of<IoError>([&] { read(scratch.folder()); }) ==
        scratch.folder().string() + ": cannot read: Is a directory");
  const auto secret = scratch.write("secret.txt", "x");
  std::filesystem::permissions(secret, std::filesystem::perms::none);
  if (geteuid() == 0) {
    MESSAGE("skipped: root may read every file");
  } else {
    CHECK(message_of<IoError>([&] { read(secret); }) == secret.string() + ": cannot open: Permission denied");
  }
}

TEST_CASE("gzip data cut at any byte is an error") {
  const Scratch scratch;
  const std::string whole = gzip("The first line.\nThe second line.\nThe third, rather longer line.\n");
  for (std::size_t size = 2; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto path = scratch.write("cut.gz", whole.substr(0, size));
    CHECK(message_of<IoError>([&] { read(path); }) == path.string() + ": the gzip data is cut off");
  }
}

TEST_CASE("a flipped bit in gzip data is an error, or changes nothing") {
  const Scratch scratch;
  const Strings lines = {"The first line.", "The second line.", "The third, rather longer line."};
  const std::string whole = gzip(lines[0] + "\n" + lines[1] + "\n" + lines[2] + "\n");
  int refused = 0;
  for (std::size_t bit = 16; bit < whole.size() * 8; ++bit) {  // the first two bytes say that it is gzip
    CAPTURE(bit);
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto path = scratch.write("flipped.gz", flipped);
    try {
      const Strings found = read(path);
      CHECK(found == lines);  // time stamp, operating system, …
    } catch (const IoError& error) {
      CHECK(std::string(error.what()).starts_with(path.string() + ": the gzip data is "));
      ++refused;
    }
  }
  CHECK(refused > 450);
}

TEST_CASE("text after gzip data would be lost, so it is an error") {
  const Scratch scratch;
  for (const std::string& tail : Strings{"x", "more text\n", std::string(512, '\0')}) {
    const auto path = scratch.write("tail.gz", gzip("one\n") + tail);
    CHECK(message_of<IoError>([&] { read(path); }) ==
          path.string() + ": something that is not gzip follows the gzip data");
  }
}

TEST_CASE("standard input, plain and gzip") {
  const Scratch scratch;
  for (const std::string& bytes : Strings{"one\ntwo", gzip("one\ntwo")}) {
    const AsInput input(open(scratch.write("in", bytes).c_str(), O_RDONLY));
    CHECK(read(LineReader::standard_input()) == Strings{"one", "two"});
  }
}

TEST_CASE("standard input hands out a line before the next one is written") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const AsInput input(ends[0]);
  LineReader reader = LineReader::standard_input();
  std::string line;
  for (const std::string& text : Strings{"\n", "first\n", "second\n"}) {
    REQUIRE(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    REQUIRE(reader.next(line));  // would wait for ever if it wanted more
    CHECK(line + "\n" == text);
  }
  close(ends[1]);
  CHECK(!reader.next(line));
  CHECK(reader.name() == "standard input");
}
