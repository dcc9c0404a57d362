// Whatever comes in, one line goes out for each line, in order, as it comes.
#include <doctest/doctest.h>

#include "cli/command.hpp"

using namespace tenfold::test;
using namespace std::string_literals;

namespace {

Result translated(std::string_view input, const std::vector<std::string>& more = {}) {
  return run_tenfold(std::vector<std::string>{"translate", "--model", small_run(), "--threads", "1"} + more,
                     input);
}

}  // namespace

TEST_CASE("every kind of line gives exactly one line") {
  const std::string plain = translated("the cat sleeps\n").output;
  REQUIRE(lines_of(plain).size() == 1);
  struct Case {
    std::string name, input;
    std::size_t lines;
    std::string warning;
  };
  std::string endless;
  while (endless.size() < 100'000) endless += "the cat ";
  const std::vector<Case> cases{
      {"nothing", "", 0, ""},
      {"an empty line", "\n", 1, ""},
      {"a blank line", " \t \n", 1, ""},
      {"empty lines between", "the cat sleeps\n\n\nthe cat sleeps\n", 4, ""},
      {"no final newline", "the cat sleeps", 1, ""},
      {"CRLF", "the cat sleeps\r\nthe cat sleeps\r\n", 2, ""},
      {"a byte-order mark", "\xEF\xBB\xBFthe cat sleeps\n", 1, ""},
      {"NUL bytes", "the\0 cat\0 sleeps\0\n"s, 1, "line 1: 3 NUL bytes were dropped"},
      {"invalid UTF-8", "ok\nthe \xC3\x28 cat \xFF\n", 2, "line 2: 2 bytes are not UTF-8 and were replaced"},
      {"100 kB", endless + "\n", 1, "only the first 63 were translated"},
      {"100 kB in one word", std::string(100'000, 'x') + "\n", 1, "only the first 63 were translated"},
      {"characters never seen", "\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80\n", 1, ""},
      {"a lone carriage return", "the cat\rsleeps\n", 1, ""},
      {"line separators of Unicode", "the cat\xE2\x80\xA8sleeps\xC2\x85\n", 1, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Result r = translated(c.input);
    CHECK(r.exit_code == 0);
    CHECK(lines_of(r.output).size() == c.lines);
    CHECK(r.output.find("(no newline)") == std::string::npos);
    CHECK(r.errors.find(c.warning) != std::string::npos);
  }
  CHECK(translated("the cat sleeps\r\n").output == plain);
  CHECK(translated("the cat sleeps").output == plain);
  CHECK(translated("\xEF\xBB\xBFthe cat sleeps\n").output == plain);
  CHECK(translated("the\0 cat\0 sleeps\0\n"s).output == plain);
}

TEST_CASE("thousands of lines stay in order") {
  std::string input, expected;
  const std::string a = translated("the cat sleeps\n").output, b = translated("two dogs\n").output;
  for (int i = 0; i < 700; ++i) {
    input += i % 7 == 0 ? "\n" : i % 3 == 0 ? "two dogs\n" : "the cat sleeps\n";
    expected += i % 7 == 0 ? "\n" : i % 3 == 0 ? b : a;
  }
  CHECK(translated(input).output == expected);
  CHECK(translated(input, {"--batch", "3"}).output == expected);
}

TEST_CASE("n best, with scores from the best down") {
  const Result r = translated("the cat sleeps\n\ntwo dogs\n", {"--beam", "4", "--nbest", "3", "--scores"});
  CHECK(r.exit_code == 0);
  const auto lines = lines_of(r.output);
  REQUIRE(lines.size() == 9);
  for (std::size_t i : {0, 6})
    for (std::size_t n = 0; n + 1 < 3; ++n) CHECK(std::stod(lines[i + n]) >= std::stod(lines[i + n + 1]));
  for (const std::string& line : lines) CHECK(line.find('\t') != std::string::npos);
  CHECK(lines[3] == "0.0000\t");
}

TEST_CASE("a line is answered before the next is written") {
  Process p({"translate", "--model", small_run(), "--threads", "1"});
  const std::string plain = lines_of(translated("the cat sleeps\n").output)[0];
  for (int i = 0; i < 3; ++i) {
    p.write("the cat sleeps\n");
    CHECK(p.read_line() == plain);
  }
  CHECK(p.wait().exit_code == 0);
}

TEST_CASE("a reader that has enough ends the command quietly") {
  const Result r = shell("yes 'the cat sleeps' | head -3000 | { $T translate --model '" +
                         small_run().string() + "'; echo $? >&2; } | head -1");
  CHECK(lines_of(r.output).size() == 1);
  CHECK(lines_of(r.errors).back() == "0");
  CHECK(shell("{ $T corpus --count 20000; echo $? >&2; } | head -1").errors == "0\n");
}

TEST_CASE("output that cannot be written is an error") {
  const std::string full = "cannot write standard output: No space left on device";
  for (const std::string& command : {"echo | $T translate --model '" + small_run().string() + "' > /dev/full",
                                     std::string("$T corpus --count 5000 > /dev/full"),
                                     "$T info '" + small_run().string() + "' > /dev/full"}) {
    CAPTURE(command);
    const Result r = shell(command);
    CHECK(r.exit_code == 1);
    CHECK(error_of(r) == full);
    CHECK(lines_of(r.errors).size() == 1);
  }
  const Result help = shell("$T --help > /dev/full");
  CHECK(help.exit_code == 1);
  CHECK(error_of(help) == "cannot write standard output");
  const Result closed = shell("echo | $T translate --model '" + small_run().string() + "' >&-");
  CHECK(closed.exit_code == 1);
  CHECK(error_of(closed).starts_with("cannot write standard output: "));
}

TEST_CASE("errors that nobody can read are no crash") {
  CHECK(shell("$T translate --model /nowhere 2> /dev/full").exit_code == 1);
  CHECK(shell("$T translate --model /nowhere 2>&-").exit_code == 1);
  CHECK(shell("printf 'the \\377 cat\\n' | $T translate --model '" + small_run().string() + "' 2> /dev/full")
            .exit_code == 0);
}

TEST_CASE("input that cannot be read is an error") {
  CHECK(error_of(translated("", {"/nowhere/text"})).find("/nowhere/text") != std::string::npos);
  CHECK(error_of(translated("", {"/tmp"})).find("/tmp") != std::string::npos);
  const Result closed = shell("$T translate --model '" + small_run().string() + "' <&-");
  CHECK(closed.exit_code == 1);
  CHECK(error_of(closed).find("standard input") != std::string::npos);
  const TemporaryFolder folder;
  put(folder / "cut.gz", "\x1f\x8b\x08\x00\x00\x00");
  const Result cut = translated("", {(folder / "cut.gz").string()});
  CHECK(cut.exit_code == 1);
  CHECK(error_of(cut).find("cut.gz") != std::string::npos);
}
