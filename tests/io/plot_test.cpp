// Pictures by gnuplot: they are drawn, hostile text in them is only text, and what cannot be drawn is said.
#include "io/plot.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "io/gnuplot.hpp"
#include "io/temporary_folder.hpp"

using namespace tenfold;
using namespace tenfold::test;
using nlohmann::json;

namespace {

bool has_gnuplot() {
  const bool found = std::filesystem::exists("/usr/bin/gnuplot");
  if (!found) MESSAGE("skipped: there is no /usr/bin/gnuplot (apt install gnuplot-nox)");
  return found;
}

bool is_picture(const std::filesystem::path& path) {
  const std::string bytes = get(path);
  if (path.extension() == ".png") return bytes.starts_with("\x89PNG") && bytes.find("IEND") != bytes.npos;
  return bytes.starts_with("<?xml") && bytes.ends_with("</svg>\n\n");
}

/// Uniform attention between these tokens.
json attention(const std::vector<std::string>& source, const std::vector<std::string>& target,
               std::size_t heads, std::size_t layers) {
  const std::vector<double> row(source.size(), 1.0 / static_cast<double>(source.size()));
  const json head = std::vector(target.size(), row);
  const json layer = {{"heads", std::vector<json>(heads, head)}};
  const json sentence = {
      {"source", source}, {"target", target}, {"layers", std::vector<json>(layers, layer)}};
  return {{"sentences", {sentence}}};
}

/// What drawing this file says, without its name; "drawn" if it does. No picture may be left by a failure.
std::string outcome(const TemporaryFolder& folder, const json& content, const AttentionChoice& choice = {}) {
  const auto input = folder / "a.json", output = folder / "a.svg";
  put(input, content.dump());
  std::filesystem::remove(output);
  try {
    plot_attention(input, output, choice);
    CHECK(is_picture(output));
    return "drawn";
  } catch (const Error& error) {
    CHECK(!std::filesystem::exists(output));
    const std::string text = error.what();
    REQUIRE(text.starts_with(input.string() + ": "));
    REQUIRE(text.find('\n') == text.npos);
    return text.substr(input.string().size() + 2);
  }
}

}  // namespace

TEST_CASE("a run is drawn as SVG and PNG") {
  if (!has_gnuplot()) return;
  TemporaryFolder folder;
  std::string log;
  for (int step = 10; step <= 1000; step += 10) {
    log +=
        json{{"event", "train"}, {"step", step}, {"loss", 5.0 / step}, {"learning_rate", 1e-4}}.dump() + "\n";
    if (step % 100 == 0)
      log += json{{"event", "validation"}, {"step", step}, {"loss", 6.0 / step}, {"bleu", step / 25.0}}.dump() + "\n";
  }
  put(folder / "log", log + "{\"torn");
  for (const char* name : {"run.svg", "run.png"}) {
    plot_run(folder / "log", folder / name);
    CHECK(is_picture(folder / name));
  }
  const std::string svg = get(folder / "run.svg");
  for (const char* text :
       {"loss (nats per token)", "BLEU (validation)", "learning rate", "training step", "validation", "0, 114, 178"})
    CHECK_MESSAGE(svg.find(text) != svg.npos, text);
  CHECK(folder.count() == 3);
}

TEST_CASE("runs with gaps, with one point, with one curve only are drawn") {
  if (!has_gnuplot()) return;
  TemporaryFolder folder;
  for (const char* log :
       {R"({"event":"train","step":5,"loss":3.5,"learning_rate":1e-4})",
        R"({"event":"validation","step":5,"loss":3.5})", R"({"event":"train","step":5,"learning_rate":0})",
        R"({"event":"train","step":0,"loss":0,"learning_rate":0})",
        R"({"event":"validation","step":5,"bleu":30.5})",
        "{\"event\":\"train\",\"step\":5,\"loss\":null,\"learning_rate\":1}\n"
        "{\"event\":\"train\",\"step\":6,\"loss\":1e300}\n{\"event\":\"start\",\"step\":\"x\"}"}) {
    CAPTURE(log);
    put(folder / "log", log);
    plot_run(folder / "log", folder / "run.svg");
    CHECK(is_picture(folder / "run.svg"));
    std::filesystem::remove(folder / "run.svg");
  }
}

TEST_CASE("a BLEU below 0, which says that nothing was translated, is not drawn") {
  if (!has_gnuplot()) return;
  TemporaryFolder folder;
  put(folder / "log", R"({"event":"validation","step":5,"loss":3,"bleu":-1})");
  plot_run(folder / "log", folder / "run.svg");
  CHECK(get(folder / "run.svg").find("BLEU") == std::string::npos);
}

TEST_CASE("a run that cannot be drawn leaves no picture") {
  TemporaryFolder folder;
  const auto log = folder / "log", output = folder / "run.svg";
  for (const char* empty :
       {"", "{\"event\":\"start\"}\n", "{\"event\":\"train\",\"step\":1,\"loss\":null}\n"}) {
    put(log, empty);
    CHECK(message_of<DataError>([&] {
            plot_run(log, output);
          }).ends_with("there is no train or validation event with a number to draw"));
  }
  CHECK(message_of<UsageError>([&] {
          plot_run(log, folder / "run.jpg");
        }).ends_with("the name of a picture must end in .svg or .png"));
  CHECK(
      message_of<IoError>([&] { plot_run(folder / "none", output); }).ends_with("No such file or directory"));
  CHECK(folder.count() == 1);
}

