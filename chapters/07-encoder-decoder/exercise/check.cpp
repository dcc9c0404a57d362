// The grader of chapter 7.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;

namespace {

// --- positions ---

void position_zero() {
  expect_close(exercise::positional_encoding(3, 4)(0, 0), 0, 1e-12, "column 0 of position 0",
               "It is a sine, and the first position is 0: sin 0 = 0");
  expect_close(exercise::positional_encoding(3, 4)(0, 1), 1, 1e-12, "column 1 of position 0",
               "It is a cosine: cos 0 = 1");
}

void positions_of_the_example() {
  expect_close(exercise::positional_encoding(2, 2), Matrix{{0, 1}, {std::sin(1.0), std::cos(1.0)}}, 1e-9,
               "the positions of the example");
}

void a_pair_shares_its_angle() {
  const Matrix p = exercise::positional_encoding(7, 8);
  expect(p.rows() == 7 && p.columns() == 8, "positions must be [length, width] = [7, 8], got " + p.shape());
  for (int t = 0; t < 7; ++t)
    for (int i = 0; i < 4; ++i) {
      const double square = p(t, 2 * i) * p(t, 2 * i) + p(t, 2 * i + 1) * p(t, 2 * i + 1);
      expect_close(square, 1, 1e-9,
                   fmt::format("sin² + cos² of columns {} and {} at position {}", 2 * i, 2 * i + 1, t),
                   "Both columns of a pair take the same angle");
    }
}

void pairs_slow_down() {
  const Matrix p = exercise::positional_encoding(2, 8);
  for (int i = 0; i < 4; ++i)
    expect_close(p(1, 2 * i), std::sin(std::pow(10000.0, -2.0 * i / 8)), 1e-9,
                 fmt::format("column {} of position 1 at width 8", 2 * i),
                 fmt::format("Pair {} turns by 10000^(-{}/8) per position", i, 2 * i));
  const Matrix longer = exercise::positional_encoding(6, 8);
  expect_close(longer(5, 4), std::sin(0.05), 1e-9, "column 4 of position 5 at width 8",
               "The angle grows with the position: 5 times that of position 1");
  expect_close(longer(5, 5), std::cos(0.05), 1e-9, "column 5 of position 5 at width 8",
               "It is the cosine of column 4's angle");
}

// --- cross-attention ---

Matrix column(const std::vector<double>& values) {
  Matrix m(static_cast<int>(values.size()), 1);
  for (int r = 0; r < m.rows(); ++r) m(r, 0) = values[static_cast<std::size_t>(r)];
  return m;
}

void one_row_per_target_word() {
  const Matrix y =
      exercise::cross_attention(random_matrix(2, 3, 71), random_matrix(5, 3, 72), random_matrix(3, 4, 73),
                                random_matrix(3, 4, 74), random_matrix(3, 6, 75), 5);
  expect(y.rows() == 2 && y.columns() == 6,
         "two target words, five source words, values of width 6: the result must be [2, 6], got " +
             y.shape() + ". The decoder asks, so Q comes from the decoder; the memory answers");
}

void attention_of_the_example() {
  const Matrix decoder{{1, 0}}, memory{{std::log(3.0), 0}, {0, 0}, {9, 9}}, first = column({1, 0});
  const Matrix value{{0, 1}, {0, 0}};  // the value is (0, first entry)
  expect_close(exercise::cross_attention(decoder, memory, first, first, value, 2),
               Matrix{{0, 0.75 * std::log(3.0)}}, 1e-9,
               "the example's result, weights (0.75, 0.25) over the values (0, ln 3) and (0, 0),",
               "K takes W_K, V takes W_V, both of the memory");
}

void scaled_by_head_width() {
  const Matrix decoder = column({1}), memory = column({std::log(3.0), 0}), wide{{1, 1, 1, 1}},
               value = column({1});
  expect_close(
      exercise::cross_attention(decoder, memory, wide, wide, value, 2), column({0.9 * std::log(3.0)}), 1e-9,
      "a head of d_k = 4 with dot products (4 ln 3, 0)",
      "Divided by √4 they are (2 ln 3, 0) and the weights (0.9, 0.1): the scores must be divided by √d_k");
}

void target_words_ask_for_themselves() {
  const Matrix memory = random_matrix(4, 3, 82), q = random_matrix(3, 2, 83), k = random_matrix(3, 2, 84),
               v = random_matrix(3, 2, 85);
  Matrix decoder = random_matrix(2, 3, 81);
  const Matrix before = exercise::cross_attention(decoder, memory, q, k, v, 4);
  decoder(1, 0) += 1;
  const Matrix after = exercise::cross_attention(decoder, memory, q, k, v, 4);
  expect(before.rows() == 2 && after.rows() == 2,
         "two target words must give two rows, got " + before.shape());
  bool moved = false;
  for (int c = 0; c < before.columns(); ++c) {
    expect_close(after(0, c), before(0, c), 1e-12, "the first row, when only the second target word changed,",
                 "Each target row has a softmax of its own, over the source");
    moved = moved || std::abs(after(1, c) - before(1, c)) > 1e-6;
  }
  expect(moved, "a target word changed and its row did not: the question it asks must come from the decoder");
}

void padding_changes_nothing() {
  const Matrix decoder = random_matrix(2, 3, 91), q = random_matrix(3, 2, 93), k = random_matrix(3, 2, 94),
               v = random_matrix(3, 2, 95);
  Matrix memory = random_matrix(5, 3, 92);
  const Matrix before = exercise::cross_attention(decoder, memory, q, k, v, 3);
  for (int r = 3; r < 5; ++r)
    for (int c = 0; c < 3; ++c) memory(r, c) = 50;
  expect_close(exercise::cross_attention(decoder, memory, q, k, v, 3), before, 1e-9,
               "the result after other padding was put behind the 3 source words",
               "Padding must have no weight and no place in the softmax");
  Matrix shorter(3, 3);
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 3; ++c) shorter(r, c) = memory(r, c);
  expect_close(before, exercise::cross_attention(decoder, shorter, q, k, v, 3), 1e-9,
               "3 words with padding against the same 3 without",
               "A score of 0 still has weight: exp(0) is 1");
}

void weights_of_words_sum_to_one() {
  const Matrix decoder = random_matrix(2, 3, 101), q = random_matrix(3, 2, 103), k = random_matrix(3, 2, 104);
  Matrix memory = random_matrix(5, 3, 102);
  for (int r = 0; r < 5; ++r) memory(r, 2) = 1;
  const Matrix ones = column({0, 0, 1});  // every value is 1
  expect_close(exercise::cross_attention(decoder, memory, q, k, ones, 3), column({1, 1}), 1e-9,
               "the result where every value is 1",
               "The weights of the real words must sum to 1: mask before the softmax, not after it");
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 7: positions, and where encoder and decoder meet",
               {{"position_zero", position_zero},
                {"positions_of_the_example", positions_of_the_example},
                {"a_pair_shares_its_angle", a_pair_shares_its_angle},
                {"pairs_slow_down", pairs_slow_down},
                {"one_row_per_target_word", one_row_per_target_word},
                {"attention_of_the_example", attention_of_the_example},
                {"scaled_by_head_width", scaled_by_head_width},
                {"target_words_ask_for_themselves", target_words_ask_for_themselves},
                {"padding_changes_nothing", padding_changes_nothing},
                {"weights_of_words_sum_to_one", weights_of_words_sum_to_one}});
}
