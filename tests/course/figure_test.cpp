// Figures as SVG, CSV and characters.
#include "course/figure.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tenfold::course;

namespace {

CurveFigure curves() {
  return {"Fall", "step", "value (nats)", false, true, {{"healthy", {1, 2, 3}, {8, 4, 2}, {7, 3, 1}, {9, 5, 3}},
                                                       {"it's bad", {1, 2, 3}, {8, std::nan(""), 0}, {}, {}}}};
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("curves as SVG have their titles, labels and colours") {
  const std::string svg = to_svg(curves());
  for (const std::string part : {"<svg", "Fall", "step", "value (nats)", "healthy", "it's bad", "</svg>"})
    CHECK_MESSAGE(svg.find(part) != svg.npos, part);
  CHECK(svg.find("0, 114, 178") != svg.npos);  // #0072B2, the healthy run
  CHECK(svg.find("213,  94,   0") != svg.npos);
}

TEST_CASE("curves as CSV keep every point") {
  CHECK(to_csv(curves()) ==
        "curve,x,y,low,high\n\"healthy\",1,8,7,9\n\"healthy\",2,4,3,5\n\"healthy\",3,2,1,3\n"
        "\"it's bad\",1,8,,\n\"it's bad\",2,NaN,,\n\"it's bad\",3,0,,\n");
}

TEST_CASE("curves in the terminal: the first on top, gaps left out, zero not on a logarithmic axis") {
  const std::string text = to_terminal(curves());
  CHECK(count(text, "o") == 3 + 1 + 1);  // three points, one in "logarithmic", the legend's sign
  CHECK(count(text, "│x") == 0);         // its only point is under the healthy one
  CHECK(text.find("8 │") != text.npos);
  CHECK(text.find("2 │") != text.npos);
  CHECK(to_terminal(CurveFigure{}) == "");
  CHECK(to_terminal(CurveFigure{"", "", "", false, false, {{"one", {1}, {1}, {}, {}}}}).find("o") != std::string::npos);
}

TEST_CASE("heat maps") {
  const HeatFigure f{"Weights", "key", "query", {{"healthy", {"a", "b"}, {"x", "y"}, {{0, 1}, {0.5, std::nan("")}}}}};
  CHECK(to_csv(f) == "map,row,column,value\n\"healthy\",\"a\",\"x\",0\n\"healthy\",\"a\",\"y\",1\n\"healthy\",\"b\",\"x\",0.5\n"
                     "\"healthy\",\"b\",\"y\",NaN\n");
  const std::string text = to_terminal(f);
  CHECK(text.find("a    ·     █████") != text.npos);
  CHECK(text.find("b    ▒▒▒▒▒ ·") != text.npos);
  const std::string svg = to_svg(f);
  for (const std::string part : {"<svg", "Weights", "healthy", "key", "query"}) CHECK_MESSAGE(svg.find(part) != svg.npos, part);
}
