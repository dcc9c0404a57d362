// BLEU against sacreBLEU 2.6.0 on the sets of metric_samples.txt; README.md says how the values were
// obtained.
#include "text/bleu.hpp"

#include <doctest/doctest.h>

#include "core/errors.hpp"
#include "text/metric_samples.hpp"

using namespace tenfold;

namespace {

using Lines = std::vector<std::string>;

// What sacreBLEU prints after "BLEU = " for a set, a tokenisation and lower-casing.
struct ExpectedBleu {
  const char* set;
  const char* tokenization;
  bool lowercase;
  const char* line;
};

const ExpectedBleu reference_bleu[] = {
    // clang-format off
    {"english", "13a", false, "66.74 85.4/73.0/63.6/55.2 (BP = 0.976 ratio = 0.976 hyp_len = 41 ref_len = 42)"},
    {"english", "zh", false, "65.67 85.0/72.2/62.5/53.6 (BP = 0.975 ratio = 0.976 hyp_len = 40 ref_len = 41)"},
    {"english", "none", false, "60.73 78.1/64.3/54.2/50.0 (BP = 1.000 ratio = 1.000 hyp_len = 32 ref_len = 32)"},
    {"french", "13a", false, "39.56 73.1/56.5/40.0/23.5 (BP = 0.891 ratio = 0.897 hyp_len = 26 ref_len = 29)"},
    {"german", "13a", false, "53.19 73.3/55.6/45.8/42.9 (BP = 1.000 ratio = 1.034 hyp_len = 30 ref_len = 29)"},
    {"german", "zh", false, "53.72 74.2/57.1/48.0/40.9 (BP = 1.000 ratio = 1.033 hyp_len = 31 ref_len = 30)"},
    {"german", "zh", true, "54.85 80.6/57.1/48.0/40.9 (BP = 1.000 ratio = 1.033 hyp_len = 31 ref_len = 30)"},
    {"chinese", "13a", false, "0.00 0.0/0.0/0.0/0.0 (BP = 1.000 ratio = 1.250 hyp_len = 5 ref_len = 4)"},
    {"chinese", "zh", false, "75.83 91.7/81.8/75.0/69.4 (BP = 0.959 ratio = 0.960 hyp_len = 48 ref_len = 50)"},
    {"chinese", "none", false, "0.00 0.0/0.0/0.0/0.0 (BP = 1.000 ratio = 1.000 hyp_len = 4 ref_len = 4)"},
    {"mixed", "13a", false, "6.01 10.0/8.3/5.0/3.1 (BP = 1.000 ratio = 1.000 hyp_len = 10 ref_len = 10)"},
    {"mixed", "zh", false, "43.58 84.6/58.3/40.9/22.5 (BP = 0.944 ratio = 0.945 hyp_len = 52 ref_len = 55)"},
    {"mixed", "zh", true, "46.01 86.5/60.4/43.2/25.0 (BP = 0.944 ratio = 0.945 hyp_len = 52 ref_len = 55)"},
    {"entities", "13a", false, "78.03 87.1/82.1/76.0/68.2 (BP = 1.000 ratio = 1.107 hyp_len = 31 ref_len = 28)"},
    {"entities", "zh", false, "30.96 60.5/42.5/24.3/14.7 (BP = 1.000 ratio = 1.433 hyp_len = 43 ref_len = 30)"},
    {"entities", "none", false, "28.48 78.3/50.0/23.5/7.1 (BP = 1.000 ratio = 1.000 hyp_len = 23 ref_len = 23)"},
    {"entities", "13a", true, "78.03 87.1/82.1/76.0/68.2 (BP = 1.000 ratio = 1.107 hyp_len = 31 ref_len = 28)"},
    {"marks", "13a", false, "64.73 82.6/70.8/59.0/50.9 (BP = 1.000 ratio = 1.062 hyp_len = 69 ref_len = 65)"},
    {"marks", "zh", false, "63.75 83.6/69.8/57.6/49.1 (BP = 1.000 ratio = 1.015 hyp_len = 67 ref_len = 66)"},
    {"marks", "none", false, "30.25 66.7/41.4/24.0/14.3 (BP = 0.970 ratio = 0.971 hyp_len = 33 ref_len = 34)"},
    {"spaces", "13a", false, "100.00 100.0/100.0/100.0/100.0 (BP = 1.000 ratio = 1.000 hyp_len = 16 ref_len = 16)"},
    {"spaces", "zh", false, "100.00 100.0/100.0/100.0/100.0 (BP = 1.000 ratio = 1.000 hyp_len = 16 ref_len = 16)"},
    {"spaces", "none", false, "78.23 86.7/83.3/77.8/66.7 (BP = 1.000 ratio = 1.071 hyp_len = 15 ref_len = 14)"},
    {"accents", "13a", false, "4.39 29.4/3.6/2.3/1.6 (BP = 1.000 ratio = 1.000 hyp_len = 17 ref_len = 17)"},
    {"emoji", "13a", false, "13.94 68.8/30.8/5.0/3.6 (BP = 1.000 ratio = 1.000 hyp_len = 16 ref_len = 16)"},
    {"emoji", "zh", false, "11.74 63.2/31.2/3.8/2.5 (BP = 1.000 ratio = 1.118 hyp_len = 19 ref_len = 17)"},
    {"capitals", "13a", false, "4.55 25.0/3.8/2.5/1.8 (BP = 1.000 ratio = 1.000 hyp_len = 16 ref_len = 16)"},
    {"capitals", "13a", true, "90.35 87.5/84.6/90.0/100.0 (BP = 1.000 ratio = 1.000 hyp_len = 16 ref_len = 16)"},
    {"no-fourgram", "13a", false, "10.21 58.3/10.0/6.2/4.2 (BP = 0.920 ratio = 0.923 hyp_len = 12 ref_len = 13)"},
    {"no-fourgram", "13a", true, "22.87 91.7/40.0/12.5/8.3 (BP = 0.920 ratio = 0.923 hyp_len = 12 ref_len = 13)"},
    {"only-words", "13a", false, "6.25 63.6/5.6/3.6/2.5 (BP = 0.834 ratio = 0.846 hyp_len = 11 ref_len = 13)"},
    {"no-match", "13a", false, "0.00 0.0/0.0/0.0/0.0 (BP = 1.000 ratio = 1.000 hyp_len = 10 ref_len = 10)"},
    {"one-word", "13a", false, "0.00 66.7/0.0/0.0/0.0 (BP = 1.000 ratio = 1.000 hyp_len = 3 ref_len = 3)"},
    {"short-and-whole", "13a", false, "69.85 75.0/66.7/71.4/66.7 (BP = 1.000 ratio = 1.000 hyp_len = 12 ref_len = 12)"},
    {"longer", "13a", false, "39.27 65.4/50.0/36.4/20.0 (BP = 1.000 ratio = 1.529 hyp_len = 26 ref_len = 17)"},
    {"shorter", "13a", false, "14.78 100.0/62.5/33.3/12.5 (BP = 0.368 ratio = 0.500 hyp_len = 10 ref_len = 20)"},
    {"empty-hypothesis", "13a", false, "28.23 100.0/85.7/83.3/80.0 (BP = 0.325 ratio = 0.471 hyp_len = 8 ref_len = 17)"},
    {"empty-reference", "13a", false, "43.47 50.0/42.9/41.7/40.0 (BP = 1.000 ratio = 1.600 hyp_len = 16 ref_len = 10)"},
    {"all-empty", "13a", false, "0.00 0.0/0.0/0.0/0.0 (BP = 0.000 ratio = 0.000 hyp_len = 0 ref_len = 5)"},
    {"repeats", "13a", false, "20.78 40.0/23.1/18.2/11.1 (BP = 1.000 ratio = 1.071 hyp_len = 15 ref_len = 14)"},
    {"repeats", "13a", true, "21.60 46.7/23.1/18.2/11.1 (BP = 1.000 ratio = 1.071 hyp_len = 15 ref_len = 14)"},
    // clang-format on
};

double bleu_of(const Lines& hypotheses, const Lines& references) {
  return corpus_bleu(hypotheses, references).score;
}

}  // namespace

