// bench_engine: one measurement of the engine per call, as one line of JSON; see engine.hpp, and bench.py,
// which calls it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/engine.hpp"
#include "core/errors.hpp"

using namespace tenfold;

namespace {

struct Arguments {
  std::string folder, text, out, size = "small";
  int threads = 1;
  Index longest = 2048;
  bench::TrainOptions train;
  bench::DecodeOptions decode;
};

int run(int argc, char** argv) {
  Arguments a;
  CLI::App app{"one measurement of the engine, as one line of JSON"};
  app.require_subcommand(1);
  nlohmann::json result;
  const auto command = [&](const char* name, auto measure) {
    CLI::App* c = app.add_subcommand(name);
    c->add_option("--threads", a.threads)->check(CLI::Range(1, 1024));
    c->add_option("--repeats", a.decode.repeats)->check(CLI::Range(1, 1000));
    c->callback([&result, measure] { result = measure(); });
    return c;
  };
  const auto on_workload = [&](const char* name, auto measure) {
    CLI::App* c = command(name, measure);
    c->add_option("folder", a.folder, "made by prepare")->required();
    c->add_option("--size", a.size, "tiny or small");
    return c;
  };
  on_workload("prepare", [&] { return bench::prepare(a.folder, a.text); })->add_option("--text", a.text);
  on_workload("checkpoint", [&] { return bench::checkpoint(a.folder, a.out); })
      ->add_option("--out", a.out)
      ->required();
  auto* train = on_workload("train", [&] {
    a.train.threads = a.threads;
    return bench::train(a.folder, a.size, a.train);
  });
  train->add_option("--device", a.train.device);
  train->add_option("--warm", a.train.warm)->check(CLI::Range(0, 10000));
  train->add_option("--steps", a.train.steps)->check(CLI::Range(1, 10000));
  auto* teach = on_workload("teach", [&] {
    a.train.threads = a.threads;
    return bench::teach(a.folder, a.size, a.train, a.out);
  });
  teach->add_option("--device", a.train.device);
  teach->add_option("--steps", a.train.steps)->check(CLI::Range(1, 100000));
  teach->add_option("--out", a.out)->required();
  auto* decode = on_workload("decode", [&] {
    a.decode.threads = a.threads;
    return bench::decode(a.folder, a.size, a.decode);
  });
  decode->add_option("--device", a.decode.device);
  decode->add_option("--model", a.decode.model, "made by teach, of whatever size; without it the weights are fresh");
  decode->add_option("--sentences", a.decode.sentences)->check(CLI::Range(1, 100000));
  decode->add_option("--batch", a.decode.batch)->check(CLI::Range(1, 100000));
  decode->add_option("--beam", a.decode.beam);
  decode->add_flag("--scores", a.decode.scores);
  command("sgemm", [&] { return bench::sgemm(a.threads); });
  command("length", [&] { return bench::length_cost(a.threads, a.longest, a.decode.repeats); })
      ->add_option("--longest", a.longest)
      ->check(CLI::Range(16, 4096));
  command("vocabulary", [&] { return bench::vocabulary_cost(a.threads, a.decode.repeats); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "bench_engine: %s\n", e.what());
    return 2;
  }
  std::puts(result.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_engine: %s\n", e.what());
    return 1;
  }
}
