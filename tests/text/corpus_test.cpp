// Parallel text: every line becomes a pair or is accounted for.
#include "text/corpus.hpp"

#include <doctest/doctest.h>

#include <string>

#include "core/errors.hpp"
#include "text/scratch.hpp"

using namespace tenfold;
using std::string_literals::operator""s;

namespace {

std::int64_t skipped(const Corpus& corpus, LineFault fault) {
  return corpus.report.skipped[static_cast<std::size_t>(fault)];
}

CorpusPolicy refusing() {
  CorpusPolicy policy;
  policy.on_fault = CorpusPolicy::OnFault::refuse;
  return policy;
}

}  // namespace

TEST_CASE("a TSV file is read by column, plain or packed") {
  const Scratch scratch;
  const std::string text = "\xEF\xBB\xBFone\tun\tnote\r\ntwo\tdeux\tnote\r\ntwo\tdeux\tnote";
  for (const auto& path : {scratch.write("a.tsv", text), scratch.write("a.tsv.gz", gzip(text))}) {
    const Corpus corpus = read_tsv(path);
    REQUIRE(corpus.pairs.size() == 3);  // duplicates stay
    CHECK(corpus.pairs[0].source == "one");
    CHECK(corpus.pairs[0].target == "un");
    CHECK(corpus.report.lines == 3);
    CHECK(corpus.report.pairs == 3);
    CHECK(corpus.report.skipped_in_all() == 0);
    CHECK(corpus.report.summary() == path.string() + ": 3 lines, 3 pairs kept, 0 skipped");
    const Corpus other = read_tsv(path, 3, 1);
    CHECK(other.pairs[1].source == "note");
    CHECK(other.pairs[1].target == "two");
  }
}

TEST_CASE("columns that make no sense are a usage error") {
  const Scratch scratch;
  const auto path = scratch.write("a.tsv", "a\tb\n");
  CHECK_THROWS_AS(read_tsv(path, 0, 1), UsageError);
  CHECK_THROWS_AS(read_tsv(path, 1, -2), UsageError);
  CHECK(message_of<UsageError>([&] { read_tsv(path, 2, 2); }) ==
        "corpus: source and target must be two different columns counted from 1, got 2 and 2");
}

TEST_CASE("two files belong together line by line") {
  const Scratch scratch;
  const Corpus corpus = read_parallel(scratch.write("train.en.gz", gzip("one\ntwo\n")),
                                      scratch.write("train.fr", "un\r\ndeux"));
  REQUIRE(corpus.pairs.size() == 2);
  CHECK(corpus.pairs[1].source == "two");
  CHECK(corpus.pairs[1].target == "deux");
}

TEST_CASE("text is kept as it was read") {
  const Scratch scratch;
  const Corpus corpus = read_tsv(scratch.write("a.tsv", " a  b \tcafe\u0301\n"));
  CHECK(corpus.pairs[0].source == " a  b ");
  CHECK(corpus.pairs[0].target == "cafe\u0301");
}

TEST_CASE("unequal line counts are refused whatever the policy") {
  const Scratch scratch;
  const auto three = scratch.write("three", "a\nb\nc\n"), five = scratch.write("five", "a\nb\nc\nd\ne");
  const auto empty = scratch.write("empty", "");
  for (const CorpusPolicy& policy : {CorpusPolicy{}, refusing()}) {
    CHECK(message_of<DataError>([&] { read_parallel(three, five, policy); }) ==
          "corpus: " + three.string() + " has 3 lines but " + five.string() +
              " has 5; lines that belong together must come in equal numbers");
    CHECK(message_of<DataError>([&] { read_parallel(five, empty, policy); }) ==
          "corpus: " + five.string() + " has 5 lines but " + empty.string() +
              " has 0; lines that belong together must come in equal numbers");
  }
}