TEST_CASE("BLEU prints the same line as sacreBLEU on every sample set") {
  const auto sets = read_metric_samples();
  for (const ExpectedBleu& expected : reference_bleu) {
    CAPTURE(expected.set);
    const SampleSet& set = sets.at(expected.set);
    const BleuOptions options{mt_tokenization_from(expected.tokenization), expected.lowercase};
    const BleuScore bleu = corpus_bleu(set.hypotheses, set.references, options);
    CHECK(bleu.format() == "BLEU|" + bleu.signature() + " = " + expected.line);
  }
}

TEST_CASE("a BLEU signature names what was done, and by whom") {
  const Lines line{"One line."};
  CHECK(corpus_bleu(line, line).signature() ==
        "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:tenfold-0.1");
  CHECK(corpus_bleu(line, line, {MtTokenization::zh, true}).signature() ==
        "nrefs:1|case:lc|eff:no|tok:zh|smooth:exp|version:tenfold-0.1");
}

TEST_CASE("BLEU by hand: four of five words, all in order") {
  const BleuScore bleu = corpus_bleu(Lines{"a b c d x"}, Lines{"a b c d e f"});
  CHECK(bleu.matches == std::array<std::int64_t, 4>{4, 3, 2, 1});
  CHECK(bleu.totals == std::array<std::int64_t, 4>{5, 4, 3, 2});
  CHECK(bleu.hypothesis_length == 5);
  CHECK(bleu.reference_length == 6);
  CHECK(bleu.brevity_penalty == doctest::Approx(0.818731));         // exp(1 - 6/5)
  CHECK(bleu.score == doctest::Approx(100 * 0.818731 * 0.668740));  // (4/5 · 3/4 · 2/3 · 1/2)^(1/4)
}

