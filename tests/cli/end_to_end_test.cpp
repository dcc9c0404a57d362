// The whole way once: a corpus, a run, translations, scores, pictures.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cli/command.hpp"

using namespace tenfold::test;
namespace fs = std::filesystem;

namespace {

/// The built-in corpus as a file, and its sides as two.
struct Text {
  TemporaryFolder folder;
  std::string tsv = folder / "pairs.tsv", source = folder / "pairs.en", target = folder / "pairs.fr";
  Text() {
    const Result r = run_tenfold({"corpus", "--seed", "5", "--count", "20"});
    put(tsv, r.output);
    std::string sides[2];
    for (const std::string& line : lines_of(r.output)) {
      const auto tab = line.find('\t');
      sides[0] += line.substr(0, tab) + "\n";
      sides[1] += line.substr(tab + 1) + "\n";
    }
    put(source, sides[0]);
    put(target, sides[1]);
  }
};

}  // namespace

TEST_CASE("the built-in corpus is printed as tab-separated pairs, the same for the same seed") {
  const Result r = run_tenfold({"corpus", "--seed", "3", "--count", "10"});
  CHECK(r.exit_code == 0);
  CHECK(r.errors.empty());
  CHECK(lines_of(r.output).size() == 10);
  for (const std::string& line : lines_of(r.output)) CHECK(std::count(line.begin(), line.end(), '\t') == 1);
  CHECK(run_tenfold({"corpus", "--seed", "3", "--count", "10"}).output == r.output);
  CHECK(run_tenfold({"corpus", "--seed", "4", "--count", "10"}).output != r.output);
}

TEST_CASE("a run holds its checkpoints, its log and where its text came from") {
  const fs::path& run = small_run();
  for (const char* name : {"last", "best"}) {
    CAPTURE(name);
    CHECK(fs::is_symlink(run / name));
    for (const char* file :
         {"model.safetensors", "config.json", "tokenizer.model", "training.safetensors", "training.json"})
      CHECK(fs::is_regular_file(run / name / file));
  }
  CHECK(nlohmann::json::parse(get(run / "run.json"))["builtin"] == 300);
  CHECK(get(run / "log.jsonl").find("\"event\":\"validation\"") != std::string::npos);
  for (const auto& entry : fs::directory_iterator(run))
    CHECK_FALSE(entry.path().filename().string().starts_with("."));
}

TEST_CASE("translate, score and evaluate agree on the same text") {
  const Text text;
  const std::string model = small_run();
  const Result translated = run_tenfold({"translate", "--model", model, text.source});
  CHECK(translated.exit_code == 0);
  CHECK(lines_of(translated.output).size() == 20);
  CHECK(run_tenfold({"translate", "--model", model}, get(text.source)).output == translated.output);
  CHECK(run_tenfold({"translate", "--model", model, "--device", "reference", text.source}).exit_code == 0);

  const std::string written = text.folder / "translations";
  const Result evaluated =
      run_tenfold({"evaluate", "--model", model, "--tsv", text.tsv, "--output", written});
  CHECK(evaluated.exit_code == 0);
  CHECK(get(written) == translated.output);
  const auto report = lines_of(evaluated.output);
  REQUIRE(report.size() == 3);
  CHECK(report[0].starts_with("BLEU"));
  CHECK(report[1].starts_with("chrF"));
  CHECK(report[2].ends_with("of 20 sentences"));
  CHECK(run_tenfold({"evaluate", "--model", model, "--src", text.source, "--tgt", text.target}).output ==
        evaluated.output);

  const Result scored = run_tenfold({"score", "--model", model, "--tsv", text.tsv});
  CHECK(scored.exit_code == 0);
  REQUIRE(lines_of(scored.output).size() == 20);
  for (const std::string& line : lines_of(scored.output)) CHECK(std::stod(line) < 0);
}

TEST_CASE("info describes a run, a checkpoint and a corpus") {
  const Text text;
  const Result run = run_tenfold({"info", small_run()}),
               checkpoint = run_tenfold({"info", small_run() / "last"});
  for (const Result& r : {run, checkpoint}) {
    CHECK(r.exit_code == 0);
    CHECK(r.output.find("1 encoder, 1 decoder, pre-norm") != std::string::npos);
    CHECK(r.output.find("encoder.layers.0.self_attn.in_proj_weight") != std::string::npos);
    CHECK(r.output.find("[48, 16]") != std::string::npos);
  }
  const Result corpus = run_tenfold({"info", text.tsv});
  CHECK(corpus.exit_code == 0);
  CHECK(corpus.output.find("20 lines, 20 pairs kept, 0 skipped") != std::string::npos);
}

