// Mean, spread, and the exponent of a power law.
#include "course/statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/errors.hpp"

using namespace tenfold;
using namespace tenfold::course;

TEST_CASE("mean and sample deviation over seeds") {
  const std::vector<double> values{1, 2, 6};
  const Spread s = spread(values);
  CHECK(s.mean == doctest::Approx(3));
  CHECK(s.deviation == doctest::Approx(std::sqrt(7.0)));  // (4 + 1 + 9) / 2
  CHECK(s.least == 1);
  CHECK(s.most == 6);
  CHECK(to_text(s, "{:.1f}") == "3.0 ± 2.6");
  CHECK(to_text(spread(std::vector<double>{0.5})) == "0.50");
  CHECK_THROWS_AS(spread({}), UsageError);
}

TEST_CASE("the exponent of a power law") {
  const std::vector<double> x{2, 4, 8, 16};
  std::vector<double> y;
  for (double v : x) y.push_back(3 * std::pow(v, 1.5));
  CHECK(fitted_exponent(x, y) == doctest::Approx(1.5));
  CHECK_THROWS_AS(fitted_exponent(x, std::vector<double>{1, 2}), UsageError);
  CHECK_THROWS_AS(fitted_exponent(std::vector<double>{1, 2}, std::vector<double>{0, 2}), UsageError);
}
