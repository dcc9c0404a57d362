// An experiment's command line, verdicts, records and exit codes, on a small chapter of the tests' own.
#include "course/experiment.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "core/errors.hpp"
#include "io/temporary_folder.hpp"

using namespace tenfold;
using namespace tenfold::course;
using tenfold::test::get;
using tenfold::test::put;
using tenfold::test::TemporaryFolder;

namespace {

const Chapter chapter{4, "Why?", "the height in metres", "{:.1f}", {{"tilt", "it is tilted"}, {"sink", "it is sunk"}}};

struct Ran {
  int code = 0;
  std::string out, err;
  bool says(const std::string& text) const { return out.find(text) != out.npos; }
};

Ran run(std::vector<std::string> words, const std::function<void(Session&)>& body,
        const std::function<void(const std::string&)>& check_device = {}) {
  words.insert(words.begin(), "chapter");
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  std::ostringstream out, err;
  auto* kept_out = std::cout.rdbuf(out.rdbuf());
  auto* kept_err = std::cerr.rdbuf(err.rdbuf());
  Ran r;
  r.code = run_experiment(static_cast<int>(argv.size()), argv.data(), chapter, body, check_device);
  std::cout.rdbuf(kept_out);
  std::cerr.rdbuf(kept_err);
  r.out = out.str();
  r.err = err.str();
  return r;
}

void measure(Session& s) {
  for (const std::string& v : s.variants()) {
    const auto heights = s.over_seeds([&](std::uint64_t seed) { return (v.empty() ? 10.0 : 5.0) + 0.1 * static_cast<double>(seed); });
    s.answer(v, spread(heights));
    s.fact("height/" + Session::label(v), spread(heights), {0.05, 0}, "{:.1f}");
  }
  s.claim("stands", "it stands", true);
}

}  // namespace

TEST_CASE("healthy: the verdict asks for a prediction, and everything is written") {
  const TemporaryFolder folder;
  const Ran r = run({"--out", folder / "a/b"}, measure);
  CHECK(r.code == 0);
  CHECK(r.says("Chapter 4: Why?\n"));
  CHECK(r.says("healthy          10.2 ± 0.1"));
  CHECK(r.says("Commit to a number first"));
  const Report report = report_from_json(get(folder / "a/b/results.json"), "x");
  CHECK(report.seeds == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(report.facts.at(0).text == "10.2 ± 0.1");
}

TEST_CASE("a prediction is judged against the run it is about") {
  const TemporaryFolder folder;
  const auto verdict = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--out", folder.path()});
    const std::string out = run(std::move(words), measure).out;
    const auto at = out.find("You predicted");
    return out.substr(at, out.find('\n', at) - at);
  };
  CHECK(verdict({"--predict", "10.2"}) == "You predicted 10.2 for the healthy run: spot on.");
  CHECK(verdict({"--predict", "11"}) == "You predicted 11.0 for the healthy run: within a tenth.");
  CHECK(verdict({"--predict", "20.4"}) == "You predicted 20.4 for the healthy run: too high by a factor of 2.");
  CHECK(verdict({"--predict=-3"}) == "You predicted -3.0 for the healthy run: the other side of zero.");
  CHECK(verdict({"--predict", "0"}) == "You predicted 0.0 for the healthy run: too low by 10.2.");
  CHECK(verdict({"--predict", "5.2", "--break", "tilt"}) == "You predicted 5.2 for tilt: spot on.");
  CHECK(verdict({"--predict", "5.2", "--break", "tilt", "--break", "tilt"}) ==
        "You predicted 5.2 for tilt: spot on.");
}

TEST_CASE("breakages stand beside the healthy run") {
  const TemporaryFolder folder;
  const Ran r = run({"--break", "all", "--seed", "7", "--seeds", "2", "--out", folder.path()}, measure);
  CHECK(r.says("Broken on purpose (tilt): it is tilted\n"));
  CHECK(r.says("(0.535 times the healthy run's)"));
  const Report report = report_from_json(get(folder / "results.json"), "x");
  CHECK(report.seeds == std::vector<std::uint64_t>{7, 8});
  CHECK(report.facts.size() == 3);
}

TEST_CASE("a claim that does not hold fails the run and is named") {
  const TemporaryFolder folder;
  const Ran r = run({"--out", folder.path()}, [](Session& s) { s.claim("flat", "the earth is flat", false); });
  CHECK(r.code == 1);
  CHECK(r.says("✘ the earth is flat"));
  CHECK(r.err == "chapter 4: did not hold: the earth is flat\n");
}

TEST_CASE("lesson and engine are compared, NaN and lengths included") {
  const TemporaryFolder folder;
  const auto code = [&](std::vector<double> lesson, std::vector<double> engine) {
    return run({"--out", folder.path()}, [&](Session& s) { s.same("x", std::span<const double>(lesson), std::span<const double>(engine), 1e-3); }).code;
  };
  CHECK(code({1, 1000}, {1.5, 1000}) == 0);  // relative to the largest
  CHECK(code({1, 1000}, {3, 1000}) == 1);
  CHECK(code({1, std::nan("")}, {1, 2}) == 1);
  CHECK(code({std::nan(""), 2}, {1, 2}) == 1);
  CHECK(code({1, 2}, {std::nan(""), 2}) == 1);
  CHECK(code({1}, {1, 2}) == 1);
  CHECK(code({}, {}) == 1);
  CHECK(code({0}, {0}) == 0);
}

