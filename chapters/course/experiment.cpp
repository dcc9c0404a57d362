#include "course/experiment.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"

namespace tenfold::course {
namespace fs = std::filesystem;
namespace {

template <class T>
double largest_difference(std::span<const T> lesson, std::span<const T> engine) {
  double difference = 0, magnitude = 0;
  for (std::size_t i = 0; i < engine.size(); ++i) {
    const double d = std::abs(static_cast<double>(lesson[i]) - static_cast<double>(engine[i]));
    if (std::isnan(d)) return d;
    difference = std::max(difference, d);
    magnitude = std::max(magnitude, std::abs(static_cast<double>(engine[i])));
  }
  return magnitude > 0 ? difference / magnitude : difference;
}

/// How good a prediction was, in words.
std::string judgement(double predicted, const Spread& measured) {
  const double off = std::abs(predicted - measured.mean);
  if (off <= std::max(measured.deviation, 0.02 * std::abs(measured.mean))) return "spot on";
  if (off <= 0.1 * std::abs(measured.mean)) return "within a tenth";
  if (predicted == 0 || measured.mean == 0)
    return fmt::format("too {} by {:.3g}", predicted > measured.mean ? "high" : "low", off);
  const double ratio = predicted / measured.mean;
  if (ratio < 0) return "the other side of zero";
  const double factor = std::max(ratio, 1 / ratio);
  return fmt::format("{} by a factor of {:.3g}", ratio > 1 ? "too high" : "too low", factor);
}

std::string chapter_footer(const Chapter& chapter) {
  std::string text = fmt::format("--predict is about: {}\n\nBreakages (--break):\n", chapter.quantity);
  for (const Breakage& b : chapter.breakages) text += fmt::format("  {:<24} {}\n", b.name, b.what);
  return text + fmt::format("  {:<24} {}", "all", "all of them, one after another");
}

void check_breakages(const Chapter& chapter, std::vector<std::string>& asked) {
  std::vector<std::string> names;
  for (const Breakage& b : chapter.breakages) names.push_back(b.name);
  if (std::find(asked.begin(), asked.end(), "all") != asked.end()) asked = names;
  for (auto name = asked.begin(); name != asked.end();)
    name = std::find(asked.begin(), name, *name) == name ? name + 1 : asked.erase(name);
  for (const std::string& name : asked)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw UsageError(fmt::format("there is no breakage \"{}\" in this chapter; it has {}", name, fmt::join(names, ", ")));
}

Request parse(CLI::App& app, int argc, char** argv, const Chapter& chapter) {
  Request r;
  r.out = fmt::format("runs/chapter-{:02}", chapter.number);
  app.add_option("--predict", r.prediction, "your prediction of the chapter's quantity, before you see it");
  app.add_option("--break", r.breakages, "what to break (see below); measured beside the healthy run");
  app.add_option("--seed", r.seed, "the first seed")->check(CLI::NonNegativeNumber)->capture_default_str();
  app.add_option("--seeds", r.seeds, "how many seeds, one after another")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_flag("--fast", r.fast, "only what takes a moment");
  app.add_flag("--json", r.json, "print the report as JSON and nothing else");
  app.add_option("--out", r.out, "folder for figures, tables and results.json")->capture_default_str();
  app.add_option("--compare", r.compare, "a results.json: fail where this run contradicts it");
  app.add_option("--device", r.device, "what the engine runs on: cpu, cuda, auto, reference or cuda-emulated")->capture_default_str();
  app.add_option("--threads", r.threads, "processor threads; 0: all cores")->check(CLI::Range(0, 1024))->capture_default_str();
  app.footer(chapter_footer(chapter));
  app.parse(argc, argv);
  if (r.prediction && !std::isfinite(*r.prediction)) throw UsageError("--predict must be a finite number");
  check_breakages(chapter, r.breakages);
  return r;
}

/// The first word that looks like an option and is none.
std::string unknown_option(const CLI::App& app, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i], name = word.substr(0, word.find('='));
    if (name.starts_with("-") && name.size() > 1 && !app.get_option_no_throw(name)) return name;
  }
  return "";
}

std::string chosen_device = "cpu";

}  // namespace

