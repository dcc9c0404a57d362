#include "course/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/errors.hpp"

namespace tenfold::course {

Spread spread(std::span<const double> values) {
  if (values.empty()) throw UsageError("spread: at least one value is needed");
  Spread s;
  s.count = values.size();
  const auto n = static_cast<double>(s.count);
  for (double v : values) s.mean += v / n;
  double squares = 0;
  for (double v : values) squares += (v - s.mean) * (v - s.mean);
  if (s.count > 1) s.deviation = std::sqrt(squares / (n - 1));
  s.least = *std::min_element(values.begin(), values.end());
  s.most = *std::max_element(values.begin(), values.end());
  return s;
}

std::string to_text(const Spread& s, const std::string& format) {
  const std::string mean = fmt::format(fmt::runtime(format), s.mean);
  return s.count < 2 ? mean : mean + " ± " + fmt::format(fmt::runtime(format), s.deviation);
}

double fitted_exponent(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size() || x.size() < 2) throw UsageError("fitted_exponent: two points or more are needed");
  const auto positive = [](double v) { return v > 0; };
  if (!std::all_of(x.begin(), x.end(), positive) || !std::all_of(y.begin(), y.end(), positive))
    throw UsageError("fitted_exponent: all values must be above zero");
  const auto n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += std::log(x[i]) / n;
    mean_y += std::log(y[i]) / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = std::log(x[i]) - mean_x;
    xx += dx * dx;
    xy += dx * (std::log(y[i]) - mean_y);
  }
  return xy / xx;
}

}  // namespace tenfold::course
