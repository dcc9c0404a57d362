// The grader of chapter 1.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;

namespace {

const double log3 = std::log(3.0);

void weights_have_a_row_for_each_query() {
  const Matrix weights = exercise::attention_weights(random_matrix(3, 4, 11), random_matrix(5, 4, 12));
  expect(weights.rows() == 3 && weights.columns() == 5,
         "3 queries and 5 keys must give weights [3, 5], got " + weights.shape());
}

void rows_sum_to_one() {
  const Matrix weights = exercise::attention_weights(random_matrix(3, 4, 11), random_matrix(5, 4, 12));
  for (int i = 0; i < weights.rows(); ++i) {
    double sum = 0;
    for (int j = 0; j < weights.columns(); ++j) sum += weights(i, j);
    expect(std::abs(sum - 1) <= 1e-9,
           fmt::format(
               "the weights of query {} sum to {:.4g}, not to 1: the softmax runs over the keys of one query",
               i, sum));
  }
}

void weights_of_the_example() {
  expect_close(exercise::attention_weights(Matrix{{log3, 0}}, Matrix{{1, 0}, {0, 1}}), Matrix{{0.75, 0.25}},
               1e-9, "the weights", "The scores are q kᵀ as they are, without a factor");
}

void weights_of_large_scores() {
  expect_close(exercise::attention_weights(Matrix{{1000}, {-1000}}, Matrix{{1}, {-1}}),
               Matrix{{1, 0}, {0, 1}}, 1e-9, "the weights for scores of ±1000",
               "exp(1000) is infinite: subtract the largest score of the row first");
  expect_close(
      exercise::attention_weights(Matrix{{1000}}, Matrix{{-1}, {-2}}), Matrix{{1, 0}}, 1e-9,
      "the weights for scores of -1000 and -2000",
      "All scores may be below zero: look for the largest from the row's first score on, not from 0");
}

void output_of_the_example() {
  expect_close(exercise::attention(Matrix{{log3, 0}}, Matrix{{1, 0}, {0, 1}}, Matrix{{4}, {8}}), Matrix{{5}},
               1e-9, "the output");
}

void output_is_a_mean() {
  Matrix v(5, 2);
  for (int j = 0; j < 5; ++j) v(j, 0) = 7, v(j, 1) = -2;
  const Matrix y = exercise::attention(random_matrix(3, 4, 11), random_matrix(5, 4, 12), v);
  expect_close(y, Matrix{{7, -2}, {7, -2}, {7, -2}}, 1e-9, "the output for five equal values",
               "A mean of equal values is that value, whatever the weights");
}

void projections_of_the_example() {
  // queries = (x_0, 0), keys = (x_1, 0), values = 10 · x_0
  const Matrix x{{log3, 1}, {0, 0}}, w_q{{1, 0}, {0, 0}}, w_k{{0, 1}, {0, 0}}, w_v{{10, 0}};
  const double near = 7.5 * log3, half = 5 * log3;
  const std::string hint = "Queries are x w_qᵀ, keys x w_kᵀ, values x w_vᵀ, each with its own matrix";
  const Matrix y = exercise::self_attention(x, w_q, w_k, w_v);
  expect(y.rows() == 2 && y.columns() == 1,
         "for x [2, 2] and w_v [1, 2] the output must be [2, 1], got " + y.shape() + ". " + hint);
  expect_close(y, Matrix{{near}, {half}}, 1e-9, "the output", hint);
}

void a_position_asks_with_its_query() {
  // Token 0 asks (its query is ln 3, its key 0), token 1 answers (query 0, key 1).
  const Matrix x{{1, 0}, {0, 1}}, w_q{{log3, 0}}, w_k{{0, 1}}, w_v{{4, 8}};
  expect_close(
      exercise::self_attention(x, w_q, w_k, w_v), Matrix{{7}, {6}}, 1e-9, "the output",
      "Row i belongs to query i: position 0 asks and finds position 1; are queries and keys exchanged?");
}

void projection_is_transposed() {
  // w_v turns (a, b) into (b, -a); its transpose turns it into (-b, a).
  const Matrix x{{1, 2}}, zero{{0, 0}}, w_v{{0, 1}, {-1, 0}};
  expect_close(exercise::self_attention(x, zero, zero, w_v), Matrix{{2, -1}}, 1e-9, "the only value",
               "Values are x w_vᵀ: dot products with the rows of w_v, not with its columns");
}

void permuting_the_input_permutes_the_output() {
  const Matrix x = random_matrix(4, 3, 21), w_q = random_matrix(3, 3, 22), w_k = random_matrix(3, 3, 23),
               w_v = random_matrix(3, 3, 24);
  const int order[] = {2, 0, 3, 1};
  Matrix permuted(4, 3), want(4, 3);
  const Matrix y = exercise::self_attention(x, w_q, w_k, w_v);
  expect(y.rows() == 4 && y.columns() == 3,
         "for x [4, 3] and w_v [3, 3] the output must be [4, 3], got " + y.shape());
  double size = 0;
  for (int i = 0; i < 4; ++i)
    for (int c = 0; c < 3; ++c) {
      permuted(i, c) = x(order[i], c);
      want(i, c) = y(order[i], c);
      size += std::abs(y(i, c));
    }
  expect(size > 1e-6, "the output is all zeros");
  expect_close(exercise::self_attention(permuted, w_q, w_k, w_v), want, 1e-9,
               "the output for the rows in another order", "Nothing may depend on where a row stands");
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 1: one head of self-attention, forward",
               {{"weights_have_a_row_for_each_query", weights_have_a_row_for_each_query},
                {"rows_sum_to_one", rows_sum_to_one},
                {"weights_of_the_example", weights_of_the_example},
                {"weights_of_large_scores", weights_of_large_scores},
                {"output_of_the_example", output_of_the_example},
                {"output_is_a_mean", output_is_a_mean},
                {"projections_of_the_example", projections_of_the_example},
                {"a_position_asks_with_its_query", a_position_asks_with_its_query},
                {"projection_is_transposed", projection_is_transposed},
                {"permuting_the_input_permutes_the_output", permuting_the_input_permutes_the_output}});
}