TEST_CASE("attention is drawn, for one token and for many") {
  if (!has_gnuplot()) return;
  TemporaryFolder folder;
  CHECK(outcome(folder, attention({"a"}, {"b"}, 1, 1)) == "drawn");
  CHECK(outcome(folder, attention({"▁We", "▁saw", "."}, {"我们", "看到", "了", "。"}, 8, 2)) == "drawn");
  const std::string svg = get(folder / "a.svg");
  for (const char* text : {"▁saw", "看到", "layer 1, head 7", "attention weight"})
    CHECK_MESSAGE(svg.find(text) != svg.npos, text);
  CHECK(outcome(folder, attention({"▁We"}, {"我们"}, 2, 2), {0, 0}) == "drawn");
  CHECK(get(folder / "a.svg").find("layer 0, head 1") != std::string::npos);
  plot_attention(folder / "a.json", folder / "a.png");
  CHECK(is_picture(folder / "a.png"));
}

TEST_CASE("hostile tokens are only text") {
  if (!has_gnuplot()) return;
  TemporaryFolder folder;
  const std::string trap = (folder / "t").string();
  const std::vector<std::string> tokens{"a'b\"c",
                                        "' 0); system('touch " + trap + "')",
                                        "`touch " + trap + "`",
                                        "100% %d %s",
                                        "back\\",
                                        "x_{2}^3 @m",
                                        std::string("a\nb\0\t\x1b", 6),
                                        "END\nEND\n",
                                        "<b>&amp;&#60;",
                                        "",
                                        std::string(5000, 'x'),
                                        "\xEF\xBF\xBF"};
  CHECK(outcome(folder, attention(tokens, tokens, 2, 1)) == "drawn");
  CHECK(!std::filesystem::exists(trap));
  const std::string svg = get(folder / "a.svg");
  for (const char* text : {">a'b\"c<", ">100% %d %s<", ">back\\<", ">x_{2}^3 @m<", ">a\\nb\\x00\\t\\x1b<",
                           ">END\\nEND\\n<", ">&lt;b>&amp;amp;&amp;#60;<", ">xxxxxxxxxxxxxxxxxxxxxxxx…<"})
    CHECK_MESSAGE(svg.find(text) != svg.npos, text);
  CHECK(label("it's 5%") == "'it''s 5%%'");
}

TEST_CASE("attention that breaks the format is named") {
  TemporaryFolder folder;
  const json good = attention({"a", "b"}, {"c"}, 1, 1);
  const auto broken = [&](const char* place, const json& value) {
    json content = good;
    content[json::json_pointer(place)] = value;
    return outcome(folder, content);
  };
  CHECK(outcome(folder, json::array()) == "the file must be an object with an array \"sentences\"");
  CHECK(broken("/sentences", json::array()) == "it holds no sentence");
  CHECK(broken("/sentences/0", 1) == "a sentence must be an object with an array \"layers\"");
  CHECK(broken("/sentences/0/layers", json::array()) == "it holds no layer");
  CHECK(broken("/sentences/0/layers/0", 1) == "a layer must be an object with an array \"heads\"");
  CHECK(broken("/sentences/0/layers/0/heads", json::array()) == "a layer must have 1 to 16 heads, got 0");
  CHECK(broken("/sentences/0/source/0", 7) == "the tokens of the source must be strings");
  CHECK(broken("/sentences/0/target", json::array()).starts_with("the target must have 1 to 100 tokens"));
  CHECK(broken("/sentences/0/target", std::vector<std::string>(101, "x")).ends_with("to be drawn, got 101"));
  CHECK(broken("/sentences/0/layers/0/heads/0", 1)
            .starts_with("a head must have one row for each of the 1 target"));
  CHECK(broken("/sentences/0/layers/0/heads/0/0", {0.5})
            .starts_with("a head's row must have one weight for each of"));
  for (const json& weight : {json(-0.1), json(1.1), json(), json("1")})
    CHECK(broken("/sentences/0/layers/0/heads/0/0/0", weight) == "a weight must be a number of 0 to 1");
  CHECK(outcome(folder, good, {1, {}}) == "there is no sentence 1: it holds 1 of them, counted from 0");
  CHECK(outcome(folder, good, {0, 3}) == "there is no layer 3: it holds 1 of them, counted from 0");
  put(folder / "cut.json", good.dump().substr(0, 20));
  CHECK(message_of<DataError>([&] {
          plot_attention(folder / "cut.json", folder / "x.png");
        }).ends_with("not valid JSON"));
  CHECK(message_of<UsageError>([&] {
          plot_attention(folder / "cut.json", folder / "x");
        }).ends_with("must end in .svg or .png"));
}

TEST_CASE("a missing or failing gnuplot is said") {
  const std::string path = ::getenv("PATH") ? ::getenv("PATH") : "";
  TemporaryFolder folder;
  ::setenv("PATH", folder.path().c_str(), 1);
  const std::string missing = message_of<IoError>([] { run_gnuplot("plot x"); });
  ::setenv("PATH", path.c_str(), 1);
  CHECK(missing == "cannot draw: gnuplot is not installed (Debian and Ubuntu: apt install gnuplot-nox)");
  if (!has_gnuplot()) return;
  CHECK(message_of<IoError>([] {
          run_gnuplot("plot nothing_of_that_name\n");
        }).starts_with("cannot draw: gnuplot failed: \""));
}
