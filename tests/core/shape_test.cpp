// Shape: what it says about extents, and what it refuses.
#include <doctest/doctest.h>

#include <vector>

#include "core/errors.hpp"
#include "core/shape.hpp"

using namespace tenfold;

TEST_CASE("a shape knows its extents, from both ends") {
  const Shape s{2, 3, 5};
  CHECK(s.rank() == 3);
  CHECK(s[0] == 2);
  CHECK(s[2] == 5);
  CHECK(s[-1] == 5);
  CHECK(s[-3] == 2);
  CHECK(s.back() == 5);
  CHECK(s.size() == 30);
  CHECK(s.rows() == 6);
  CHECK(to_string(s) == "[2, 3, 5]");
}

TEST_CASE("a scalar's shape has size one, an empty one size zero") {
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{}.rows() == 1);
  CHECK(to_string(Shape{}) == "[]");
  CHECK(Shape{4, 0}.size() == 0);
  CHECK(Shape{4, 0}.rows() == 4);
}

TEST_CASE("shapes are equal when rank and extents are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(Shape{2, 3}.with(-1, 7) == Shape{2, 7});
}

TEST_CASE("a shape refuses what cannot be") {
  CHECK_THROWS_WITH_AS((Shape{1, 1, 1, 1, 1, 1, 1}), "shape: at most 6 axes, got 7", ShapeError);
  CHECK_THROWS_WITH_AS((Shape{2, -1}), "shape: extents must not be negative, got -1", ShapeError);
  const Index large = Index{1} << 32;
  CHECK_THROWS_WITH_AS((Shape{large, large}), "shape: the number of elements overflows 64 bits", ShapeError);
  CHECK_THROWS_WITH_AS((Shape{large, 2}.with(1, large)), "shape: the number of elements overflows 64 bits",
                       ShapeError);
  CHECK_THROWS_WITH_AS((Shape{2, 3}[2]), "shape: no axis 2 in [2, 3]", ShapeError);
  CHECK_THROWS_WITH_AS((Shape{2, 3}[-3]), "shape: no axis -3 in [2, 3]", ShapeError);
  CHECK_THROWS_WITH_AS(Shape{}.back(), "shape: no axis -1 in []", ShapeError);
}
