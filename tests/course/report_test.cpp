// Reports: written, read again, compared; tables in their three forms.
#include "course/report.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "io/temporary_folder.hpp"

using namespace tenfold;
using namespace tenfold::course;
using tenfold::test::message_of;

namespace {

Report sample() {
  Report r;
  r.chapter = 3;
  r.seeds = {1, 2};
  r.facts = {{"entropy", 3.0, {0.1, 0.1}, "3.00 ± 0.01"}, {"time", 12, Tolerance::machine(), "12 ms"}};
  r.claims = {{"soft", "it is soft", true}};
  r.tables = {{"random", {{"width", "entropy, nats"}, {"4", "3.05"}}}};
  return r;
}

}  // namespace

TEST_CASE("a report survives being written and read") {
  const Report again = report_from_json(to_json(sample()).dump(), "x");
  CHECK(to_json(again) == to_json(sample()));
  CHECK(again.facts[0].tolerance.relative == 0.1);
  CHECK(!again.facts[1].tolerance.compared);
  for (const char* bad : {"", "{}", "[1]", R"({"chapter":3,"seeds":[1],"facts":[{}],"claims":[],"tables":[]})"})
    CHECK(message_of<DataError>([&] { report_from_json(bad, "a/results.json"); }) ==
          "a/results.json: this is not an experiment's report");
}

TEST_CASE("a fact may move by its tolerance and no further") {
  Report again = sample();
  again.facts[0].value = 3.39;  // 0.1 + 0.1 · 3
  CHECK(contradictions(sample(), again).empty());
  again.facts[0].value = 3.41;
  REQUIRE(contradictions(sample(), again).size() == 1);
  CHECK(contradictions(sample(), again)[0].find("entropy is stated as 3.00 ± 0.01") == 0);
  again.facts[0].value = std::nan("");
  CHECK(contradictions(sample(), again).size() == 1);
}

TEST_CASE("what a machine decides is not compared") {
  Report again = sample();
  again.facts[1].value = 1e6;
  CHECK(contradictions(sample(), again).empty());
}

TEST_CASE("a claim that turned, and what is stated nowhere, are contradictions") {
  Report again = sample();
  again.claims[0].holds = false;
  again.claims.push_back({"new", "new", true});
  again.facts.push_back({"new", 1, {}, "1"});
  CHECK(contradictions(sample(), again) ==
        std::vector<std::string>{"new = 1 is stated nowhere", "the claim soft does not hold this time: it is soft",
                                 "the claim new is stated nowhere"});
  CHECK(contradictions(again, sample()).size() == 1);  // fewer facts are no contradiction, a turned claim is
}

TEST_CASE("a table as text, Markdown and CSV") {
  const Table t = sample().tables[0];
  CHECK(to_text(t) == "  width   entropy, nats\n  ─────────────────────\n  4                3.05\n");
  CHECK(to_markdown(t) == "| width | entropy, nats |\n|---|---:|\n| 4 | 3.05 |\n");
  CHECK(to_csv(t) == "width,\"entropy, nats\"\n4,3.05\n");
}