TEST_CASE("BLEU is of the corpus: segments are matched one to one, counts summed") {
  CHECK(bleu_of({"one two three four", "five six seven eight"},
                {"one two three four", "five six seven eight"}) == doctest::Approx(100));
  CHECK(bleu_of({"one two three four", "five six seven eight"},
                {"five six seven eight", "one two three four"}) == 0);
}

TEST_CASE("BLEU says in one line what is wrong with its input") {
  CHECK_THROWS_WITH_AS(corpus_bleu(Lines{"a", "b"}, Lines{"a"}),
                       "bleu: every hypothesis needs one reference, got 2 hypotheses and 1 references",
                       DataError);
  CHECK_THROWS_WITH_AS(corpus_bleu(Lines{}, Lines{}), "bleu: needs at least one segment, got none",
                       DataError);
  CHECK_THROWS_WITH_AS(corpus_bleu(Lines{"a", "b\xFF"}, Lines{"a", "b"}),
                       "bleu: hypothesis 2 must be UTF-8, but byte 2 (0xFF) starts no valid character",
                       DataError);
  CHECK_THROWS_WITH_AS(corpus_bleu(Lines{"a"}, Lines{"\xC3"}),
                       "bleu: reference 1 must be UTF-8, but byte 1 (0xC3) starts no valid character",
                       DataError);
}

TEST_CASE("a segment may be one very long word, or very many words, or hold NUL") {
  const Lines word{std::string(200'000, 'x')};
  CHECK(corpus_bleu(word, word).hypothesis_length == 1);
  std::string many;
  for (int i = 0; i < 50'000; ++i) many += "x ";
  CHECK(bleu_of({many}, {many}) == doctest::Approx(100));
  const std::string nul("a b c \0 d", 9);
  CHECK(bleu_of({nul}, {nul}) == doctest::Approx(100));
}