TEST_CASE("attention is written as JSON that plot draws, and a run's log is drawn") {
  const TemporaryFolder folder;
  const std::string json = folder / "attention.json", svg = folder / "attention.svg",
                    curve = folder / "curve.svg";
  const Result r =
      run_tenfold({"translate", "--model", small_run(), "--attention", json}, "The red cat sleeps.\n\n");
  CHECK(r.exit_code == 0);
  const auto sentences = nlohmann::json::parse(get(json)).at("sentences");
  REQUIRE(sentences.size() == 2);
  const auto& first = sentences[0];
  CHECK(first["source"].back() == "</s>");
  CHECK(first["layers"][0]["name"] == "decoder.layers.0.multihead_attn");
  CHECK(first["layers"][0]["heads"].size() == 2);
  CHECK(first["layers"][0]["heads"][0].size() == first["target"].size());
  CHECK(first["layers"][0]["heads"][0][0].size() == first["source"].size());
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: gnuplot is not installed, nothing is drawn");
    return;
  }
  const Result attention = run_tenfold({"plot", json}),
               run = run_tenfold({"plot", small_run(), "--out", curve});
  CHECK_MESSAGE(attention.exit_code == 0, attention.errors);
  CHECK_MESSAGE(run.exit_code == 0, run.errors);
  CHECK(get(svg).find("</svg>") != std::string::npos);
  CHECK(get(curve).find("</svg>") != std::string::npos);
}

TEST_CASE("the average of a run's checkpoints is a model") {
  const TemporaryFolder folder;
  const std::string mean = folder / "mean";
  const Result r = run_tenfold({"average", small_run(), "--last", "2", "--out", mean});
  CHECK(r.exit_code == 0);
  CHECK(r.errors.starts_with("averaged 2 checkpoints"));
  CHECK(run_tenfold({"translate", "--model", mean}, "The cat sleeps.\n").exit_code == 0);
  CHECK(get(mean + "/last/model.safetensors") != get(small_run() / "last" / "model.safetensors"));
  const Result again = run_tenfold({"average", small_run(), "--out", mean});
  CHECK(again.exit_code == 2);
  CHECK(error_of(again) == mean + " exists already; choose another --out");
}

TEST_CASE("a run on files with separate vocabularies trains, and continues with more epochs") {
  const TemporaryFolder folder;
  put(folder / "pairs.tsv", run_tenfold({"corpus", "--count", "300"}).output);
  const std::string run = folder / "run";
  const Result r = run_tenfold(
      std::vector<std::string>{"train", "--tsv", folder / "pairs.tsv", "--held-out", "10", "--out", run,
                               "--epochs", "1", "--joint-vocabulary", "false", "--tokenizer", "bpe",
                               "--pre-norm", "false", "--learned-positions", "true"} +
      small_flags());
  CHECK_MESSAGE(r.exit_code == 0, r.errors);
  CHECK(r.errors.find("held out 10 pairs") != std::string::npos);
  CHECK(fs::exists(fs::path(run) / "last" / "source.model"));
  const Result more = run_tenfold({"train", "--resume", run, "--epochs", "2"});
  CHECK_MESSAGE(more.exit_code == 0, more.errors);
  CHECK(more.errors.find("epoch 2 done") != std::string::npos);
  CHECK(more.errors.find("epoch 1 done") == std::string::npos);
  CHECK(run_tenfold({"translate", "--model", run, "--beam", "3"}, "The cat sleeps.\n").exit_code == 0);
}

TEST_CASE("--profile ends a run with where its time went") {
  const TemporaryFolder folder;
  const Result r = run_tenfold({"train", "--resume", copy_of_run(folder).string(), "--epochs", "3", "--profile"});
  CHECK(r.exit_code == 0);
  for (const char* part : {"GFLOP/s over all", "\n  linear_cross_entropy  forward", "\n  linear                backward",
                           "\n  outside of all these", "\n  encoder.layers.0      backward", "\n  output and loss"}) {
    CAPTURE(part);
    CHECK(r.errors.find(part) != std::string::npos);
  }
}
