// The grader of chapter 5.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;

namespace {

using Numbers = std::vector<double>;

const double root_three = std::sqrt(3.0);

Numbers ones(int n) { return Numbers(static_cast<std::size_t>(n), 1.0); }
Numbers zeros(int n) { return Numbers(static_cast<std::size_t>(n), 0.0); }
Matrix normed(const Matrix& x, double epsilon) {
  return exercise::layer_norm(x, ones(x.columns()), zeros(x.columns()), epsilon);
}

void forward_of_the_example() {
  const Matrix y = normed(Matrix{{1, 0, 0, 0}}, 0);
  expect(y.rows() == 1 && y.columns() == 4, "layer_norm must keep the shape [1, 4], got " + y.shape());
  expect(std::abs(y(0, 0) - 1.5) > 1e-3,
         "the 1 of (1, 0, 0, 0) became 1.5: divide the squares by n, not by n - 1");
  expect_close(y, Matrix{{root_three, -1 / root_three, -1 / root_three, -1 / root_three}}, 1e-9,
               "the norm of (1, 0, 0, 0)");
}

void each_row_by_itself() {
  Matrix x = random_matrix(3, 5, 51);
  const Matrix before = normed(x, 1e-5);
  for (int c = 0; c < 5; ++c) x(2, c) += c;
  const Matrix after = normed(x, 1e-5);
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 5; ++c)
      expect(before(r, c) == after(r, c), fmt::format("token 2 changed, and token {} with it: mean and "
                                                      "variance must come from a token's own features",
                                                      r));
  for (int r = 0; r < 3; ++r) {
    double mean = 0;
    for (int c = 0; c < 5; ++c) mean += after(r, c) / 5;
    expect(std::abs(mean) <= 1e-9, fmt::format("without bias the mean of row {} is {:.4g}, not 0", r, mean));
  }
}

void epsilon_is_inside_the_root() {
  const Matrix y = normed(Matrix{{0.02, -0.02}}, 0.0004);  // variance 0.0004, so sqrt(0.0008)
  expect_close(y, Matrix{{1 / std::sqrt(2.0), -1 / std::sqrt(2.0)}}, 1e-9,
               "the norm of (0.02, -0.02) with ε = 0.0004",
               "Variance and ε are added before the root is taken");
}

void constant_rows_stay_finite() {
  expect_close(normed(Matrix{{7, 7, 7}}, 1e-5), Matrix{{0, 0, 0}}, 1e-9, "the norm of (7, 7, 7)");
}

void gain_and_bias() {
  expect_close(exercise::layer_norm(Matrix{{1, -1}, {2, -2}}, {2, 3}, {10, 20}, 0),
               Matrix{{12, 17}, {12, 17}}, 1e-9, "γ = (2, 3), β = (10, 20) at (1, -1) and (2, -2)",
               "γ multiplies what is normalised, then β is added");
}

exercise::Gradients backward_of(const Matrix& x, const Numbers& gamma, const Matrix& dy, double epsilon) {
  exercise::Gradients g = exercise::layer_norm_backward(x, gamma, epsilon, dy);
  expect(g.x.rows() == x.rows() && g.x.columns() == x.columns(),
         "the gradient of x must have its shape " + x.shape() + ", got " + g.x.shape());
  expect(g.gamma.size() == gamma.size() && g.beta.size() == gamma.size(),
         "γ and β need a gradient for each feature");
  return g;
}

void backward_of_the_example() {
  const double a = 4 / (3 * root_three);  // 0.7698
  expect_close(backward_of(Matrix{{1, 0, 0, 0}}, ones(4), Matrix{{0, 1, 0, 0}}, 0).x,
               Matrix{{0, 2 * a, -a, -a}}, 1e-9, "dL/dx");
}

void backward_sums_to_zero() {
  const Matrix x = random_matrix(2, 6, 52);
  const auto g = backward_of(x, random_vector(6, 53), random_matrix(2, 6, 54), 1e-5);
  double size = 0;
  for (int r = 0; r < 2; ++r) {
    double sum = 0;
    for (int c = 0; c < 6; ++c) {
      sum += g.x(r, c);
      size += std::abs(g.x(r, c));
    }
    expect(std::abs(sum) <= 1e-9,
           fmt::format("dL/dx of row {} sums to {:.4g}; adding the same number to a whole row changes "
                       "nothing, so it must sum to 0: is the term of the mean there?",
                       r, sum));
  }
  expect(size > 1e-3, "dL/dx is zero everywhere");
}

void backward_ignores_stretching() {
  const Matrix x = random_matrix(1, 6, 55), dy = random_matrix(1, 6, 56), hat = normed(x, 0);
  const auto g = backward_of(x, ones(6), dy, 0);
  double along = 0;
  for (int c = 0; c < 6; ++c) along += g.x(0, c) * hat(0, c);
  expect(std::abs(along) <= 1e-9, fmt::format("dL/dx · x̂ is {:.4g}; stretching a row changes nothing (ε = "
                                              "0), so it must be 0: is the term of the variance there?",
                                              along));
}

/// The loss <dy, layer_norm>, as a function of one of its inputs.
double loss(const Matrix& x, const Numbers& gamma, const Numbers& beta, const Matrix& dy) {
  const Matrix y = exercise::layer_norm(x, gamma, beta, 0.1);
  double sum = 0;
  for (std::size_t i = 0; i < y.values().size(); ++i) sum += dy.values()[i] * y.values()[i];
  return sum;
}

const std::string slope = "The number it should be comes from moving the entry a little";

void backward_is_the_slope() {
  const Matrix x = random_matrix(3, 5, 57), dy = random_matrix(3, 5, 58);
  const Numbers gamma = random_vector(5, 59), beta = random_vector(5, 60);
  const auto of_x = [&](const Numbers& values) {
    Matrix moved = x;
    moved.values() = values;
    return loss(moved, gamma, beta, dy);
  };
  const auto g = backward_of(x, gamma, dy, 0.1);
  expect_close(g.x.values(), numeric_gradient(of_x, x.values()), 1e-7, "dL/dx",
               slope + "; ε is 0.1 here, so it matters");
}

void backward_of_gain_and_bias() {
  const Matrix x = random_matrix(3, 5, 61), dy = random_matrix(3, 5, 62);
  const Numbers gamma = random_vector(5, 63), beta = random_vector(5, 64);
  const auto g = backward_of(x, gamma, dy, 0.1);
  expect_close(g.gamma, numeric_gradient([&](const Numbers& v) { return loss(x, v, beta, dy); }, gamma), 1e-7,
               "dL/dγ", slope + "; γ multiplies x̂, in every token");
  expect_close(g.beta, numeric_gradient([&](const Numbers& v) { return loss(x, gamma, v, dy); }, beta), 1e-7,
               "dL/dβ", slope + "; β is added in every token");
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 5: layer norm, both ways",
               {{"forward_of_the_example", forward_of_the_example},
                {"each_row_by_itself", each_row_by_itself},
                {"epsilon_is_inside_the_root", epsilon_is_inside_the_root},
                {"constant_rows_stay_finite", constant_rows_stay_finite},
                {"gain_and_bias", gain_and_bias},
                {"backward_of_the_example", backward_of_the_example},
                {"backward_sums_to_zero", backward_sums_to_zero},
                {"backward_ignores_stretching", backward_ignores_stretching},
                {"backward_is_the_slope", backward_is_the_slope},
                {"backward_of_gain_and_bias", backward_of_gain_and_bias}});
}