Session::Session(Chapter chapter, Request request)
    : chapter_(std::move(chapter)),
      request_(std::move(request)),
      threads_(request_.threads > 0 ? request_.threads : omp_get_max_threads()) {
  if (request_.device != "cpu" && request_.device != "reference") threads_ = 1;
  report_.chapter = chapter_.number;
  for (int i = 0; i < request_.seeds; ++i) report_.seeds.push_back(request_.seed + static_cast<std::uint64_t>(i));
  std::error_code error;
  fs::create_directories(request_.out, error);
  if (error) throw IoError("cannot create " + request_.out + ": " + error.message());
  print(fmt::format("Chapter {}: {}\n", chapter_.number, chapter_.title));
  for (const std::string& name : request_.breakages)
    for (const Breakage& b : chapter_.breakages)
      if (b.name == name) print(fmt::format("Broken on purpose ({}): {}\n", b.name, b.what));
}

std::vector<std::string> Session::variants() const {
  std::vector<std::string> all{""};
  all.insert(all.end(), request_.breakages.begin(), request_.breakages.end());
  return all;
}

void Session::in_parallel(std::size_t n, const std::function<void(std::size_t)>& body) const {
  std::exception_ptr failure;
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 1)
  for (std::size_t i = 0; i < n; ++i) {
    try {
      body(i);
    } catch (...) {
#pragma omp critical(tenfold_course_failure)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void Session::print(const std::string& text) {
  if (request_.json) return;
  std::cout << text << std::flush;
}

std::string Session::path(const std::string& file) const { return (fs::path(request_.out) / file).string(); }

void Session::write(const std::string& file, const std::string& content) const {
  write_file_atomically(path(file), content);
}

void Session::heading(const std::string& text) { print("\n" + text + "\n"); }
void Session::text(const std::string& text) { print("  " + text + "\n"); }

void Session::table(Table table) {
  for (const auto& row : table.rows)
    if (row.size() != table.rows.front().size())
      throw UsageError("table " + table.name + ": every row must have as many cells as the heading");
  print(to_text(table));
  write(table.name + ".csv", to_csv(table));
  report_.tables.push_back(std::move(table));
}

void Session::figure(const std::string& name, const CurveFigure& figure) {
  print("\n" + to_terminal(figure));
  write(name + ".svg", to_svg(figure));
  write(name + ".csv", to_csv(figure));
}

void Session::figure(const std::string& name, const HeatFigure& figure) {
  print("\n" + to_terminal(figure));
  write(name + ".svg", to_svg(figure));
  write(name + ".csv", to_csv(figure));
}

void Session::fact(const std::string& name, double value, Tolerance tolerance, const std::string& format) {
  fact(name, Spread{value, 0, value, value, 1}, tolerance, format);
}

void Session::fact(const std::string& name, const Spread& value, Tolerance tolerance, const std::string& format) {
  for (const Fact& f : report_.facts)
    if (f.name == name) throw UsageError("the fact " + name + " is recorded twice");
  if (!std::isfinite(value.mean)) throw DataError("the fact " + name + " is not a finite number");
  report_.facts.push_back({name, value.mean, tolerance, to_text(value, format)});
}

void Session::claim(const std::string& name, const std::string& text, bool holds) {
  for (const Claim& c : report_.claims)
    if (c.name == name) throw UsageError("the claim " + name + " is recorded twice");
  print(fmt::format("  {} {}\n", holds ? "✔" : "✘", text));
  report_.claims.push_back({name, text, holds});
}

void Session::answer(const std::string& variant, const Spread& measured) { answers_.emplace_back(variant, measured); }

void Session::same(const std::string& name, std::span<const double> lesson, std::span<const double> engine, double bound) {
  const double difference =
      lesson.size() == engine.size() && !engine.empty() ? largest_difference(lesson, engine) : INFINITY;
  const std::string shown = fmt::format("{:.1e}", difference);
  claim("same/" + name, fmt::format("the lesson's {} equals the engine's (relative difference at most {:.0e})", name, bound),
        difference <= bound);
  print(fmt::format("      measured: {}\n", shown));
  report_.facts.push_back({"same/" + name, std::isfinite(difference) ? difference : -1, Tolerance::machine(), shown});
}

void Session::same(const std::string& name, std::span<const float> lesson, std::span<const float> engine, double bound) {
  const std::vector<double> a(lesson.begin(), lesson.end()), b(engine.begin(), engine.end());
  same(name, std::span<const double>(a), std::span<const double>(b), bound);
}

void Session::verdict() {
  if (answers_.empty()) {
    if (request_.prediction) text("Your prediction was not put to the test: that takes a run without --fast.");
    return;
  }
  heading("Verdict: " + chapter_.quantity);
  const Spread healthy = answers_.front().second;
  for (const auto& [variant, measured] : answers_) {
    std::string line = fmt::format("{:<16} {}", label(variant), to_text(measured, chapter_.format));
    if (!variant.empty() && healthy.mean != 0)
      line += fmt::format("   ({:.3g} times the healthy run's)", measured.mean / healthy.mean);
    text(line);
  }
  const auto& [asked, measured] = answers_.size() == 2 ? answers_.back() : answers_.front();
  if (request_.prediction)
    text(fmt::format("You predicted {} for {}: {}.", fmt::format(fmt::runtime(chapter_.format), *request_.prediction),
                     asked.empty() ? "the healthy run" : asked, judgement(*request_.prediction, measured)));
  else
    text("You predicted nothing. Commit to a number first: --predict X");
}

int Session::compare() {
  const Report stated = report_from_json(read_file(request_.compare), request_.compare);
  const auto wrong = contradictions(stated, report_);
  for (const std::string& line : wrong) std::cerr << "contradicts " << request_.compare << ": " << line << "\n";
  const auto compared = std::count_if(report_.facts.begin(), report_.facts.end(),
                                      [](const Fact& f) { return f.tolerance.compared; });
  if (compared == 0) {
    std::cerr << "nothing was compared: this run measured no fact that has a tolerance\n";
    return 1;
  }
  print(fmt::format("\n{} facts and {} claims measured again: {}\n", compared, report_.claims.size(),
                    wrong.empty() ? "all as stated" : "some are not as stated"));
  return wrong.empty() ? 0 : 1;
}

int Session::finish() {
  verdict();
  const std::string json = to_json(report_).dump(1) + "\n";
  write("results.json", json);
  if (request_.json) std::cout << json << std::flush;
  int code = 0;
  for (const Claim& c : report_.claims)
    if (!c.holds) {
      std::cerr << "chapter " << chapter_.number << ": did not hold: " << c.text << "\n";
      code = 1;
    }
  if (!request_.compare.empty()) code = std::max(code, compare());
  print(fmt::format("\nFigures, tables and numbers: {}/\n", request_.out));
  if (!std::cout) throw IoError("cannot write standard output");
  return code;
}

const std::string& measuring_device() { return chosen_device; }

int run_experiment(int argc, char** argv, const Chapter& chapter, const std::function<void(Session&)>& experiment,
                   const std::function<void(const std::string&)>& check_device) {
  std::signal(SIGPIPE, SIG_DFL);
  CLI::App app{fmt::format("Chapter {}: {}", chapter.number, chapter.title)};
  const auto complain = [&](const std::string& what, int code) {
    std::cerr << "chapter " << chapter.number << ": " << what << "\n";
    return code;
  };
  try {
    const Request request = parse(app, argc, argv, chapter);
    if (check_device) check_device(request.device);
    chosen_device = request.device;
    Session session(chapter, request);
    experiment(session);
    return session.finish();
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ExtrasError& e) {
    const std::string option = unknown_option(app, argc, argv);
    return complain((option.empty() ? std::string(e.what()) : "there is no option " + option) + " (see --help)", 2);
  } catch (const CLI::ParseError& e) {
    return complain(std::string(e.what()) + " (see --help)", 2);
  } catch (const UsageError& e) {
    return complain(e.what(), 2);
  } catch (const Error& e) {
    return complain(e.what(), 1);
  } catch (const std::bad_alloc&) {
    return complain("out of memory", 1);
  } catch (const std::exception& e) {
    return complain(std::string("this should not have happened, please report it: ") + e.what(), 1);
  }
}

}  // namespace tenfold::course
