// How BLEU cuts segments into words, against sacreBLEU's own tokenisers (see README.md), and the Unicode
// under it.
#include "text/mt_tokenize.hpp"

#include <doctest/doctest.h>

#include "core/errors.hpp"
#include "text/mt_unicode.hpp"

using namespace tenfold;

namespace {

// The words with one space between them.
std::u32string cut(std::u32string_view segment, MtTokenization tokenization) {
  const std::u32string text = mt_tokenize(segment, tokenization);
  std::u32string words;
  for (const std::u32string_view word : mt::split_spaces(text)) {
    if (!words.empty()) words += U' ';
    words += word;
  }
  return words;
}

std::u32string cut_13a(std::u32string_view segment) { return cut(segment, MtTokenization::v13a); }
std::u32string cut_zh(std::u32string_view segment) { return cut(segment, MtTokenization::zh); }

bool is_utf8(std::string_view bytes) { return !mt::decode_utf8(bytes).bad_byte; }

}  // namespace

TEST_CASE("13a parts punctuation from words and leaves numbers whole") {
  CHECK(cut_13a(U"Well, it cost 1,250.50 (or so).") == U"Well , it cost 1,250.50 ( or so ) .");
  CHECK(cut_13a(U"a.b .c, 3.x x.3 4,- 5-6 b-7") == U"a . b . c , 3 . x x . 3 4 , - 5 - 6 b-7");
  CHECK(cut_13a(U"1.,2 ,.a") == U"1 . , 2 , . a");
  CHECK(cut_13a(U"...!") == U". . . !");
  CHECK(cut_13a(U".5 6.") == U". 5 6 .");
  CHECK(cut_13a(U"it's l’eau – “so”") == U"it's l’eau – “so”");
}

TEST_CASE("13a joins broken lines, drops <skipped> and reads four HTML entities, in that order") {
  CHECK(cut_13a(U"co-\noperate\nhere<skipped> &amp;lt; &quot;x&quot;") == U"cooperate here < \" x \"");
  CHECK(cut_13a(U"trailing-\n") == U"trailing-");
}

TEST_CASE("zh makes every Chinese character a word, and points at the ends stay where they are") {
  CHECK(cut_zh(U"他买了3.5公斤—真多…€5") == U"他 买 了 3.5 公 斤 — 真 多 … € 5");
  CHECK(cut_zh(U"Ａ１，b&lt;") == U"Ａ １ ， b & lt ;");
  CHECK(cut_zh(U" .5 6. ") == U".5 6.");
}

TEST_CASE("zh has the edges of sacreBLEU's ranges, slips included") {
  CHECK(cut_zh(U"x\u2001x\u2A6Dx") == U"x x \u2A6D x");
  CHECK(cut_zh(U"x\u200Bx") == U"x \u200B x");
  CHECK(cut_zh(U"x\u2A6Ex\u2E7Fx") == U"x\u2A6Ex\u2E7Fx");
  CHECK(cut_zh(U"x\U00020000\U0002A6D6x") == U"x\U00020000\U0002A6D6x");
  CHECK(cut_zh(U"x\u9FBBx\u9FBCx") == U"x \u9FBB x\u9FBCx");
}

TEST_CASE("none changes nothing") {
  CHECK(cut(U"don't,  &amp; stop . ", MtTokenization::none) == U"don't, &amp; stop .");
}

TEST_CASE("tokenisations go by sacreBLEU's names") {
  CHECK(mt_tokenization_from("zh") == MtTokenization::zh);
  CHECK(name_of(mt_tokenization_from("13a")) == "13a");
  CHECK_THROWS_WITH_AS(mt_tokenization_from("intl"), "tokenization must be 13a, zh or none, got 'intl'",
                       UsageError);
}

TEST_CASE("UTF-8 is decoded strictly") {
  CHECK(mt::decode_utf8("a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80").text == U"aé中😀");
  CHECK(is_utf8("\xF4\x8F\xBF\xBF"));
  CHECK(is_utf8("\xEF\xBF\xBF"));
  const char* broken[] = {"\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",
                          "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                          "\xC3",         "\xE4\xB8",         "\xE4\xB8x",        "\xF0\x9F\x98"};
  for (const char* bytes : broken) CHECK_FALSE(is_utf8(bytes));
  CHECK(mt::decode_utf8("ab\xE4\xB8").bad_byte == 2);
}

TEST_CASE("lower case is Python's, whatever the locale") {
  CHECK(mt::to_lower(U"ÀÉÎ Āā ŒUVRE Ǆ ЖЁ Ÿ ẞ K ß 中 Ａ") == U"àéî āā œuvre ǆ жё ÿ ß k ß 中 ａ");
  CHECK(mt::to_lower(U"İ") == U"i\u0307");
  CHECK(mt::to_lower(U"ΟΔΟΣ, Σ ΣΑΣ' ΑΣ.Α Α\u0301Σ") == U"οδος, σ σας' ασ.α α\u0301ς");
}