TEST_CASE("each fault is counted under its name, with its place") {
  const Scratch scratch;
  const auto path = scratch.write("a.tsv",
                                  "good\tbon\n"
                                  "one column\n"
                                  "caf\xE9\tlatin\n"
                                  "nul\tx\0y\n"
                                  "blank\t \u3000\t\n"
                                  "long\tabcdefé\n"
                                  "\n"
                                  "\tblank\n"
                                  "short\tabcdef\n"s);
  CorpusPolicy policy;
  policy.max_characters = 6;
  policy.max_examples = 6;
  const Corpus corpus = read_tsv(path, 1, 2, policy);
  CHECK(corpus.report.lines == 9);
  CHECK(corpus.report.pairs == 2);
  CHECK(skipped(corpus, LineFault::too_few_columns) == 2);
  CHECK(skipped(corpus, LineFault::invalid_utf8) == 1);
  CHECK(skipped(corpus, LineFault::nul_byte) == 1);
  CHECK(skipped(corpus, LineFault::blank_side) == 2);
  CHECK(skipped(corpus, LineFault::too_long) == 1);
  CHECK(corpus.report.lines == corpus.report.pairs + corpus.report.skipped_in_all());
  const std::string name = path.string();
  CHECK(corpus.report.summary() == name +
                                       ": 9 lines, 2 pairs kept, 7 skipped (2 too few columns, 1 invalid "
                                       "UTF-8, 1 NUL byte, 2 blank side, 1 too "
                                       "long)\n  " +
                                       name + ":2: too few columns (1, need 2)\n  " + name +
                                       ":3: invalid UTF-8 (at byte 4 of the sentence)\n  " + name +
                                       ":4: NUL byte\n  " + name + ":5: blank side\n  " + name +
                                       ":6: too long (7 characters, at most 6)\n  " + name +
                                       ":7: too few columns (1, need 2)\n  and 1 more");
}

TEST_CASE("a refusing policy stops at the first fault and says where") {
  const Scratch scratch;
  const auto tsv = scratch.write("a.tsv", "a\tb\n\tb\nx\n");
  CHECK(message_of<DataError>([&] { read_tsv(tsv, 1, 2, refusing()); }) == tsv.string() + ":2: blank side");
  const auto good = scratch.write("good", "a\nb\nc\n"), bad = scratch.write("bad", "a\nb\n\xC0\x80\n");
  CHECK(message_of<DataError>([&] { read_parallel(good, bad, refusing()); }) ==
        bad.string() + ":3: invalid UTF-8 (at byte 1 of the sentence)");
  CHECK(message_of<DataError>([&] { read_parallel(bad, good, refusing()); }) ==
        bad.string() + ":3: invalid UTF-8 (at byte 1 of the sentence)");
}

TEST_CASE("a corpus without a usable pair is refused") {
  const Scratch scratch;
  const auto empty = scratch.write("empty", "");
  CHECK(message_of<DataError>([&] { read_tsv(empty); }) ==
        empty.string() + ": no usable sentence pair in 0 lines");
  CHECK(message_of<DataError>([&] { read_parallel(empty, empty); }) ==
        empty.string() + " + " + empty.string() + ": no usable sentence pair in 0 lines");
  const auto plain = scratch.write("plain", "no\ntabs\n");
  CHECK(message_of<DataError>([&] { read_tsv(plain); }) ==
        plain.string() + ": no usable sentence pair in 2 lines; first: " + plain.string() +
            ":1: too few columns (1, need 2)");
  CorpusPolicy impossible;
  impossible.max_characters = 0;
  CHECK_THROWS_AS(read_tsv(plain, 1, 2, impossible), UsageError);
}

TEST_CASE("a file that breaks off is an error, not a shorter corpus") {
  const Scratch scratch;
  const std::string whole = gzip("a\tb\nc\td\n");
  const auto cut = scratch.write("cut.gz", whole.substr(0, whole.size() - 3));
  CHECK(message_of<IoError>([&] { read_tsv(cut); }) == cut.string() + ": the gzip data is cut off");
}

TEST_CASE("Multi30k reads whole") {
  const auto english = real_data("multi30k/train.en.gz"), german = real_data("multi30k/train.de.gz");
  if (!english || !german) return;
  const Corpus corpus = read_parallel(*english, *german, refusing());
  CHECK(corpus.pairs.size() == 29000);
}

TEST_CASE("Tatoeba reads whole, the attribution column aside") {
  const auto path = real_data("tatoeba/eng-cmn.tsv.gz");
  if (!path) return;
  const Corpus corpus = read_tsv(*path);
  CHECK(corpus.report.lines == corpus.report.pairs + corpus.report.skipped_in_all());
  CHECK(corpus.report.pairs > 27000);
  CHECK(corpus.report.skipped_in_all() < 10);
}
