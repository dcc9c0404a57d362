// The run log: lines in, events out; crashes, resumption, full disks.
#include "io/run_log.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "io/temporary_folder.hpp"

using namespace tenfold;
using namespace tenfold::test;

namespace {

nlohmann::ordered_json train(int step) { return {{"event", "train"}, {"step", step}, {"loss", 0.5}}; }

void write_steps(const fs::path& path, std::initializer_list<int> steps) {
  RunLog log(path);
  for (int step : steps) log.write(train(step));
}

}  // namespace

TEST_CASE("events are appended one per line and read back") {
  TemporaryFolder folder;
  write_steps(folder / "log", {1, 2});
  write_steps(folder / "log", {3});
  RunLog(folder / "log")
      .write({{"event", "note"}, {"text", "a\nb"}, {"x", std::numeric_limits<double>::quiet_NaN()}});
  CHECK(
      get(folder / "log") ==
      "{\"event\":\"train\",\"step\":1,\"loss\":0.5}\n{\"event\":\"train\",\"step\":2,\"loss\":0.5}\n"
      "{\"event\":\"train\",\"step\":3,\"loss\":0.5}\n{\"event\":\"note\",\"text\":\"a\\nb\",\"x\":null}\n");
  const RunLogContent content = read_run_log(folder / "log");
  REQUIRE(content.events.size() == 4);
  CHECK(content.events[2]["step"] == 3);
  CHECK(!content.warning);
}

TEST_CASE("a torn last line is reported when read and cut when the log is opened again") {
  TemporaryFolder folder;
  write_steps(folder / "log", {1, 2});
  const std::string whole = get(folder / "log");
  const std::size_t first = whole.find('\n') + 1;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    CAPTURE(length);
    put(folder / "log", whole.substr(0, length));
    const RunLogContent content = read_run_log(folder / "log");
    // A line that lacks nothing but its newline is whole.
    const std::size_t lines = (length + 1 >= first) + (length + 1 >= whole.size());
    const bool torn = length != 0 && length + 1 != first && length != first && length + 1 < whole.size();
    CHECK(content.events.size() == lines);
    CHECK(content.warning.has_value() == torn);
    write_steps(folder / "log", {3});
    const RunLogContent mended = read_run_log(folder / "log");
    CHECK(mended.events.size() == lines + 1);
    CHECK(mended.events.back()["step"] == 3);
    CHECK(!mended.warning);
  }
}

TEST_CASE("a resumed log equals an uninterrupted one") {
  TemporaryFolder folder;
  write_steps(folder / "whole", {10, 20, 30, 40});
  write_steps(folder / "log", {10, 20, 30});
  {
    RunLog log(folder / "log");
    log.truncate_after(20);
    log.write(train(30));
    log.write(train(40));
    log.truncate_after(40);
  }
  CHECK(get(folder / "log") == get(folder / "whole"));
  RunLog(folder / "log").truncate_after(-1);
  CHECK(get(folder / "log").empty());
}

TEST_CASE("truncation keeps events without a step, byte for byte") {
  TemporaryFolder folder;
  const std::string kept = "{ \"event\" : \"start\", \"pi\": 3.14000 }\n{\"event\":\"train\",\"step\":5}\n";
  put(folder / "log", kept + "{\"event\":\"train\",\"step\":6}\n");
  RunLog(folder / "log").truncate_after(5);
  CHECK(get(folder / "log") == kept);
}

TEST_CASE("a line that is no event is named by its number") {
  TemporaryFolder folder;
  const std::string good = "{\"event\":\"train\"}\n";
  for (const std::string bad : {"x", "[]", "{}", "{\"event\":1}", "", "{\"event\":\"\xff\"}"}) {
    CAPTURE(bad);
    put(folder / "log", good + bad + "\n" + good);
    CHECK(message_of<DataError>([&] {
            read_run_log(folder / "log");
          }).starts_with((folder / "log").string() + ", line 2: "));
  }
  put(folder / "log", std::string(1'000'000, '[') + "\n" + good);
  CHECK_THROWS_AS(read_run_log(folder / "log"), DataError);
}

TEST_CASE("errors of the system are one line each, and a line is written whole or not at all") {
  TemporaryFolder folder;
  CHECK(message_of<IoError>([&] { RunLog(folder.path()); }) ==
        "cannot write " + folder.path().string() + ": Is a directory");
  CHECK(message_of<IoError>([&] { read_run_log(folder / "none"); }).ends_with(": No such file or directory"));
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100, 100};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    RunLog log(folder / "log");
    const std::string found = message_of<IoError>([&] {
      for (int step = 0; step < 100; ++step) log.write(train(step));
    });
    ::_exit(found == "cannot write " + (folder / "log").string() + ": File too large" ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  const std::string text = get(folder / "log");
  CHECK(!text.empty());
  CHECK(text.back() == '\n');
}
