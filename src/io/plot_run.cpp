#include <fmt/format.h>

#include <algorithm>
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
  double last_step = 0;

  void add(double step, double value) {
    const bool finite = std::isfinite(value);
    drawn += finite;
    if (finite) last_step = std::max(last_step, step);
    points += finite ? fmt::format("{} {}\n", step, value) : fmt::format("{} NaN\n", step);
  }
};

struct Curves {
  Series training, validation, bleu, learning_rate;
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
      const double bleu = number_or_gap(event, "bleu");
      curves.bleu.add(step, bleu < 0 ? std::nan("") : bleu);  // below 0: nothing was translated
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
set lmargin 13
set rmargin 4
)";

/// One of the pictures that stand above one another.
struct Panel {
  int height;  // in pixels, without the text below the steps' axis
  std::string commands;
};

Panel loss_panel(const Curves& curves) {
  std::vector<std::string> drawn;
  if (curves.training.drawn) drawn.push_back(curve("training", curves.training, "training", "#0072B2", 7));
  if (curves.validation.drawn)
    drawn.push_back(curve("validation", curves.validation, "validation", "#D55E00", 5));
  return {380, "set ylabel 'loss (nats per token)'\nset key top right\n" + joined(drawn)};
}

/// A panel of one curve, from 0 up.
Panel lone_panel(const char* what, const std::string& drawn) {
  return {210, fmt::format("set ylabel '{}'\nset yrange [0:*]\nset offsets 0,0,graph 0.05,0\nset format y '%g'\nset nokey\n{}",
                           what, joined({drawn}))};
}

/// From the top; none where there is nothing to draw.
std::vector<Panel> panels_of(const Curves& c) {
  std::vector<Panel> panels;
  if (c.training.drawn + c.validation.drawn > 0) panels.push_back(loss_panel(c));
  if (c.bleu.drawn > 0) panels.push_back(lone_panel("BLEU (validation)", curve("bleu", c.bleu, "", "#D55E00", 5)));
  if (c.learning_rate.drawn > 0)
    panels.push_back(lone_panel("learning rate", curve("rate", c.learning_rate, "", "#009E73", 9)));
  return panels;
}

/// The panels share the steps' axis, so that they can be read together.
std::string script_for(const Curves& c, const std::vector<Panel>& panels, PictureKind kind) {
  constexpr int axis_text = 60;  // pixels
  int total = axis_text;
  for (const Panel& p : panels) total += p.height;
  const double last = std::max({c.training.last_step, c.validation.last_step, c.bleu.last_step, c.learning_rate.last_step, 1.0});
  std::string script = terminal_line(kind, 900, total) + curves_style;
  script += data_block("training", c.training) + data_block("validation", c.validation) + data_block("bleu", c.bleu) +
            data_block("rate", c.learning_rate);
  script += fmt::format("set multiplot\nset xrange [0:{}]\nset format x ''\nset bmargin 1\n", last);
  int bottom = total;  // of the panel, from the picture's bottom
  for (const Panel& p : panels) {
    int height = p.height;
    if (&p == &panels.back()) {
      height += axis_text;
      script += "set format x '%g'\nset bmargin 4\nset xlabel 'training step (updates of the weights)'\n";
    }
    bottom -= height;
    const auto share = [total](int pixels) { return static_cast<double>(pixels) / total; };
    script += fmt::format("set size 1,{}\nset origin 0,{}\n", share(height), share(bottom)) + p.commands;
  }
  return script + "unset multiplot\n";
}

}  // namespace

void plot_run(const fs::path& run_log, const fs::path& output) {
  const PictureKind kind = picture_kind(output);
  const Curves curves = collect(read_run_log(run_log));
  const std::vector<Panel> panels = panels_of(curves);
  if (panels.empty())
    throw DataError(run_log.string() + ": there is no train or validation event with a number to draw");
  write_file_atomically(output, run_gnuplot(script_for(curves, panels, kind)));
}

}  // namespace tenfold
