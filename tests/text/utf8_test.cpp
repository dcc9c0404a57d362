// UTF-8: what is valid, what counts as blank, and the normal form.
#include "text/utf8.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/errors.hpp"

using namespace tenfold;
using std::string_literals::operator""s;

TEST_CASE("well-formed sequences of every length decode") {
  const std::vector<std::pair<std::string, char32_t>> cases = {{"\0"s, 0},
                                                               {"A", 'A'},
                                                               {"\x7F", 0x7F},
                                                               {"\xC2\x80", 0x80},
                                                               {"\xDF\xBF", 0x7FF},
                                                               {"\xE0\xA0\x80", 0x800},
                                                               {"\xED\x9F\xBF", 0xD7FF},
                                                               {"\xEE\x80\x80", 0xE000},
                                                               {"\xEF\xBF\xBF", 0xFFFF},
                                                               {"\xF0\x90\x80\x80", 0x10000},
                                                               {"\xF4\x8F\xBF\xBF", 0x10FFFF}};
  for (const auto& [bytes, value] : cases) {
    CAPTURE(value);
    const auto point = decode_utf8(bytes, 0);
    REQUIRE(point.has_value());
    CHECK(point->value == value);
    CHECK(point->next == bytes.size());
    CHECK(!find_invalid_utf8(bytes));
  }
}

TEST_CASE("everything else is refused, at the byte where it starts") {
  const std::vector<std::string> bad = {"\x80",              // a continuation byte alone
                                        "\xC3",              // cut
                                        "\xE2\x82",          // cut
                                        "\xF0\x9F\x98",      // cut
                                        "\xC3(",             // no continuation byte
                                        "\xE2\x28\xA1",      // no continuation byte
                                        "\xC0\x80",          // overlong NUL
                                        "\xC1\xBF",          // overlong
                                        "\xE0\x9F\xBF",      // overlong
                                        "\xF0\x8F\xBF\xBF",  // overlong
                                        "\xED\xA0\x80",      // surrogate
                                        "\xED\xBF\xBF",      // surrogate
                                        "\xF4\x90\x80\x80",  // above U+10FFFF
                                        "\xF8\x88\x80\x80\x80",
                                        "\xFE",
                                        "\xFF"};
  for (const std::string& bytes : bad) {
    CAPTURE(static_cast<int>(static_cast<unsigned char>(bytes[0])));
    CHECK(find_invalid_utf8(bytes) == 0u);
    CHECK(find_invalid_utf8("añ" + bytes + "z") == 3u);
    CHECK_THROWS_AS(normalise("añ" + bytes), DataError);
  }
  CHECK(!decode_utf8("abc", 3));
  CHECK(!find_invalid_utf8(""));
}

TEST_CASE("characters are counted, not bytes") {
  CHECK(count_code_points("") == 0);
  CHECK(count_code_points("naïve") == 5);
  CHECK(count_code_points("你好。") == 3);
  CHECK(count_code_points("\xF0\x9F\x98\x80") == 1);
}

TEST_CASE("blank text has no visible character") {
  CHECK(is_blank(""));
  CHECK(is_blank(" \t\r\v\f"));
  CHECK(is_blank("\0"s));
  CHECK(is_blank("\u00A0\u2003\u200B\u2028\u202F\u3000\uFEFF"));
  CHECK(!is_blank(" . "));
  CHECK(!is_blank("\u200D"));  // a joiner shapes its neighbours
  CHECK(!is_blank("\xFF"));    // not text at all, so not blank either
}

TEST_CASE("normalise gives NFC and turns each blank into a space") {
  CHECK(normalise("plain ASCII, as it was") == "plain ASCII, as it was");
  CHECK(normalise("cafe\u0301") == "caf\u00E9");
  CHECK(normalise("q\u0307\u0323") == "q\u0323\u0307");  // marks in canonical order
  CHECK(normalise("\u1112\u1161\u11AB") == "\uD55C");    // Hangul composes
  CHECK(normalise("\u212B") == "\u00C5");                // Ångström sign: canonical
  CHECK(normalise("，？ﬁ①") == "，？ﬁ①");                // compatibility forms stay: not NFKC
  CHECK(normalise("a\tb\rc\u00A0d\u3000e\0f"s) == "a b c d e f");
  CHECK(normalise("a  b ") == "a  b ");
  CHECK(normalise("a \u0301") == "a \u0301");
  const std::string once = normalise("e\u0301\u0327 x");
  CHECK(normalise(once) == once);
}
