// The profile: sums per operation and layer, and what clear() forgets.
#include <doctest/doctest.h>

#include "core/profile.hpp"

using namespace tenfold;
using Direction = Profile::Direction;

TEST_CASE("a profile sums spans by operation and by layer") {
  Profile p;
  const auto work = [&](const char* name, Direction direction) {
    const Profile::Span span(&p, name, direction, p.layer(), {10, 3});
  };
  const int outer = p.enter_layer("a");
  work("linear", Direction::forward);
  work("linear", Direction::backward);
  const int a = p.enter_layer("b");
  work("linear", Direction::forward);
  p.return_to_layer(a);
  work("norm", Direction::forward);
  p.return_to_layer(outer);
  CHECK(p.by_operation().size() == 3);
  for (const auto& row : p.by_operation())
    if (row.name == "linear" && row.direction == Direction::forward) {
      CHECK(row.calls == 2);
      CHECK(row.work.flops == 20);
      CHECK(row.work.bytes == 6);
    }
  const auto layers = p.by_layer();
  REQUIRE(layers.size() == 3);
  CHECK(layers[0].name == "a");
  CHECK(layers[0].calls == 2);
  CHECK(layers[2].name == "b");
  CHECK(p.work().flops == 40);
  CHECK(p.seconds() >= 0);

  p.add_step(2);
  CHECK(p.steps() == 1);
  CHECK(p.step_seconds() == 2);
  p.clear();
  CHECK(p.by_operation().empty());
  CHECK(p.steps() == 0);
  CHECK(p.step_seconds() == 0);
}

TEST_CASE("a span without a profile does nothing") {
  const Profile::Span span(nullptr, "linear", Direction::forward, 0);
}
