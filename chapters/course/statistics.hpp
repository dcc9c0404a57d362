/// @file
/// The little statistics that experiments need: mean and spread over seeds, and the exponent of a power law.
#pragma once
#include <span>
#include <string>

namespace tenfold::course {

/// What several seeds gave for one quantity.
struct Spread {
  double mean = 0;       ///< arithmetic
  double deviation = 0;  ///< sample standard deviation; 0 for a single value
  double least = 0, most = 0;  ///< the extremes
  std::size_t count = 0;       ///< how many values there were
};

/// Throws UsageError when there is no value.
Spread spread(std::span<const double> values);

/// "0.83 ± 0.01"; `format` is fmt's format of one number, "{:.2f}" say.
std::string to_text(const Spread& s, const std::string& format = "{:.2f}");

/// The exponent e of the best y = c · x^e: the slope of a straight line through (log x, log y) by least squares.
/// Throws UsageError unless there are as many x as y, at least two, and all are above zero.
double fitted_exponent(std::span<const double> x, std::span<const double> y);

}  // namespace tenfold::course
