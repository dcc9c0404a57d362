#include "course/figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "course/terminal.hpp"
#include "io/gnuplot.hpp"

namespace tenfold::course {
namespace {

constexpr const char* colours[] = {"#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000"};
constexpr int markers[] = {7, 5, 9, 11, 13, 6, 4};  // gnuplot's point types: filled first
constexpr char signs[] = {'o', 'x', '+', '*', '#', '%', '@'};
constexpr std::size_t styles = 7;

/// A gnuplot string constant that shows exactly `text`.
std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("''") : c == '%' ? std::string("%%") : std::string(1, c);
  return out + "'";
}
std::string title_quotes(const std::string& text) {  // titles and axis names do not pass through a number format
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string number(double v) { return std::isfinite(v) ? fmt::format("{:.6g}", v) : "NaN"; }

std::string common_style(const std::string& title) {
  return fmt::format(
      "set datafile missing 'NaN'\nset title {}\nset border 3 lc rgb '#444444'\nset tics nomirror out\n"
      "set grid lc rgb '#dddddd' lw 1 lt 1\n",
      title_quotes(title));
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void take(double v) {
    if (!std::isfinite(v)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  bool empty() const { return low > high; }
};

/// Where `v` falls among `cells` cells of the range; -1 when it cannot be drawn.
int cell_of(double v, const Range& range, bool logarithmic, int cells) {
  if (!std::isfinite(v) || (logarithmic && v <= 0)) return -1;
  const auto at = [&](double x) { return logarithmic ? std::log(x) : x; };
  const double width = at(range.high) - at(range.low);
  const double part = width > 0 ? (at(v) - at(range.low)) / width : 0.5;
  return std::clamp(static_cast<int>(part * (cells - 1) + 0.5), 0, cells - 1);
}

Range range_of(const CurveFigure& f, bool of_x) {
  Range range;
  const bool logarithmic = of_x ? f.log_x : f.log_y;
  for (const Curve& c : f.curves)
    for (double v : of_x ? c.x : c.y)
      if (!logarithmic || v > 0) range.take(v);
  return range;
}

}  // namespace

std::string to_svg(const CurveFigure& f) {
  std::string script = terminal_line(PictureKind::svg, 760, 460) + common_style(f.title);
  script += fmt::format("set xlabel {}\nset ylabel {}\nset key outside right top vertical\nset key width -2\n",
                        title_quotes(f.x_label), title_quotes(f.y_label));
  if (f.log_x) script += "set logscale x\nset format x '%g'\n";
  if (f.log_y) script += "set logscale y\nset format y '%g'\n";
  std::vector<std::string> drawn;
  for (std::size_t i = 0; i < f.curves.size(); ++i) {
    const Curve& c = f.curves[i];
    const bool band = c.low.size() == c.y.size() && c.high.size() == c.y.size();
    script += fmt::format("$c{} << EOD\n", i);
    for (std::size_t p = 0; p < c.x.size(); ++p)
      script += fmt::format("{} {} {} {}\n", number(c.x[p]), number(c.y[p]), band ? number(c.low[p]) : "NaN",
                            band ? number(c.high[p]) : "NaN");
    script += "EOD\n";
    const char* colour = colours[i % styles];
    if (band)
      drawn.push_back(fmt::format("$c{} using 1:3:4 with filledcurves notitle fs transparent solid 0.15 noborder lc rgb '{}'",
                                  i, colour));
    const bool many = c.x.size() > 40;
    drawn.push_back(fmt::format("$c{} using 1:2 with {} title {} lw 2 dt {} lc rgb '{}' pt {} ps 0.8", i,
                                many ? "lines" : "linespoints", title_quotes(c.label), i % 5 + 1, colour,
                                markers[i % styles]));
  }
  script += "plot ";
  for (std::size_t i = 0; i < drawn.size(); ++i) script += (i ? ", \\\n  " : "") + drawn[i];
  return run_gnuplot(script + "\n");
}

std::string to_svg(const HeatFigure& f) {
  std::size_t columns = 1, rows = 1;
  for (const HeatMap& m : f.maps) {
    columns = std::max(columns, m.columns.size());
    rows = std::max(rows, m.rows.size());
  }
  const int across = static_cast<int>(std::min<std::size_t>(f.maps.size(), columns > 12 ? 2 : 3));
  const int down = (static_cast<int>(f.maps.size()) + across - 1) / across;
  const int cell = columns > 20 ? 16 : 26;
  const int width = std::max(360, across * (static_cast<int>(columns) * cell + 150));
  const int height = down * (static_cast<int>(rows) * cell + 150) + 40;
  std::string script = terminal_line(PictureKind::svg, width, height);
  script += fmt::format("set multiplot layout {},{} title {}\n", down, across, title_quotes(f.title));
  script += "set border 15 lc rgb '#444444'\nset tics scale 0\nset cbrange [0:1]\nunset colorbox\nset xtics rotate by 60 right\n";
  script += "set palette defined (0 '#ffffff', 0.5 '#56B4E9', 1 '#003a5c')\nset yrange [*:*] reverse\nset autoscale fix\n";
  for (std::size_t i = 0; i < f.maps.size(); ++i) {
    const HeatMap& m = f.maps[i];
    script += fmt::format("$m{} << EOD\n", i);
    for (std::size_t r = 0; r < m.values.size(); ++r)
      for (std::size_t c = 0; c < m.values[r].size(); ++c) script += fmt::format("{} {} {}\n", c, r, number(m.values[r][c]));
    script += "EOD\nset xtics (";
    for (std::size_t c = 0; c < m.columns.size(); ++c) script += fmt::format("{}{} {}", c ? ", " : "", in_quotes(m.columns[c]), c);
    script += ")\nset ytics (";
    for (std::size_t r = 0; r < m.rows.size(); ++r) script += fmt::format("{}{} {}", r ? ", " : "", in_quotes(m.rows[r]), r);
    script += fmt::format(")\nset title {}\nset xlabel {}\nset ylabel {}\nplot $m{} using 1:2:3 with image pixels notitle\n",
                          title_quotes(m.title), title_quotes(f.x_label), title_quotes(f.y_label), i);
  }
  return run_gnuplot(script + "unset multiplot\n");
}

std::string to_csv(const CurveFigure& f) {
  std::string out = "curve,x,y,low,high\n";
  for (const Curve& c : f.curves)
    for (std::size_t p = 0; p < c.x.size(); ++p)
      out += fmt::format("\"{}\",{},{},{},{}\n", c.label, number(c.x[p]), number(c.y[p]),
                         p < c.low.size() ? number(c.low[p]) : "", p < c.high.size() ? number(c.high[p]) : "");
  return out;
}

std::string to_csv(const HeatFigure& f) {
  std::string out = "map,row,column,value\n";
  for (const HeatMap& m : f.maps)
    for (std::size_t r = 0; r < m.values.size(); ++r)
      for (std::size_t c = 0; c < m.values[r].size(); ++c)
        out += fmt::format("\"{}\",\"{}\",\"{}\",{}\n", m.title, m.rows.at(r), m.columns.at(c), number(m.values[r][c]));
  return out;
}

std::string to_terminal(const CurveFigure& f) {
  constexpr int width = 56, height = 13;
  const Range x = range_of(f, true), y = range_of(f, false);
  if (x.empty() || y.empty()) return "";
  std::vector<std::string> grid(height, std::string(width, ' '));
  for (std::size_t i = f.curves.size(); i-- > 0;) {  // the first curve on top
    const Curve& c = f.curves[i];
    for (std::size_t p = 0; p < c.x.size(); ++p) {
      const int column = cell_of(c.x[p], x, f.log_x, width), row = cell_of(c.y[p], y, f.log_y, height);
      if (column >= 0 && row >= 0) grid[height - 1 - row][column] = signs[i % styles];
    }
  }
  std::string out = fmt::format("  {}\n  {}{}\n", f.title, f.y_label, f.log_y ? " (logarithmic)" : "");
  for (int r = 0; r < height; ++r) {
    const std::string side = r == 0 ? fmt::format("{:.3g}", y.high) : r == height - 1 ? fmt::format("{:.3g}", y.low) : "";
    std::string line = fmt::format("  {:>9} │{}", side, grid[static_cast<std::size_t>(r)]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  out += "            └" + repeated("─", width) + "\n";
  const std::string left = fmt::format("{:.4g}", x.low), right = fmt::format("{:.4g}", x.high);
  const std::string name = f.x_label + (f.log_x ? " (logarithmic)" : "");
  const std::size_t used = left.size() + right.size() + columns_of(name);
  const std::size_t gap = used + 2 < width ? (width - used) / 2 : 1;
  out += "             " + left + std::string(gap, ' ') + name + std::string(gap, ' ') + right + "\n";
  for (std::size_t i = 0; i < f.curves.size(); ++i) out += fmt::format("             {} {}\n", signs[i % styles], f.curves[i].label);
  return out;
}

std::string to_terminal(const HeatFigure& f) {
  static const char* shades[] = {" ", "░", "▒", "▓", "█"};
  std::string out = fmt::format("  {}   ( ·0 ░ ▒ ▓ █1 )\n", f.title);
  for (const HeatMap& m : f.maps) {
    std::size_t side = 4;
    for (const std::string& name : m.rows) side = std::max(side, std::min<std::size_t>(columns_of(name), 12));
    const std::size_t cell = m.columns.empty() ? 3 : std::clamp<std::size_t>(60 / m.columns.size(), 2, 6);
    if (!m.title.empty()) out += "  " + m.title + "\n";
    std::string head = "  " + std::string(side + 1, ' ');
    for (const std::string& name : m.columns) head += fitted(name, cell - 1) + " ";
    out += head + "\n";
    for (std::size_t r = 0; r < m.values.size(); ++r) {
      std::string line = "  " + fitted(m.rows.at(r), side) + " ";
      for (double v : m.values[r]) {
        const int shade = std::isfinite(v) ? std::clamp(static_cast<int>(v * 5), 0, 4) : 0;
        line += (shade == 0 ? fitted("·", cell - 1) : repeated(shades[shade], cell - 1)) + " ";
      }
      out += line + "\n";
    }
  }
  return out;
}

}  // namespace tenfold::course
