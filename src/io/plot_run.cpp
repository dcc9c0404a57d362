#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/gnuplot.hpp"
#include "io/plot.hpp"
#include "io/run_log.hpp"

namespace tenfold {
namespace {

/// One curve. Values that are not there, or not finite, are gaps.
struct Series {
  std::string points;
  std::size_t drawn = 0;

  void add(double step, double value) {
    const bool finite = std::isfinite(value);
    drawn += finite;
    points += finite ? fmt::format("{} {}\n", step, value) : fmt::format("{} NaN\n", step);
  }
};

struct Curves {
  Series training, validation, learning_rate;
};

double number_or_gap(const nlohmann::json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_number() ? found->get<double>() : std::nan("");
}

Curves collect(const RunLogContent& log) {
  Curves curves;
  for (const nlohmann::json& event : log.events) {
    const double step = number_or_gap(event, "step");
    if (!std::isfinite(step)) continue;
    if (event["event"] == "train") {
      curves.training.add(step, number_or_gap(event, "loss"));
      curves.learning_rate.add(step, number_or_gap(event, "learning_rate"));
    } else if (event["event"] == "validation") {
      curves.validation.add(step, number_or_gap(event, "loss"));
    }
  }
  return curves;
}

std::string data_block(const char* name, const Series& series) {
  return fmt::format("${} << END\n{}END\n", name, series.points);
}

/// A curve of few points shows them, so that a single one is visible too.
std::string curve(const char* name, const Series& series, const char* title, const char* color, int point) {
  const bool few = series.drawn <= 50;
  return fmt::format("${} using 1:2 with {} title '{}' lw 2 lc rgb '{}'{}", name,
                     few ? "linespoints" : "lines", title, color,
                     few ? fmt::format(" pt {} ps 0.7", point) : "");
}

std::string joined(const std::vector<std::string>& curves) {
  std::string out = "plot ";
  for (const std::string& one : curves) out += (&one == &curves.front() ? "" : ", ") + one;
  return out + "\n";
}

constexpr const char* curves_style = R"(set datafile missing 'NaN'
set border 3 lc rgb '#444444'
set tics nomirror out
set grid lc rgb '#dddddd' lw 1 lt 1
set xrange [0:*]
set lmargin 13
set rmargin 4
)";

std::string loss_panel(const Curves& curves) {
  std::vector<std::string> drawn;
  if (curves.training.drawn) drawn.push_back(curve("training", curves.training, "training", "#0072B2", 7));
  if (curves.validation.drawn)
    drawn.push_back(curve("validation", curves.validation, "validation", "#D55E00", 5));
  return "set ylabel 'loss (nats per token)'\nset key top right\n" + joined(drawn);
}

std::string learning_rate_panel(const Curves& curves) {
  return "set ylabel 'learning rate'\nset yrange [0:*]\nset offsets 0,0,graph 0.05,0\nset format y '%g'\nset "
         "nokey\n" +
         joined({curve("rate", curves.learning_rate, "", "#009E73", 9)});
}

std::string script_for(const Curves& curves, PictureKind kind) {
  const bool losses = curves.training.drawn + curves.validation.drawn > 0;
  const bool rates = curves.learning_rate.drawn > 0;
  std::string script = terminal_line(kind, 900, losses && rates ? 700 : 450) + curves_style;
  script += data_block("training", curves.training) + data_block("validation", curves.validation) +
            data_block("rate", curves.learning_rate);
  const std::string steps = "set xlabel 'training step (updates of the weights)'\n";
  if (losses != rates) return script + steps + (losses ? loss_panel(curves) : learning_rate_panel(curves));
  // Both panels share the steps' axis, so that they can be read together.
  script += "set multiplot\nset size 1,0.62\nset origin 0,0.38\nset bmargin 1\nset format x ''\n" +
            loss_panel(curves);
  script +=
      "set xrange [0:GPVAL_X_MAX]\nset size 1,0.38\nset origin 0,0\nset bmargin 4\nset format x "
      "'%g'\n" +
      steps + learning_rate_panel(curves) + "unset multiplot\n";
  return script;
}

}  // namespace

void plot_run(const fs::path& run_log, const fs::path& output) {
  const PictureKind kind = picture_kind(output);
  const Curves curves = collect(read_run_log(run_log));
  if (curves.training.drawn + curves.validation.drawn + curves.learning_rate.drawn == 0)
    throw DataError(run_log.string() + ": there is no train or validation event with a number to draw");
  write_file_atomically(output, run_gnuplot(script_for(curves, kind)));
}

}  // namespace tenfold
