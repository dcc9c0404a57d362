// Checkpoints that are damaged: one line that names the file, exit code 1.
#include <doctest/doctest.h>

#include "cli/command.hpp"

using namespace tenfold::test;
namespace fs = std::filesystem;

namespace {

/// What `tenfold translate` says of a run whose file has this content.
void check_refused(const fs::path& run, const std::string& name, const std::string& content,
                   const std::string& how) {
  CAPTURE(name);
  CAPTURE(how);
  const fs::path file = run / "last" / name;
  const std::string whole = get(file);
  put(file, content);
  const bool training = name.starts_with("training.");
  const Result r = training ? run_tenfold({"train", "--resume", run, "--epochs", "3"})
                            : run_tenfold({"translate", "--model", run / "last"}, "The cat sleeps.\n");
  CHECK(r.exit_code == 1);
  CHECK(r.output.empty());
  const std::string error = error_of(r);
  CHECK_MESSAGE(error.find(name) != std::string::npos, error);
  put(file, whole);
}

}  // namespace

TEST_CASE("empty, truncated and scrambled files of a checkpoint are refused by name") {
  const TemporaryFolder folder;
  const fs::path run = copy_of_run(folder);
  for (const char* name :
       {"model.safetensors", "config.json", "tokenizer.model", "training.safetensors", "training.json"}) {
    const std::string whole = get(run / "last" / name);
    check_refused(run, name, "", "empty");
    check_refused(run, name, whole.substr(0, whole.size() / 2), "cut in half");
    check_refused(run, name, whole.substr(0, whole.size() - 3), "cut by three bytes");
    check_refused(run, name, std::string(whole.size(), '\xff'), "all ones");
    check_refused(run, name, std::string(whole.size(), '\0'), "all zeros");
  }
  CHECK(run_tenfold({"translate", "--model", run / "last"}, "The cat sleeps.\n").exit_code == 0);
}

TEST_CASE("a bit flipped in the weights or the moments is noticed") {
  const TemporaryFolder folder;
  const fs::path run = copy_of_run(folder);
  for (const char* name : {"model.safetensors", "training.safetensors"}) {
    const std::string whole = get(run / "last" / name);
    for (int i = 0; i < 4; ++i) {
      const std::size_t at = whole.size() * static_cast<std::size_t>(2 * i + 1) / 8;
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << i));
      check_refused(run, name, flipped, "bit " + std::to_string(i) + " of byte " + std::to_string(at));
    }
  }
}

TEST_CASE("files that are missing are named") {
  for (const char* name : {"config.json", "tokenizer.model"}) {
    const TemporaryFolder folder;
    const fs::path run = copy_of_run(folder);
    fs::remove(run / "last" / name);
    const Result r = run_tenfold({"translate", "--model", run / "last"}, "The cat sleeps.\n");
    CHECK(r.exit_code == 1);
    CHECK(error_of(r).starts_with("cannot read "));
    CHECK(error_of(r).find(name) != std::string::npos);
  }
  const TemporaryFolder folder;
  const fs::path run = copy_of_run(folder);
  fs::remove(run / "last" / "model.safetensors");
  CHECK(error_of(run_tenfold({"translate", "--model", run / "last"})).starts_with("no checkpoint in "));
  CHECK(error_of(run_tenfold({"train", "--resume", run})).find("model.safetensors") != std::string::npos);
}

TEST_CASE("the description of a run that is damaged or missing is named") {
  const TemporaryFolder folder;
  const fs::path run = copy_of_run(folder);
  for (const char* content : {"", "{}", "[]", "{\"tsv\": 5}"}) {
    put(run / "run.json", content);
    CHECK(error_of(run_tenfold({"train", "--resume", run})).starts_with((run / "run.json").string() + ": "));
  }
  fs::remove(run / "run.json");
  CHECK(error_of(run_tenfold({"train", "--resume", run}))
            .starts_with("cannot read " + (run / "run.json").string()));
}

TEST_CASE("a run whose log is damaged is not continued over it") {
  const TemporaryFolder folder;
  const fs::path run = copy_of_run(folder);
  put(run / "log.jsonl", "nonsense\n" + get(run / "log.jsonl"));
  const Result r = run_tenfold({"train", "--resume", run, "--epochs", "3"});
  CHECK(r.exit_code == 1);
  CHECK(error_of(r).find("log.jsonl, line 1: ") != std::string::npos);
}
