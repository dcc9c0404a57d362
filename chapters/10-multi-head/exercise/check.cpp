// The grader of chapter 10.
#include <fmt/format.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;

namespace {

/// A Matrix of these rows, out of line: inlined, the compiler warns of what cannot happen.
[[gnu::noinline]] Matrix of(std::initializer_list<std::vector<double>> rows) { return Matrix(rows); }

void split_gives_every_head_its_columns() {
  const Matrix x = of({{1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}});
  const std::vector<Matrix> parts = exercise::split(x, 3);
  expect(parts.size() == 3, fmt::format("split into 3 heads must give 3 matrices, got {}", parts.size()));
  const Matrix want[] = {of({{1, 2}, {7, 8}}), of({{3, 4}, {9, 10}}), of({{5, 6}, {11, 12}})};
  for (int h = 0; h < 3; ++h)
    expect_close(parts[static_cast<std::size_t>(h)], want[h], 0, fmt::format("head {} of 3", h),
                 "A head's columns stand together: head h has columns h·d_k up to (h+1)·d_k");
}

void merge_puts_heads_side_by_side() {
  expect_close(exercise::merge({of({{1, 2}, {3, 4}}), of({{5, 6}, {7, 8}})}), of({{1, 2, 5, 6}, {3, 4, 7, 8}}), 0,
               "merging two heads", "Head 0 comes first, and a row stays the row of its token");
}

void merge_undoes_split() {
  const Matrix x = random_matrix(5, 12, 101);
  for (int heads : {1, 2, 3, 4, 6, 12})
    expect_close(exercise::merge(exercise::split(x, heads)), x, 0, fmt::format("merge(split(x, {}))", heads),
                 "Splitting and merging only move numbers; nothing is lost, and the order comes back");
}

void attend_with_equal_scores_is_the_mean() {
  expect_close(exercise::attend(of({{0, 0}}), random_matrix(4, 2, 102), of({{1, 10}, {2, 20}, {3, 30}, {6, 60}})),
               of({{3, 30}}), 1e-12, "attention with a query of zeros",
               "All scores are 0, so the weights are 1/4 each: they must sum to 1 over the keys");
}

void attend_divides_by_the_heads_own_root() {
  const double s = 2 * std::log(3.0);  // over the root of d_k = 4: ln 3, weights 3/4 and 1/4
  expect_close(exercise::attend(of({{s, 0, 0, 0}}), of({{1, 0, 0, 0}, {0, 0, 0, 0}}), of({{1}, {0}})), of({{0.75}}),
               1e-12, "attention over two keys with d_k = 4", "Are the scores divided by the root of d_k, the width of q?");
}

void attend_survives_large_scores() {
  expect_close(exercise::attend(of({{1000}}), of({{1}, {-1}}), of({{7}, {9}})), of({{7}}), 1e-12,
               "attention with scores of ±1000", "exp(1000) is infinite: subtract the largest score of the row first");
  expect_close(
      exercise::attend(of({{1000}}), of({{-1}, {-2}}), of({{7}, {9}})), of({{7}}), 1e-12,
      "attention with scores of -1000 and -2000",
      "All scores may be below zero: look for the largest from the row's first score on, not from 0");
}

void one_head_is_attend() {
  const Matrix q = random_matrix(3, 4, 103), k = random_matrix(5, 4, 104), v = random_matrix(5, 4, 105);
  expect_close(exercise::multi_head(q, k, v, 1), exercise::attend(q, k, v), 1e-12, "multi_head with 1 head",
               "One head has all columns: that is attend itself");
}

void heads_look_at_different_places() {
  // Head 0 asks for the first key, head 1 for the last.
  const Matrix q = of({{50, 0, 0, 50}}), k = of({{1, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 1}});
  const Matrix v = of({{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}});
  expect_close(exercise::multi_head(q, k, v, 2), of({{1, 2, 11, 12}}), 1e-6, "two heads that ask for different keys",
               "Each head needs a softmax of its own, over its own slices; one softmax for all can only give a mixture");
}

void every_head_is_attend_on_its_slices() {
  const Matrix q = random_matrix(2, 6, 112), k = random_matrix(4, 6, 113), v = random_matrix(4, 6, 114);
  const Matrix all = exercise::multi_head(q, k, v, 3);
  expect(all.rows() == 2 && all.columns() == 6, "multi_head must give [queries, dim] = [2, 6], got " + all.shape());
  for (int h = 0; h < 3; ++h) {
    const auto slice = [&](const Matrix& x) {
      Matrix part(x.rows(), 2);
      for (int t = 0; t < x.rows(); ++t)
        for (int c = 0; c < 2; ++c) part(t, c) = x(t, 2 * h + c);
      return part;
    };
    expect_close(slice(all), exercise::attend(slice(q), slice(k), slice(v)), 1e-9, fmt::format("the part of head {} of 3", h),
                 "It is attend on that head's slices, divided by the root of the head's width, not of the model's");
  }
}

void heads_keep_their_tokens() {
  const Matrix q = random_matrix(4, 6, 106), k = random_matrix(5, 6, 107), v = random_matrix(5, 6, 108);
  const Matrix all = exercise::multi_head(q, k, v, 3);
  expect(all.rows() == 4 && all.columns() == 6, "multi_head must give [queries, dim] = [4, 6], got " + all.shape());
  for (int t = 0; t < 4; ++t) {
    Matrix one(1, 6);
    for (int c = 0; c < 6; ++c) one(0, c) = q(t, c);
    const Matrix alone = exercise::multi_head(one, k, v, 3);
    for (int c = 0; c < 6; ++c)
      expect_close(all(t, c), alone(0, c), 1e-9, fmt::format("query {} asked with three others, column {}", t, c),
                   "A query's result must not depend on the other queries; is a row of one token mixed with another's?");
  }
}

void other_heads_do_not_matter() {
  Matrix q = random_matrix(2, 6, 109), k = random_matrix(4, 6, 110), v = random_matrix(4, 6, 111);
  const Matrix before = exercise::multi_head(q, k, v, 3);
  for (int t = 0; t < 4; ++t) k(t, 5) += 1 + t;  // keys of head 2
  const Matrix after = exercise::multi_head(q, k, v, 3);
  for (int t = 0; t < 2; ++t)
    for (int c = 0; c < 6; ++c) {
      if (c < 4)
        expect_close(after(t, c), before(t, c), 1e-12, fmt::format("column {} after the keys of head 2 changed", c),
                     "Columns 0 to 3 belong to heads 0 and 1, which do not see head 2's keys");
      else
        expect(std::abs(after(t, c) - before(t, c)) > 1e-6,
               fmt::format("column {} belongs to head 2, whose keys changed, but it did not", c));
    }
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 10: split, attend, merge",
               {{"split_gives_every_head_its_columns", split_gives_every_head_its_columns},
                {"merge_puts_heads_side_by_side", merge_puts_heads_side_by_side},
                {"merge_undoes_split", merge_undoes_split},
                {"attend_with_equal_scores_is_the_mean", attend_with_equal_scores_is_the_mean},
                {"attend_divides_by_the_heads_own_root", attend_divides_by_the_heads_own_root},
                {"attend_survives_large_scores", attend_survives_large_scores},
                {"one_head_is_attend", one_head_is_attend},
                {"heads_look_at_different_places", heads_look_at_different_places},
                {"every_head_is_attend_on_its_slices", every_head_is_attend_on_its_slices},
                {"heads_keep_their_tokens", heads_keep_their_tokens},
                {"other_heads_do_not_matter", other_heads_do_not_matter}});
}
