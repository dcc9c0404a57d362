/// @file
/// What every chapter's experiment is made of: a Chapter that says what is asked, and a Session through which the
/// experiment measures, prints and records.
///
///     int main(int argc, char** argv) {
///       return tenfold::course::run_chapter(argc, argv, {.number = 3, …}, [](Session& s) { … });
///     }
///
/// The program understands --predict X, --break NAME (or all), --seed N, --seeds N, --fast, --json, --out FOLDER,
/// --compare FILE, --device and --threads. Exit code 0: every healthy claim held; 1: one did not, or something failed, and one
/// line says what; 2: the command line makes no sense.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "course/figure.hpp"
#include "course/report.hpp"
#include "course/statistics.hpp"

namespace tenfold::course {

/// One way to break the chapter's subject.
struct Breakage {
  std::string name;  ///< as --break takes it: "no-scale"
  std::string what;  ///< what it does, for --help and the terminal: "the scores are not divided at all"
};

/// What a chapter's experiment is about.
struct Chapter {
  int number = 0;        ///< 1 to 10
  std::string title;     ///< the question
  std::string quantity;  ///< what --predict predicts, with its unit
  std::string format = "{:.2f}";  ///< how that quantity is written
  std::vector<Breakage> breakages;  ///< all that --break may name
};

/// What the command line asks for.
struct Request {
  std::optional<double> prediction;          ///< --predict
  std::vector<std::string> breakages;        ///< --break, "all" already replaced by their names
  std::uint64_t seed = 1;                    ///< the first of them
  int seeds = 3;                             ///< how many, from `seed` upwards
  bool fast = false, json = false;           ///< --fast, --json
  std::string out, compare, device = "cpu";  ///< --out, --compare, --device
  int threads = 0;  ///< as given; Session::threads() has the number
};

/// One run of an experiment: what was asked, and where results go.
class Session {
 public:
  /// Makes the folder of --out (IoError when it cannot) and prints the title.
  Session(Chapter chapter, Request request);

  // --- what is asked ---
  /// To measure with, all of them.
  const std::vector<std::uint64_t>& seeds() const { return report_.seeds; }
  /// Only what takes a moment: the test that re-checks the lesson's numbers runs this way. What is left out then must
  /// not be recorded at all; what is recorded must be measured exactly as in a full run.
  bool fast() const { return request_.fast; }
  /// "" for the healthy run, then the names of the breakages asked for.
  std::vector<std::string> variants() const;
  /// "healthy", or the breakage's name.
  static std::string label(const std::string& variant) { return variant.empty() ? "healthy" : variant; }
  /// For make_kernels().
  const std::string& device() const { return request_.device; }
  /// How many seeds are measured at once: threads of the CPU's, one on a card and its emulator.
  int threads() const { return threads_; }

  /// f(seed) for every seed, in parallel as far as there are threads; the results in the seeds' order. `f` makes its own
  /// measuring_kernels(), and prints and records nothing.
  template <class F>
  auto over_seeds(const F& f) const {
    std::vector<decltype(f(std::uint64_t{}))> out(seeds().size());
    in_parallel(seeds().size(), [&](std::size_t i) { out[i] = f(seeds()[i]); });
    return out;
  }
  /// body(0) … body(n-1), in parallel as far as there are threads. The first exception is thrown on.
  void in_parallel(std::size_t n, const std::function<void(std::size_t)>& body) const;

  // --- what is shown and recorded ---
  /// Prints a line that begins a part.
  void heading(const std::string& text);
  /// Prints a paragraph.
  void text(const std::string& text);
  /// Prints the table and writes NAME.csv.
  void table(Table table);
  /// Draws in the terminal and writes NAME.svg and NAME.csv.
  void figure(const std::string& name, const CurveFigure& figure);
  /// The same for heat maps.
  void figure(const std::string& name, const HeatFigure& figure);
  /// Records a number under a name that is unique in the chapter. `format` is how a lesson shows it.
  void fact(const std::string& name, double value, Tolerance tolerance, const std::string& format = "{:.2f}");
  /// The mean over seeds, shown by the lesson as "0.83 ± 0.01".
  void fact(const std::string& name, const Spread& value, Tolerance tolerance, const std::string& format = "{:.2f}");
  /// Records whether a sentence holds, and prints it with ✔ or ✘. The sentence states no number that may change; a
  /// claim about a breakage says what breaks. A claim that does not hold makes the program fail.
  void claim(const std::string& name, const std::string& text, bool holds);
  /// What the chapter's quantity (see Chapter::quantity) came to in a variant; what --predict is held against. Once
  /// for each variant.
  void answer(const std::string& variant, const Spread& measured);
  /// The lesson's code against the engine's: the largest difference, relative to the largest magnitude of
  /// `engine`, must be at most `bound`; NaN, other lengths and nothing to compare never pass. A claim, and
  /// the fact "same/NAME" (compared by the claim alone).
  void same(const std::string& name, std::span<const double> lesson, std::span<const double> engine, double bound);
  /// The same for the float build.
  void same(const std::string& name, std::span<const float> lesson, std::span<const float> engine, double bound);

  /// Prints the verdict and writes the report; the program's exit code.
  int finish();

 private:
  void print(const std::string& text);
  std::string path(const std::string& file) const;
  void write(const std::string& file, const std::string& content) const;
  void verdict();
  int compare();

  Chapter chapter_;
  Request request_;
  int threads_ = 1;
  Report report_;
  std::vector<std::pair<std::string, Spread>> answers_;
};

/// Parses the command line, runs `experiment`, and ends as the head of this file says. `check_device` throws Error when
/// --device cannot be had; chapters call run_chapter() (course/engine.hpp), which knows that.
int run_experiment(int argc, char** argv, const Chapter& chapter, const std::function<void(Session&)>& experiment,
                   const std::function<void(const std::string&)>& check_device = {});

/// What --device names: "cpu" until a command line was parsed. For measuring_kernels() (course/engine.hpp).
const std::string& measuring_device();

}  // namespace tenfold::course
