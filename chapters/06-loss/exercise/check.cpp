// The grader of chapter 6.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;

namespace {

constexpr int ignore = -1;
const double ln2 = std::log(2.0), ln3 = std::log(3.0), ln4 = std::log(4.0);

void log_sum_exp_of_the_example() {
  expect_close(exercise::log_sum_exp({0, ln3}), ln4, 1e-12, "log_sum_exp(0, ln 3)",
               "The exponentials are 1 and 3");
  expect_close(exercise::log_sum_exp({-2.5}), -2.5, 1e-12, "log_sum_exp of the single number -2.5",
               "log exp z is z");
}

void log_sum_exp_of_large_numbers() {
  for (double z : {100.0, 1000.0, -1000.0})
    expect_close(exercise::log_sum_exp({z, z}), z + ln2, 1e-9,
                 fmt::format("log_sum_exp({0:.0f}, {0:.0f})", z),
                 "Exponentials of such numbers are infinite or zero: take the largest out first");
}

void loss_of_the_example() {
  expect_close(exercise::cross_entropy(Matrix{{0, ln3}}, {0}, ignore, 0).value, ln4, 1e-9,
               "the loss of logits (0, ln 3) and target 0",
               "p is 1/4 there; the loss is minus its logarithm, in nats");
}

void loss_is_the_mean_of_the_rows() {
  const Matrix logits{{0, ln3}, {0, ln3}};
  expect_close(exercise::cross_entropy(logits, {0, 1}, ignore, 0).value, (ln4 + ln4 - ln3) / 2, 1e-9,
               "the loss of two rows", "It is the mean of the rows' losses");
}

void loss_of_large_logits() {
  const std::string hint =
      "log p is a logit minus the log-sum-exp of its row; a probability in between becomes 0";
  expect_close(exercise::cross_entropy(Matrix{{1000, -1000}}, {1}, ignore, 0).value, 2000, 1e-9,
               "the loss at logits of ±1000", hint);
  expect_close(exercise::cross_entropy(Matrix{{1000, -1000}}, {0}, ignore, 0).value, 0, 1e-9,
               "the loss of being certain and right", hint);
}

void ignored_rows_are_not_averaged_in() {
  const Matrix one{{0, ln3}}, three{{0, ln3}, {5, 1}, {-3, 2}};
  expect_close(exercise::cross_entropy(three, {0, ignore, ignore}, ignore, 0).value,
               exercise::cross_entropy(one, {0}, ignore, 0).value, 1e-9,
               "the loss of one row that counts and two that do not",
               "Divide by the number of rows that count, not by all rows; and add nothing for the others");
  expect_close(exercise::cross_entropy(one, {0}, ignore, 0).value, ln4, 1e-9,
               "the loss of the row that counts");
}

void ignored_rows_have_no_gradient() {
  const Matrix gradient =
      exercise::cross_entropy(Matrix{{0, ln3}, {5, 1}}, {0, ignore}, ignore, 0.1).gradient;
  for (int c = 0; c < 2; ++c)
    expect_close(gradient(1, c), 0, 1e-12, fmt::format("the gradient of an ignored row by logit {}", c),
                 "A row whose target is `ignore` must not push anything");
}

void any_target_may_be_the_ignored_one() {
  expect_close(exercise::cross_entropy(Matrix{{0, ln3}, {5, 1}}, {1, 0}, 0, 0).value, ln4 - ln3, 1e-9,
               "the loss when class 0 is the ignored target", "Compare with `ignore`, whatever number it is");
}

void no_row_counts() {
  const exercise::Loss loss = exercise::cross_entropy(Matrix{{1, 2}}, {ignore}, ignore, 0);
  expect_close(loss.value, 0, 1e-12, "the loss when no row counts",
               "0/0 is not a number: a batch of padding only must give 0");
  expect_close(loss.gradient, Matrix{{0, 0}}, 1e-12, "the gradient when no row counts");
}

void smoothing_spreads_over_all_classes() {
  // y = (0.9, 0.1): the target keeps 1 - s and has its share of s beside
  expect_close(exercise::cross_entropy(Matrix{{0, ln3}}, {0}, ignore, 0.2).value,
               0.9 * ln4 + 0.1 * (ln4 - ln3), 1e-9, "the loss of the example with smoothing 0.2",
               "Every class gets s / classes, the target's own included");
  expect_close(exercise::cross_entropy(Matrix{{0, 0, 0, 0}}, {2}, ignore, 0.5).value, ln4, 1e-9,
               "the loss of four equal logits with smoothing 0.5", "y must sum to 1");
}

void gradient_of_the_example() {
  expect_close(exercise::cross_entropy(Matrix{{0, ln3}}, {0}, ignore, 0).gradient, Matrix{{-0.75, 0.75}},
               1e-9, "the gradient", "It is p - y: down where the model says too much");
}

void gradient_is_divided_like_the_loss() {
  const Matrix logits{{0, ln3}, {0, ln3}, {7, 7}};
  expect_close(exercise::cross_entropy(logits, {0, 0, ignore}, ignore, 0).gradient,
               Matrix{{-0.375, 0.375}, {-0.375, 0.375}, {0, 0}}, 1e-9, "the gradient of two rows that count",
               "The loss is a mean over them, so each row's p - y is divided by their number");
}

void gradient_with_smoothing() {
  expect_close(exercise::cross_entropy(Matrix{{0, ln3}}, {0}, ignore, 0.2).gradient, Matrix{{-0.65, 0.65}},
               1e-9, "the gradient of the example with smoothing 0.2", "y in p - y is the smoothed one");
}

void gradient_is_the_slope() {
  const Matrix logits = random_matrix(4, 5, 61);
  const std::vector<int> targets{2, ignore, 0, 4};
  const auto loss = [&](const std::vector<double>& x) {
    Matrix moved(4, 5);
    moved.values() = x;
    return exercise::cross_entropy(moved, targets, ignore, 0.1).value;
  };
  expect_close(exercise::cross_entropy(logits, targets, ignore, 0.1).gradient.values(),
               numeric_gradient(loss, logits.values()), 1e-7, "the gradient by the logit",
               "The numbers it should be come from moving each logit a little");
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 6: cross-entropy from logits",
               {{"log_sum_exp_of_the_example", log_sum_exp_of_the_example},
                {"log_sum_exp_of_large_numbers", log_sum_exp_of_large_numbers},
                {"loss_of_the_example", loss_of_the_example},
                {"loss_is_the_mean_of_the_rows", loss_is_the_mean_of_the_rows},
                {"loss_of_large_logits", loss_of_large_logits},
                {"ignored_rows_are_not_averaged_in", ignored_rows_are_not_averaged_in},
                {"ignored_rows_have_no_gradient", ignored_rows_have_no_gradient},
                {"any_target_may_be_the_ignored_one", any_target_may_be_the_ignored_one},
                {"no_row_counts", no_row_counts},
                {"smoothing_spreads_over_all_classes", smoothing_spreads_over_all_classes},
                {"gradient_of_the_example", gradient_of_the_example},
                {"gradient_is_divided_like_the_loss", gradient_is_divided_like_the_loss},
                {"gradient_with_smoothing", gradient_with_smoothing},
                {"gradient_is_the_slope", gradient_is_the_slope}});
}
