// chrF2 against sacreBLEU 2.6.0 on the sets of metric_samples.txt; README.md says how the values were
// obtained.
#include "text/chrf.hpp"

#include <doctest/doctest.h>

#include "core/errors.hpp"
#include "text/metric_samples.hpp"

using namespace tenfold;

namespace {

using Lines = std::vector<std::string>;

// What sacreBLEU prints after "chrF2 = " for a set, with or without lower-casing.
struct ExpectedChrf {
  const char* set;
  bool lowercase;
  const char* score;
};

const ExpectedChrf reference_chrf[] = {
    // clang-format off
    {"english", false, "80.49"},
    {"french", false, "63.08"},
    {"german", false, "74.19"},
    {"german", true, "77.69"},
    {"chinese", false, "69.41"},
    {"mixed", false, "58.02"},
    {"mixed", true, "59.52"},
    {"entities", false, "68.44"},
    {"entities", true, "68.44"},
    {"marks", false, "74.04"},
    {"spaces", false, "100.00"},
    {"accents", false, "32.37"},
    {"emoji", false, "67.95"},
    {"capitals", false, "1.75"},
    {"capitals", true, "90.26"},
    {"no-fourgram", false, "52.49"},
    {"no-fourgram", true, "60.40"},
    {"only-words", false, "34.75"},
    {"no-match", false, "7.86"},
    {"one-word", false, "82.23"},
    {"short-and-whole", false, "82.46"},
    {"longer", false, "78.37"},
    {"shorter", false, "36.34"},
    {"empty-hypothesis", false, "47.84"},
    {"empty-reference", false, "81.31"},
    {"all-empty", false, "0.00"},
    {"repeats", false, "25.95"},
    {"repeats", true, "27.45"},
    // clang-format on
};

}  // namespace

TEST_CASE("chrF prints the same score as sacreBLEU on every sample set") {
  const auto sets = read_metric_samples();
  for (const ExpectedChrf& expected : reference_chrf) {
    CAPTURE(expected.set);
    const SampleSet& set = sets.at(expected.set);
    const ChrfScore chrf = corpus_chrf(set.hypotheses, set.references, {expected.lowercase});
    CHECK(chrf.format() == "chrF2|" + chrf.signature() + " = " + expected.score);
  }
}

TEST_CASE("a chrF signature names what was done, and by whom") {
  const Lines line{"One line."};
  CHECK(corpus_chrf(line, line).signature() ==
        "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:tenfold-0.1");
  CHECK(corpus_chrf(line, line, {true}).signature() ==
        "nrefs:1|case:lc|eff:yes|nc:6|nw:0|space:no|version:tenfold-0.1");
}

TEST_CASE("chrF by hand: three characters of which two match") {
  // Orders 1 to 3 occur on both sides; precision and recall are (2/3 + 1/2 + 0/1) / 3 alike, and so is F.
  const ChrfScore chrf = corpus_chrf(Lines{"a b x"}, Lines{"abc"});
  CHECK(chrf.precision == doctest::Approx(100 * 7.0 / 18));
  CHECK(chrf.recall == doctest::Approx(100 * 7.0 / 18));
  CHECK(chrf.score == doctest::Approx(100 * 7.0 / 18));
}

TEST_CASE("chrF weighs recall four times as much as precision") {
  // "ab" finds all of its characters, but only half of the reference's: P = 1, R = (2/4 + 1/3) / 2.
  const double recall = 5.0 / 12;
  const ChrfScore chrf = corpus_chrf(Lines{"ab"}, Lines{"abcd"});
  CHECK(chrf.score == doctest::Approx(100 * 5 * recall / (4 + recall)));
}

TEST_CASE("chrF counts code points, not bytes") {
  // The two characters differ only in their last byte; nothing matches.
  CHECK(corpus_chrf(Lines{"中"}, Lines{"丮"}).score == 0);
  CHECK(corpus_chrf(Lines{"中丮"}, Lines{"中"}).precision == doctest::Approx(50));
}

TEST_CASE("chrF says in one line what is wrong with its input") {
  CHECK_THROWS_WITH_AS(corpus_chrf(Lines{"a"}, Lines{"a", "b"}),
                       "chrf: every hypothesis needs one reference, got 1 hypotheses and 2 references",
                       DataError);
  CHECK_THROWS_WITH_AS(corpus_chrf(Lines{}, Lines{}), "chrf: needs at least one segment, got none",
                       DataError);
  CHECK_THROWS_WITH_AS(corpus_chrf(Lines{"a"}, Lines{"\xED\xA0\x80"}),
                       "chrf: reference 1 must be UTF-8, but byte 1 (0xED) starts no valid character",
                       DataError);
}

TEST_CASE("a NUL is a character like any other") {
  const Lines with{std::string("a\0b", 3)}, without{"ab"};
  CHECK(corpus_chrf(with, with).score == doctest::Approx(100));
  CHECK(corpus_chrf(with, without).score < 100);
}
