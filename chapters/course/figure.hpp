/// @file
/// Figures of an experiment: curves and heat maps, drawn as SVG by gnuplot, as CSV, and as text for the terminal.
///
/// Colours are those of Okabe and Ito, which most colour-blind readers can tell apart; every curve also has a marker and
/// a dash pattern of its own, so that a black-and-white print stays legible. By convention the healthy run comes first.
#pragma once
#include <string>
#include <vector>

namespace tenfold::course {

/// One line of a figure. Points that are not finite are gaps.
struct Curve {
  std::string label;              ///< as the legend names it
  std::vector<double> x, y;       ///< of equal length
  std::vector<double> low, high;  ///< optional band around y (least and most over seeds)
};

/// Curves over shared axes. Axis names carry their units.
struct CurveFigure {
  std::string title, x_label, y_label;  ///< as drawn; axis names with their unit
  bool log_x = false, log_y = false;    ///< logarithmic axes; points that are not above zero are gaps then
  std::vector<Curve> curves;            ///< healthy first
};

/// One matrix of values in [0, 1], rows downwards.
struct HeatMap {
  std::string title;                        ///< above the map
  std::vector<std::string> rows, columns;   ///< a name each
  std::vector<std::vector<double>> values;  ///< [rows][columns]
};

/// Heat maps side by side, the same axes for all.
struct HeatFigure {
  std::string title, x_label, y_label;  ///< as drawn, shared by all maps
  std::vector<HeatMap> maps;            ///< healthy first
};

/// The whole SVG file. Throws IoError when gnuplot is missing or fails.
std::string to_svg(const CurveFigure& figure);
/// The same for heat maps.
std::string to_svg(const HeatFigure& figure);
/// One line per point: curve, x, y, low, high; or map, row, column, value.
std::string to_csv(const CurveFigure& figure);
/// The same for heat maps.
std::string to_csv(const HeatFigure& figure);
/// Drawn with characters, at most 76 columns wide where the number of columns allows it.
std::string to_terminal(const CurveFigure& figure);
/// The same for heat maps.
std::string to_terminal(const HeatFigure& figure);

}  // namespace tenfold::course
