// What makes no sense or cannot be read: one line on standard error, exit code 2 or 1, and nothing done.
#include <doctest/doctest.h>

#include "cli/command.hpp"

using namespace tenfold::test;
namespace fs = std::filesystem;

namespace {

struct Case {
  std::vector<std::string> arguments;
  int exit_code;
  std::string text;  ///< begins the error line
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    std::string line;
    for (const std::string& a : c.arguments) line += a + " ";
    CAPTURE(line);
    const Result r = run_tenfold(c.arguments);
    CHECK(r.exit_code == c.exit_code);
    CHECK(r.output.empty());
    const std::string error = error_of(r);
    CHECK_MESSAGE(error.starts_with(c.text), error);
  }
}

const std::vector<std::string> commands{"demo",    "train", "translate", "score",     "evaluate",
                                        "average", "info",  "corpus",    "gradcheck", "plot"};

}  // namespace

TEST_CASE("every command explains itself") {
  for (const std::string& command : commands) {
    CAPTURE(command);
    const Result r = run_tenfold({command, "--help"});
    CHECK(r.exit_code == 0);
    CHECK(r.errors.empty());
    CHECK(r.output.find("--help") != std::string::npos);
  }
  const Result r = run_tenfold({"--help"});
  CHECK(r.exit_code == 0);
  for (const std::string& command : commands) CHECK(r.output.find("  " + command + " ") != std::string::npos);
  CHECK(run_tenfold({"--version"}).output == "tenfold 0.1.0\n");
  const Result nothing = run_tenfold({});
  CHECK(nothing.exit_code == 2);
  CHECK(nothing.errors.find("train") != std::string::npos);
}

TEST_CASE("commands, flags and names that do not exist are answered with the nearest") {
  check({
      {{"tran"}, 2, "there is no command \"tran\"; did you mean \"train\"?"},
      {{"transalte", "--model", "x"}, 2, "there is no command \"transalte\"; did you mean \"translate\"?"},
      {{"--modle"}, 2, "there is no flag \"--modle\" here; a command comes first"},
      {{"translate", "--modle", "x"}, 2, ""},
      {{"train", "--learning-rat=1"}, 2, ""},
      {{"train", "--preset", "demmo"},
       2,
       "preset: \"demmo\" is none of demo, tiny, hour, small, patient; did you mean \"demo\"?"},
      {{"train", "--builtin", "9", "--optimizer", "adma"},
       2,
       "optimizer: \"adma\" is none of adam, adamw; did you mean"},
      {{"gradcheck", "--op", "sofmax"},
       2,
       "gradcheck: there is no operation \"sofmax\"; did you mean \"softmax\"?"},
      {{"gradcheck", "--device", "gpu"}, 2, "--device must be one of"},
      {{"evaluate", "--model", small_run(), "--tokenize", "14a", "--tsv", "/dev/null"}, 1, "/dev/null"},
  });
  CHECK(error_of(run_tenfold({"translate", "--modle", "x"})).find("did you mean \"--model\"?") !=
        std::string::npos);
  CHECK(error_of(run_tenfold({"train", "--learning-rat=1"})).find("did you mean \"--learning-rate\"?") !=
        std::string::npos);
}

