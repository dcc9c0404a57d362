// The grader of chapter 3.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;

namespace {

void factor_undoes_the_width() {
  for (int d_k : {1, 4, 64, 512})
    expect_close(exercise::scale_factor(d_k, 1), 1 / std::sqrt(d_k), 1e-12,
                 fmt::format("the factor for d_k = {} and entries of variance 1", d_k),
                 "A sum of d_k products of variance 1 has variance d_k; which factor brings that to 1?");
}

void factor_undoes_the_variance() {
  for (double variance : {0.25, 4.0})
    expect_close(exercise::scale_factor(16, variance), 1 / (4 * variance), 1e-12,
                 fmt::format("the factor for d_k = 16 and entries of variance {}", variance),
                 "A product of two such numbers has the variance squared");
}

void rows_sum_to_one() {
  const Matrix weights = exercise::softmax(random_matrix(4, 7, 31));
  expect(weights.rows() == 4 && weights.columns() == 7, "softmax must keep the shape [4, 7], got " + weights.shape());
  for (int r = 0; r < 4; ++r) {
    double sum = 0;
    for (int c = 0; c < 7; ++c) sum += weights(r, c);
    expect(std::abs(sum - 1) <= 1e-9, fmt::format("row {} of the softmax sums to {:.6g}, not to 1", r, sum));
  }
}

void softmax_of_the_example() {
  expect_close(exercise::softmax(Matrix{{0, std::log(3.0)}, {1, 1}}), Matrix{{0.25, 0.75}, {0.5, 0.5}}, 1e-9, "the softmax");
}

void softmax_of_large_scores() {
  const std::string hint = "exp(1000) is infinite: subtract the largest score of the row first";
  expect_close(exercise::softmax(Matrix{{1000, 1000}, {-1000, 0}}), Matrix{{0.5, 0.5}, {0, 1}}, 1e-9,
               "the softmax of scores of ±1000", hint);
  expect_close(
      exercise::softmax(Matrix{{-1000, -2000}}), Matrix{{1, 0}}, 1e-9,
      "the softmax of scores of -1000 and -2000",
      "All scores may be below zero: look for the largest from the row's first score on, not from 0");
}

void backward_of_the_example() {
  expect_close(exercise::softmax_backward(Matrix{{0.25, 0.75}}, Matrix{{1, 0}}), Matrix{{0.1875, -0.1875}}, 1e-9, "the gradient");
}

void backward_sums_to_zero() {
  const Matrix weights{{0.2, 0.3, 0.5}};
  const Matrix gradient = exercise::softmax_backward(weights, Matrix{{1, 1, 1}});
  expect_close(gradient, Matrix{{0, 0, 0}}, 1e-9, "the gradient for an upstream gradient of (1, 1, 1)",
               "The weights always sum to 1, so the entries must cancel");
}

void backward_takes_each_row_by_itself() {
  expect_close(exercise::softmax_backward(Matrix{{0.25, 0.75}, {0.25, 0.75}, {0.5, 0.5}},
                                          Matrix{{1, 0}, {1, 0}, {0, 2}}),
               Matrix{{0.1875, -0.1875}, {0.1875, -0.1875}, {-0.5, 0.5}}, 1e-9, "the gradient for three rows",
               "Every row has a softmax of its own, so the mean term must begin anew with each");
}

void backward_is_the_slope() {
  const Matrix scores = random_matrix(1, 5, 32), upstream = random_matrix(1, 5, 33);
  const auto loss = [&](const std::vector<double>& x) {
    Matrix moved(1, 5);
    moved.values() = x;
    const Matrix weights = exercise::softmax(moved);
    double sum = 0;
    for (int c = 0; c < 5; ++c) sum += upstream(0, c) * weights(0, c);
    return sum;
  };
  expect_close(exercise::softmax_backward(exercise::softmax(scores), upstream).values(), numeric_gradient(loss, scores.values()),
               1e-7, "the gradient by the score", "The numbers it should be come from moving each score a little");
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 3: the right constant, and the softmax both ways",
               {{"factor_undoes_the_width", factor_undoes_the_width},
                {"factor_undoes_the_variance", factor_undoes_the_variance},
                {"rows_sum_to_one", rows_sum_to_one},
                {"softmax_of_the_example", softmax_of_the_example},
                {"softmax_of_large_scores", softmax_of_large_scores},
                {"backward_of_the_example", backward_of_the_example},
                {"backward_sums_to_zero", backward_sums_to_zero},
                {"backward_takes_each_row_by_itself", backward_takes_each_row_by_itself},
                {"backward_is_the_slope", backward_is_the_slope}});
}
