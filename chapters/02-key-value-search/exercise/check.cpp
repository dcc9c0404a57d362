// The grader of chapter 2.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;
using exercise::Vector;

namespace {

const double log3 = std::log(3.0);
const Matrix unit_keys{{1, 0}, {0, 1}};

void weights_sum_to_one() {
  const Vector w = exercise::match(random_vector(4, 41), random_matrix(6, 4, 42), 1);
  expect(w.size() == 6, fmt::format("6 stored pairs must give 6 weights, got {}", w.size()));
  double sum = 0;
  for (double v : w) sum += v;
  expect(std::abs(sum - 1) <= 1e-9, fmt::format("the weights sum to {:.6g}, not to 1", sum));
}

void weights_of_the_example() {
  expect_close(exercise::match({log3, 0}, unit_keys, 1), Vector{0.75, 0.25}, 1e-9, "the weight");
}

void temperature_divides() {
  expect_close(exercise::match({log3, 0}, unit_keys, 0.5), Vector{0.9, 0.1}, 1e-9,
               "the weight at temperature 0.5",
               "A low temperature makes the choice harder: it divides the scores");
}

void cold_is_exact() {
  expect_close(exercise::soft_lookup({1, 0}, unit_keys, Matrix{{4, 1}, {8, 2}}, 1e-4), Vector{4, 1}, 1e-9,
               "the answer at temperature 0.0001",
               "exp(10000) is infinite: subtract the largest score first");
  expect_close(exercise::soft_lookup({-1, -2}, unit_keys, Matrix{{4, 1}, {8, 2}}, 1e-4), Vector{4, 1}, 1e-9,
               "the answer for scores of -10000 and -20000",
               "All scores may be below zero: look for the largest from the first score on, not from 0");
}

void hot_is_the_average() {
  expect_close(exercise::soft_lookup({1, 0}, unit_keys, Matrix{{4, 1}, {8, 2}}, 1e9), Vector{6, 1.5}, 1e-6,
               "the answer at temperature 1e9", "All pairs then weigh the same");
}

void answer_of_the_example() {
  expect_close(exercise::soft_lookup({log3, 0}, unit_keys, Matrix{{4}, {8}}, 1), Vector{5}, 1e-9,
               "the answer", "It is the mean of the values under the weights");
}

void backward_of_the_example() {
  const auto g = exercise::soft_lookup_backward({log3, 0}, unit_keys, Matrix{{4}, {8}}, 1, {1});
  expect_close(g.values, Matrix{{0.75}, {0.25}}, 1e-9, "the gradient of the values",
               "A value enters the answer with its weight");
  expect_close(g.query, Vector{-0.75, 0.75}, 1e-9, "the gradient of the query");
}

void equal_values_leave_no_slope() {
  const Matrix keys{{1, 0}, {0, 1}, {1, 1}}, values{{5}, {5}, {5}};
  expect_close(exercise::soft_lookup({0.3, -0.2}, keys, values, 1), Vector{5}, 1e-9,
               "the answer for three equal values");
  const auto g = exercise::soft_lookup_backward({0.3, -0.2}, keys, values, 1, {1});
  expect_close(g.query, Vector{0, 0}, 1e-9, "the gradient of the query for three equal values",
               "Whatever the weights, the answer is 5: the softmax's mean term must cancel the rest");
}

struct Random {
  Vector query = random_vector(3, 51), upstream = random_vector(2, 54);
  Matrix keys = random_matrix(5, 3, 52), values = random_matrix(5, 2, 53);
  double temperature = 0.7;

  double loss() const {
    const Vector y = exercise::soft_lookup(query, keys, values, temperature);
    expect(y.size() == 2,
           fmt::format("for values of width 2 the answer must have 2 entries, got {}", y.size()));
    return y[0] * upstream[0] + y[1] * upstream[1];
  }
  exercise::Gradients gradients() const {
    expect(std::abs(loss()) > 1e-9, "soft_lookup answers with zeros; mend it first");
    return exercise::soft_lookup_backward(query, keys, values, temperature, upstream);
  }
};

const std::string moved = "The number it should be comes from moving that entry a little";

void query_gradient_is_the_slope() {
  Random r;
  const Vector got = r.gradients().query, at = r.query;
  const auto loss = [&](const Vector& x) { return r.query = x, r.loss(); };
  expect_close(got, numeric_gradient(loss, at), 1e-7, "the gradient of the query (temperature 0.7)", moved);
}

void keys_gradient_is_the_slope() {
  Random r;
  const Vector got = r.gradients().keys.values(), at = r.keys.values();
  const auto loss = [&](const Vector& x) { return r.keys.values() = x, r.loss(); };
  expect_close(got, numeric_gradient(loss, at), 1e-7, "the gradient of the keys (temperature 0.7)", moved);
}

void values_gradient_is_the_slope() {
  Random r;
  const Vector got = r.gradients().values.values(), at = r.values.values();
  const auto loss = [&](const Vector& x) { return r.values.values() = x, r.loss(); };
  expect_close(got, numeric_gradient(loss, at), 1e-7, "the gradient of the values", moved);
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 2: a dictionary that answers softly, forward and backward",
               {{"weights_sum_to_one", weights_sum_to_one},
                {"weights_of_the_example", weights_of_the_example},
                {"temperature_divides", temperature_divides},
                {"cold_is_exact", cold_is_exact},
                {"hot_is_the_average", hot_is_the_average},
                {"answer_of_the_example", answer_of_the_example},
                {"backward_of_the_example", backward_of_the_example},
                {"equal_values_leave_no_slope", equal_values_leave_no_slope},
                {"query_gradient_is_the_slope", query_gradient_is_the_slope},
                {"keys_gradient_is_the_slope", keys_gradient_is_the_slope},
                {"values_gradient_is_the_slope", values_gradient_is_the_slope}});
}
