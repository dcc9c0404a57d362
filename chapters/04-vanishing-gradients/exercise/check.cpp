// The grader of chapter 4.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;
using exercise::Vector;

namespace {

// --- Adam
// -------------------------------------------------------------------------------------------------------------

/// The values after steps with the given gradients, from zeros.
Vector after(const std::vector<Vector>& gradients, double rate, double beta1, double beta2, double epsilon) {
  Vector values(gradients.front().size());
  exercise::AdamState state;
  for (const Vector& g : gradients) exercise::adam_step(values, g, state, rate, beta1, beta2, epsilon);
  return values;
}

void first_step_is_the_rate() {
  const std::string hint =
      "After one step m/(1-β₁) is g and v/(1-β₂) is g²: both running means begin at 0 and must be corrected";
  for (double g : {0.001, 1.0, 1000.0})
    expect_close(after({{g}}, 0.1, 0.9, 0.98, 0)[0], -0.1, 1e-9,
                 fmt::format("the first step with gradient {}, rate 0.1", g), hint);
  expect_close(after({{-5}}, 0.1, 0.9, 0.98, 0)[0], 0.1, 1e-9, "the first step with gradient -5, rate 0.1",
               "It goes against the gradient");
}

void equal_gradients_keep_the_pace() {
  const std::vector<Vector> same(10, Vector{3});
  expect_close(after(same, 0.1, 0.9, 0.98, 0)[0], -1, 1e-9, "ten steps with the same gradient, rate 0.1",
               "With t the number of the step the correction is exact: is the step counted, and are the "
               "moments kept uncorrected?");
}

void remembers_the_direction() {
  // m = 0.5·0.5 - 0.5 = -0.25 → /0.75 = -1/3; v = 1 → step -1/3 of the rate against it
  expect_close(after({{1}, {-1}}, 0.3, 0.5, 0.5, 0)[0], -0.3 + 0.1, 1e-9,
               "gradients 1 and -1, rate 0.3, β₁ = β₂ = 0.5",
               "The direction is the running mean of the gradients, not the last gradient");
}

void remembers_the_size() {
  // m = (1·0.25 + 3·0.5)/0.75 = 7/3, v = (1·0.25 + 9·0.5)/0.75 = 19/3
  expect_close(after({{1}, {3}}, 1, 0.5, 0.5, 0)[0], -1 - (7.0 / 3) / std::sqrt(19.0 / 3), 1e-9,
               "gradients 1 and 3, rate 1, β₁ = β₂ = 0.5",
               "The size is the root of the running mean of the squares");
}

void each_mean_has_its_own_beta() {
  // m = (1·0.25 + 3·0.5)/0.75 = 7/3, v = (1·0.1875 + 9·0.25)/0.4375 = 39/7
  expect_close(after({{1}, {3}}, 1, 0.5, 0.75, 0)[0], -1 - (7.0 / 3) / std::sqrt(39.0 / 7), 1e-9,
               "gradients 1 and 3, rate 1, β₁ = 0.5, β₂ = 0.75",
               "β₁ belongs to the mean of the gradients, β₂ to that of their squares");
}

void entries_are_apart() {
  const Vector values = after({{1, 100}, {1, 100}}, 0.1, 0.9, 0.98, 0);
  expect_close(values, Vector{-0.2, -0.2}, 1e-9, "two steps with gradients (1, 100): the value",
               "Every entry has its own mean and square");
}

void epsilon_is_added_to_the_root() {
  expect_close(after({{0.01}}, 1, 0.9, 0.98, 0.01)[0], -0.5, 1e-9,
               "a first step with gradient 0.01 and ε = 0.01, rate 1",
               "ε is added to the root of v, not under it");
  expect_close(after({{0}}, 1, 0.9, 0.98, 1e-8)[0], 0, 1e-12, "a step with gradient 0");
}

// --- the residual block
// -----------------------------------------------------------------------------------------------

const Matrix example{{1, 2}, {-3, 0}};

void block_of_the_example() {
  expect_close(exercise::residual_block(example, {1, 1}), Vector{4, 1}, 1e-12,
               "y for W = [[1, 2], [-3, 0]], x = (1, 1)", "h = W x = (3, -3), and y = x + max(h, 0)");
}

void a_zero_block_does_nothing() {
  const Vector x{2, -3}, dy{5, 7};
  expect_close(exercise::residual_block(Matrix(2, 2), x), x, 1e-12, "y for W = 0",
               "x itself is added, not its ReLU");
  const auto g = exercise::residual_block_backward(Matrix(2, 2), x, dy);
  expect_close(g.x, dy, 1e-12, "dx for W = 0", "The straight road hands dy on as it is");
  expect_close(g.w, Matrix(2, 2), 1e-12, "dW for W = 0",
               "Here h is 0, and the slope of the ReLU at 0 counts as 0");
}

void backward_of_the_example() {
  const auto g = exercise::residual_block_backward(example, {1, 1}, {1, 1});
  expect_close(g.x, Vector{2, 3}, 1e-12, "dx",
               "x is reached over two roads: dy itself, and Wᵀ times dy where h > 0");
  expect_close(g.w, Matrix{{1, 1}, {0, 0}}, 1e-12, "dW",
               "Nothing comes back through a row whose h is below 0");
}

void backward_is_the_slope() {
  const Matrix w = random_matrix(4, 4, 41);
  const Vector x = random_vector(4, 42), dy = random_vector(4, 43);
  const auto loss = [&](const Matrix& weight, const Vector& input) {
    const Vector y = exercise::residual_block(weight, input);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += dy.at(i) * y[i];
    return sum;
  };
  const auto of_w = [&](const Vector& values) {
    Matrix moved = w;
    moved.values() = values;
    return loss(moved, x);
  };
  const auto g = exercise::residual_block_backward(w, x, dy);
  const std::string slope = "The number it should be comes from moving the entry a little";
  expect_close(g.x, numeric_gradient([&](const Vector& v) { return loss(w, v); }, x), 1e-7, "dx", slope);
  expect_close(g.w.values(), numeric_gradient(of_w, w.values()), 1e-7, "dW, row by row,",
               slope + ": W_ij multiplies x_j into h_i");
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 4: Adam, and a residual block both ways",
               {{"first_step_is_the_rate", first_step_is_the_rate},
                {"equal_gradients_keep_the_pace", equal_gradients_keep_the_pace},
                {"remembers_the_direction", remembers_the_direction},
                {"remembers_the_size", remembers_the_size},
                {"each_mean_has_its_own_beta", each_mean_has_its_own_beta},
                {"entries_are_apart", entries_are_apart},
                {"epsilon_is_added_to_the_root", epsilon_is_added_to_the_root},
                {"block_of_the_example", block_of_the_example},
                {"a_zero_block_does_nothing", a_zero_block_does_nothing},
                {"backward_of_the_example", backward_of_the_example},
                {"backward_is_the_slope", backward_is_the_slope}});
}