TEST_CASE("--compare fails where the run contradicts what is stated") {
  const TemporaryFolder folder;
  CHECK(run({"--out", folder / "stated", "--break", "tilt"}, measure).code == 0);
  const std::string stated = folder / "stated/results.json";
  CHECK(run({"--out", folder / "again", "--compare", stated}, measure).says("1 facts and 1 claims measured again: all as stated"));
  const Ran moved = run({"--out", folder / "again", "--compare", stated, "--seed", "4"}, measure);
  CHECK(moved.code == 1);
  CHECK(moved.err.find("height/healthy is stated as 10.2 ± 0.1, but was 10.5") != std::string::npos);
  CHECK(run({"--out", folder / "again", "--compare", stated}, [](Session&) {}).err == "nothing was compared: this run measured no fact that has a tolerance\n");
  CHECK(run({"--out", folder / "again", "--compare", folder / "none"}, measure).code == 1);
}

TEST_CASE("--json prints the report and nothing else") {
  const TemporaryFolder folder;
  const Ran r = run({"--json", "--out", folder.path()}, measure);
  CHECK(report_from_json(r.out, "stdout").chapter == 4);
  CHECK(r.out == get(folder / "results.json"));
}

TEST_CASE("a command line that makes no sense") {
  const TemporaryFolder folder;
  CHECK(run({"--break", "tlt"}, measure).err == "chapter 4: there is no breakage \"tlt\" in this chapter; it has tilt, sink\n");
  CHECK(run({"--break", "tlt"}, measure).code == 2);
  CHECK(run({"--predict", "much"}, measure).code == 2);
  CHECK(run({"--predict", "nan"}, measure).code == 2);
  CHECK(run({"--seeds", "0"}, measure).code == 2);
  CHECK(run({"--seed=-1"}, measure).code == 2);
  CHECK(run({"--brek", "tilt"}, measure).err == "chapter 4: there is no option --brek (see --help)\n");
  CHECK(run({"tilt"}, measure).err.ends_with("tilt (see --help)\n"));
  put(folder / "file", "");
  CHECK(run({"--out", folder / "file/x"}, measure).err.starts_with("chapter 4: cannot create "));
}

TEST_CASE("the device is refused before anything is shown, and reaches what measures") {
  const TemporaryFolder folder;
  const auto none_there = [](const std::string& device) {
    if (device == "cuda") throw CudaError("no card");
    if (device == "cdua") throw UsageError("no such device");
  };
  const Ran absent = run({"--device", "cuda", "--out", folder.path()}, measure, none_there);
  CHECK(absent.code == 1);
  CHECK(absent.out.empty());
  CHECK(absent.err == "chapter 4: no card\n");
  CHECK(run({"--device", "cdua", "--out", folder.path()}, measure, none_there).code == 2);

  std::string device;
  int threads = 0;
  const auto look = [&](Session& s) {
    device = measuring_device();
    threads = s.threads();
    measure(s);
  };
  CHECK(run({"--device", "cuda-emulated", "--threads", "3", "--out", folder.path()}, look, none_there).code == 0);
  CHECK(device == "cuda-emulated");
  CHECK(threads == 1);
  CHECK(run({"--threads", "3", "--out", folder.path()}, look, none_there).code == 0);
  CHECK(device == "cpu");
  CHECK(threads == 3);
}

TEST_CASE("help names the breakages and what is predicted") {
  const Ran r = run({"--help"}, measure);
  CHECK(r.code == 0);
  CHECK(r.says("the height in metres"));
  CHECK(r.says("tilt"));
}

TEST_CASE("results stand in the seeds' order, and an exception comes through") {
  const TemporaryFolder folder;
  CHECK(run({"--out", folder.path(), "--seeds", "8", "--threads", "2"}, [](Session& s) {
          const auto got = s.over_seeds([](std::uint64_t seed) { return seed * 10; });
          s.claim("order", "in order", got == std::vector<std::uint64_t>{10, 20, 30, 40, 50, 60, 70, 80});
        }).code == 0);
  const Ran r = run({"--out", folder.path()}, [](Session& s) {
    s.over_seeds([](std::uint64_t) -> int { throw DataError("bad seed"); });
  });
  CHECK(r.err == "chapter 4: bad seed\n");
}

TEST_CASE("mistakes of a chapter's author are refused") {
  const TemporaryFolder folder;
  const auto error = [&](const std::function<void(Session&)>& body) { return run({"--out", folder.path()}, body).err; };
  CHECK(error([](Session& s) { s.fact("a", 1, {}); s.fact("a", 2, {}); }) == "chapter 4: the fact a is recorded twice\n");
  CHECK(error([](Session& s) { s.fact("a", std::nan(""), {}); }) == "chapter 4: the fact a is not a finite number\n");
  CHECK(error([](Session& s) {
          s.claim("a", "b", true);
          s.claim("a", "b", true);
        }) == "chapter 4: the claim a is recorded twice\n");
  CHECK(error([](Session& s) { s.table({"t", {{"a", "b"}, {"1"}}}); }).find("as many cells") != std::string::npos);
}