TEST_CASE("a command line that makes no sense is refused before anything is done") {
  const TemporaryFolder folder;
  const std::string out = folder / "run", model = small_run();
  put(folder / "three.txt", "a\nb\nc\n");
  const std::string text = folder / "three.txt";
  check({
      {{"train"}, 2, "give the training text once"},
      {{"train", "--builtin", "9", "--tsv", text}, 2, "give the training text once"},
      {{"train", "--src", text}, 2, "--src and --tgt go together"},
      {{"train", "--builtin", "-4"}, 2, "--builtin: must be a whole number from 0, got -4 (see"},
      {{"train", "--builtin", "99999999999999999999"}, 2, "--builtin: 99999999999999999999 is too large"},
      {{"corpus", "--count", "1e3"}, 2, "--count: must be a whole number from 0, got 1e3"},
      {{"corpus", "--seed", "-1"}, 2, "--seed: must be a whole number from 0, got -1"},
      {{"train", "--builtin", "9", "--valid-tsv", text}, 2, "--builtin brings its own validation text"},
      {{"train", "--builtin", "9", "--valid-src", text}, 2, "--valid-src and --valid-tgt go together"},
      {{"train", "--resume", model, "--builtin", "9"}, 2, "--resume takes the text from the run itself"},
      {{"train", "--resume", model, "--valid-tsv", text}, 2, "--resume takes the text from the run itself"},
      {{"train", "--resume", model, "--out", out}, 2, ""},
      {{"train", "--resume", model, "--preset", "small"}, 2, ""},
      {{"train", "--resume", model, "--heads", "4"},
       2,
       "--resume: \"heads\" is 2 in this run and cannot change"},
      {{"train", "--resume", model, "--pre-norm", "false"}, 2, "--resume: \"pre_norm\" is true in this run"},
      {{"train", "--builtin", "9", "--out", model},
       2,
       model + " already holds a run: continue it with --resume"},
      {{"train", "--builtin", "9", "--epochs", "many"}, 2, ""},
      {{"train", "--builtin", "9", "--epochs", "0"}, 2, "epochs: must be 1 to "},
      {{"train", "--builtin", "9", "--heads", "0"}, 2, "model: heads must be 1 to 1024, got 0"},
      {{"train", "--builtin", "9", "--heads", "99999999999999999999"}, 2, ""},
      {{"train", "--builtin", "9", "--dropout", "nan"}, 2, "model: dropout must be in [0, 1), got nan"},
      {{"train", "--builtin", "9", "--pre-norm", "perhaps"}, 2, ""},
      {{"train", "--builtin", "9", "--seed", "-1"}, 2, ""},
      {{"train", "--builtin", "9", "--threads", "-1"}, 2, ""},
      {{"train", "--tsv", text, "--columns", "0,1"},
       2,
       "corpus: source and target must be two different columns"},
      {{"train", "--tsv", text, "--columns", "1"}, 2, ""},
      {{"translate"}, 2, "--model is required"},
      {{"translate", "--model", model, "--beam", "0"}, 2, ""},
      {{"translate", "--model", model, "--beam", "2", "--nbest", "3"},
       2,
       "--nbest cannot be larger than --beam"},
      {{"translate", "--model", model, "--batch", "0"}, 2, ""},
      {{"translate", "--model", model, "--length-penalty", "nan"}, 2, "search: the length penalty must be a finite number"},
      {{"evaluate", "--model", model, "--tsv", text, "--length-penalty", "nan"}, 2, "search: the length penalty must be a finite number"},
      {{"score", "--model", model}, 2, "give the text once"},
      {{"score", "--model", model, "--tsv", text, "--src", text, "--tgt", text}, 2, "give the text once"},
      {{"corpus", "--count", "-1"}, 2, ""},
      {{"average", model}, 2, "--out is required"},
      {{"info"}, 2, "path is required"},
      {{"plot"}, 2, "what is required"},
      {{"plot", "a\nb", "c\nd"}, 2, ""},
  });
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("sizes beyond reason are refused in one line") {
  const TemporaryFolder folder;
  const std::string out = folder / "run";
  const auto train = [&](const std::vector<std::string>& flags) {
    return std::vector<std::string>{"train", "--builtin", "100", "--out", out} + flags;
  };
  check({
      {train({"--model-dim", "16384", "--feed-forward-dim", "65536", "--encoder-layers", "64",
              "--decoder-layers", "64"}),
       2, "a model of 481"},
      {train({"--model-dim", "9000000000000000000"}), 2, "model: model_dim must be 2 to 16384"},
      {train({"--vocabulary", "1000000"}), 1,
       "tokenizer: vocabulary of 1000000 is larger than this text supports (at most "},
      {train({"--vocabulary", "2000000"}), 2, "vocabulary: must be 8 to 1000000"},
      {train({"--vocabulary", "8"}), 1,
       "tokenizer: vocabulary of 8 is smaller than the characters of this text need"},
      {train({"--batch-tokens", "99999999999"}), 2, "batch_tokens: must be 1 to 16777216"},
      {train({"--vocabulary", "100", "--batch-tokens", "10"}), 2, ""},
      {{"train", "--builtin", "999999999999", "--out", out}, 1, ""},
      {{"corpus", "--count", "999999999999"}, 1, ""},
      {{"demo", "--pairs", "0", "--out", out}, 2, ""},
  });
  CHECK_FALSE(fs::exists(fs::path(out) / "last"));
}

TEST_CASE("files and folders that cannot be used are named") {
  const TemporaryFolder folder;
  const std::string model = small_run(), missing = folder / "missing", file = folder / "file",
                    out = folder / "run";
  put(file, "one side\n");
  const std::vector<std::string> train{"train", "--builtin", "100", "--vocabulary", "100"};
  check({
      {{"translate", "--model", missing}, 1, "no checkpoint in " + missing},
      {{"translate", "--model", file}, 1, "no checkpoint in " + file},
      {{"translate", "--model", folder.path()}, 1, "no checkpoint in "},
      {{"translate", "--model", std::string(5000, 'x')}, 1, ""},
      {{"info", missing}, 1, missing + ": cannot open: No such file or directory"},
      {{"info", "/dev/null"}, 1, "/dev/null: no usable sentence pair in 0 lines"},
      {{"train", "--resume", missing}, 1, "cannot resume " + missing + ": there is no checkpoint in it"},
      {{"train", "--resume", file}, 1, "cannot resume " + file + ": there is no checkpoint in it"},
      {{"average", missing, "--out", out}, 1, "no run in " + missing},
      {{"train", "--tsv", missing, "--out", out}, 1, missing},
      {{"train", "--tsv", file, "--out", out}, 1, file + ": no usable sentence pair in 1 lines"},
      {{"train", "--tsv", "/proc", "--out", out}, 1, "/proc"},
      {{"train", "--src", file, "--tgt", "/dev/null", "--out", out},
       1,
       "corpus: " + file + " has 1 lines but /dev/null has 0"},
      {{"score", "--model", model, "--tsv", file}, 1, file + ":1: too few columns"},
      {{"evaluate", "--model", model, "--tsv", missing}, 1, missing},
      {{"plot", missing}, 1, "cannot read " + missing},
      {{"plot", file}, 1, file},
      {train + std::vector<std::string>{"--out", file}, 2, file + " is no folder"},
      {train + std::vector<std::string>{"--out", folder.path()}, 2,
       folder.path().string() + " holds other files"},
      {train + std::vector<std::string>{"--out", "/proc/nothing/run"}, 1, ""},
      {train + std::vector<std::string>{"--out", out, "--config", missing}, 1, "cannot read " + missing},
      {train + std::vector<std::string>{"--out", std::string(5000, 'x')}, 1, "xxx"},
  });
  CHECK_FALSE(fs::exists(missing));
  CHECK(get(file) == "one side\n");
}

TEST_CASE("a config file is read, and refused when it is wrong") {
  const TemporaryFolder folder;
  const std::string config = folder / "my.json", out = folder / "run";
  const auto refusal = [&](const std::string& content) {
    put(config, content);
    return error_of(run_tenfold({"train", "--builtin", "100", "--out", out, "--config", config}));
  };
  CHECK(refusal("{\"learning_rat\": 1}") ==
        config + ": unknown setting \"learning_rat\"; did you mean \"learning_rate\"?");
  CHECK(refusal("{\"heads\": \"four\"}") == config + ": \"heads\" has the wrong type");
  CHECK(refusal("{\"heads\": 4") == config + ": this is not valid JSON");
  CHECK(refusal("") == config + ": this is not valid JSON");
  CHECK(refusal(std::string(100'000, '[')) == config + ": this is not valid JSON");
  CHECK(refusal("{\"dropout\": 1.5}") == "model: dropout must be in [0, 1), got 1.5");
  CHECK_FALSE(fs::exists(out));
  put(config, "{\"model_dim\": 16, \"heads\": 2, \"vocabulary\": 100, \"epochs\": 1}");
  const Result r = run_tenfold(
      {"train", "--builtin", "100", "--out", out, "--config", config, "--heads", "4", "--steps", "1"});
  CHECK_MESSAGE(r.exit_code == 0, r.errors);
  CHECK(run_tenfold({"info", out}).output.find("model 16, 4 heads of 4") != std::string::npos);
}

TEST_CASE("text with faulty lines is trained on without them, or refused") {
  const TemporaryFolder folder;
  const std::string tsv = folder / "pairs.tsv", out = folder / "run";
  put(tsv, run_tenfold({"corpus", "--count", "200"}).output + "\tno source\nbad \xff\tbytes\nno tab\n");
  const std::vector<std::string> flags =
      std::vector<std::string>{"train", "--tsv", tsv, "--out", out, "--steps", "1"} + small_flags();
  const Result strict = run_tenfold(flags + std::vector<std::string>{"--strict"});
  CHECK(strict.exit_code == 1);
  CHECK(error_of(strict) == tsv + ":201: blank side");
  CHECK_FALSE(fs::exists(out));
  const Result r = run_tenfold(flags);
  CHECK_MESSAGE(r.exit_code == 0, r.errors);
  CHECK(r.errors.find(
            "203 lines, 200 pairs kept, 3 skipped (1 too few columns, 1 invalid UTF-8, 1 blank side)") !=
        std::string::npos);
  CHECK(r.errors.find(tsv + ":202: invalid UTF-8") != std::string::npos);
}

TEST_CASE("the demo throws away an earlier demo and nothing else") {
  const TemporaryFolder folder;
  const fs::path run = copy_of_run(folder);  // a run of train
  const Result r = run_tenfold({"demo", "--out", run});
  CHECK(r.exit_code == 2);
  CHECK(error_of(r) == run.string() + " exists and is no earlier demo; choose another --out");
  CHECK(run_tenfold({"info", run}).exit_code == 0);
  put(folder / "file", "mine");
  CHECK(run_tenfold({"demo", "--out", folder / "file"}).exit_code == 2);
  CHECK(get(folder / "file") == "mine");
}

TEST_CASE("the CUDA backend works, on a card or emulated, or says in one line what is missing") {
  for (const char* device : {"cuda", "cuda-emulated"}) {
    CAPTURE(device);
    const Result r = run_tenfold({"gradcheck", "--op", "add", "--device", device});
    if (r.exit_code == 0) {
      CHECK(r.output.find("ok") != std::string::npos);
      continue;
    }
    CHECK(r.exit_code == 1);
    CHECK(r.output.empty());
    const std::string error = error_of(r);
    CHECK_MESSAGE(error.find("--device cpu") != std::string::npos, error);
  }
}
