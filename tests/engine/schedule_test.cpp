// Learning-rate schedules, at points that can be computed by hand.
#include "optim/schedule.hpp"

#include <doctest/doctest.h>

using namespace tenfold;

TEST_CASE("every schedule rises linearly to its peak") {
  for (ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::inverse_sqrt, ScheduleKind::cosine}) {
    const Schedule s{kind, 0.8, 4, 100};
    CHECK(s.at(1) == doctest::Approx(0.2));
    CHECK(s.at(2) == doctest::Approx(0.4));
    CHECK(s.at(3) == doctest::Approx(0.6));
    CHECK(s.at(4) == doctest::Approx(0.8));
    CHECK(s.at(0) == s.at(1));
  }
}

TEST_CASE("after the warm-up each falls in its own way") {
  CHECK(Schedule{ScheduleKind::constant, 0.8, 4, 0}.at(1000) == doctest::Approx(0.8));

  const Schedule root{ScheduleKind::inverse_sqrt, 0.8, 4, 0};
  CHECK(root.at(16) == doctest::Approx(0.4));
  CHECK(root.at(64) == doctest::Approx(0.2));

  const Schedule cosine{ScheduleKind::cosine, 0.8, 4, 16};
  CHECK(cosine.at(10) == doctest::Approx(0.4));  // half-way: cos(π/2) = 0
  CHECK(cosine.at(8) == doctest::Approx(0.6));   // a third: cos(π/3) = 1/2
  CHECK(cosine.at(16) == doctest::Approx(0));
  CHECK(cosine.at(20) == doctest::Approx(0));
}

TEST_CASE("without warm-up the first step is at the peak") {
  for (ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::inverse_sqrt, ScheduleKind::cosine})
    CHECK(Schedule{kind, 0.5, 0, 100}.at(1) == doctest::Approx(0.5).epsilon(1e-3));
}
