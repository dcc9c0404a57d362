// Runs that are stopped: by Ctrl-C, by SIGTERM, by kill -9, by a full disk. The last checkpoint is always
// whole.
#include <doctest/doctest.h>

#include <chrono>
#include <random>
#include <thread>

#include "cli/command.hpp"

using namespace tenfold::test;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> endless_run(const std::string& out) {
  return std::vector<std::string>{"train", "--builtin", "300", "--out", out, "--epochs", "1000000"} +
         small_flags();
}

/// "stopped at step 17, …" -> 17
std::int64_t step_in(const std::string& text) {
  const auto at = text.rfind("at step ");
  return at == text.npos ? -1 : std::stoll(text.substr(at + 8));
}

fs::path last_of(const fs::path& run) { return fs::read_symlink(run / "last"); }

}  // namespace

TEST_CASE("Ctrl-C, SIGTERM and SIGHUP finish the step, save, and say how to go on") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(signal);
    const TemporaryFolder folder;
    const std::string run = folder / "run";
    Process p(endless_run(run));
    REQUIRE(p.wait_for_error("step 1 "));
    p.send(signal);
    const Result r = p.wait();
    CHECK(r.exit_code == 128 + signal);
    const std::int64_t step = step_in(r.errors);
    REQUIRE(step >= 1);
    CHECK(lines_of(r.errors).back() == "stopped at step " + std::to_string(step) +
                                           ", all is saved; go on with: " + TENFOLD_COMMAND +
                                           " train --resume " + run);
    const Result more = run_tenfold({"train", "--resume", run, "--steps", std::to_string(step + 3)});
    CHECK_MESSAGE(more.exit_code == 0, more.errors);
    CHECK(more.errors.find("done after " + std::to_string(step + 3) + " steps") != std::string::npos);
    CHECK(run_tenfold({"translate", "--model", run}, "The cat sleeps.\n").exit_code == 0);
  }
}

TEST_CASE("a second Ctrl-C ends at once, and harms nothing") {
  const TemporaryFolder folder;
  const fs::path run = copy_of_run(folder);
  Process p({"train", "--resume", run, "--epochs", "1000000"});
  REQUIRE(p.wait_for_error("epoch 3 "));
  p.send(SIGINT);
  p.send(SIGINT);
  p.wait();
  CHECK(run_tenfold({"info", run / "last"}).exit_code == 0);
}

TEST_CASE("kill -9 at any moment leaves a checkpoint that loads and a run that goes on") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  // So few pairs that an epoch is one step, and a checkpoint is written every few milliseconds.
  put(folder / "pairs.tsv", run_tenfold({"corpus", "--count", "150"}).output);
  const std::vector<std::string> begin{"train",
                                       "--tsv",
                                       folder / "pairs.tsv",
                                       "--held-out",
                                       "5",
                                       "--out",
                                       run,
                                       "--epochs",
                                       "1000000",
                                       "--model-dim",
                                       "16",
                                       "--heads",
                                       "2",
                                       "--feed-forward-dim",
                                       "32",
                                       "--encoder-layers",
                                       "1",
                                       "--decoder-layers",
                                       "1",
                                       "--vocabulary",
                                       "100",
                                       "--batch-tokens",
                                       "8192",
                                       "--validation-sample",
                                       "0",
                                       "--threads",
                                       "1"};
  std::mt19937 random(1);
  std::string step;
  for (int i = 0; i < 10; ++i) {
    CAPTURE(i);
    Process p(i == 0 ? begin : std::vector<std::string>{"train", "--resume", run, "--threads", "1"});
    REQUIRE(p.wait_for_error("done, step"));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30000));
    p.send(SIGKILL);
    CHECK(p.wait().exit_code == -1);
    const Result info = run_tenfold({"info", run / "last"});
    CHECK_MESSAGE(info.exit_code == 0, info.errors);
    CHECK(run_tenfold({"info", run / "best"}).exit_code == 0);
    CHECK(last_of(run).string() >= step);
    step = last_of(run).string();
  }
  const Result end = run_tenfold({"train", "--resume", run, "--epochs", "2"});
  CHECK_MESSAGE(end.exit_code == 0, end.errors);
  for (const auto& entry : fs::directory_iterator(run))  // nothing a killed process left stays
    CHECK_FALSE(entry.path().filename().string().starts_with("."));
}

TEST_CASE("a run killed before its first checkpoint can be begun again") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  {
    Process p(endless_run(run));
    REQUIRE(p.wait_for_error("training into"));
    p.send(SIGKILL);
    p.wait();
  }
  if (fs::exists(fs::path(run) / "last")) return;  // it was quicker
  const Result again = run_tenfold({"train", "--resume", run});
  CHECK(again.exit_code == 1);
  CHECK(error_of(again) == "cannot resume " + run + ": there is no checkpoint in it");
  const Result r = run_tenfold(endless_run(run) + std::vector<std::string>{"--steps", "2"});
  CHECK_MESSAGE(r.exit_code == 0, r.errors);
}

TEST_CASE("a full disk is an error, and the checkpoint before stays") {
  const TemporaryFolder folder;
  const fs::path run = copy_of_run(folder), before = last_of(run);
  // A limit on the size of files stands for the full disk: 16 KiB are too few for the weights.
  const Result r =
      shell("ulimit -f 32; exec $T train --resume '" + run.string() + "' --epochs 3 --threads 1");
  CHECK(r.exit_code == 1);
  CHECK(error_of(r).find("File too large") != std::string::npos);
  CHECK(last_of(run) == before);
  CHECK(run_tenfold({"info", run}).exit_code == 0);
  for (const auto& entry : fs::directory_iterator(run))
    CHECK_FALSE(entry.path().filename().string().starts_with("."));
  const Result again = run_tenfold({"train", "--resume", run, "--epochs", "3"});
  CHECK_MESSAGE(again.exit_code == 0, again.errors);
}
