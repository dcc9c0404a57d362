// What operations say about inputs that do not fit: the operation, the rule, the shapes.
#include <doctest/doctest.h>

#include "ops/ops.hpp"

using namespace tenfold;

namespace {

struct Complaining {
  std::unique_ptr<Kernels> k = make_reference_kernels();
  Variable x(const Shape& shape) { return filled(*k, shape, 1); }
  IdTensor ids(Index n) { return IdTensor::full(*k, {n}, 0); }
};

}  // namespace

#define REFUSED(expression, text) CHECK_THROWS_WITH_AS(expression, text, ShapeError)

TEST_CASE_FIXTURE(Complaining, "products name the dimensions that must agree") {
  REFUSED(matmul(x({4, 3}), x({4, 5})), "matmul: inner dimensions must agree, got [4, 3] and [4, 5]");
  REFUSED(matmul(x({4, 3}), x({3, 5}), true), "matmul: inner dimensions must agree, got [4, 3] and [3, 5]");
  REFUSED(matmul(x({4, 3}), x({3, 5}), false, true), "matmul: inner dimensions must agree, got [4, 3] and [3, 5]");
  REFUSED(matmul(x({2, 4, 3}), x({3, 3, 5})), "matmul: batch dimensions must agree, got [2, 4, 3] and [3, 3, 5]");
  REFUSED(matmul(x({3}), x({3})),
          "matmul: both sides must be matrices, or batches of them with as many axes, got [3] and [3]");
  REFUSED(linear(x({2, 3}), x({5, 4})),
          "linear: the input's last axis must be the weight's second, got [2, 3] and [5, 4]");
  REFUSED(linear(x({2, 3}), x({5, 3}), x({3})),
          "linear: the bias must have the weight's first axis, got [2, 3], [5, 3] and [3]");
}

TEST_CASE_FIXTURE(Complaining, "element-wise operations name both shapes") {
  REFUSED(add(x({2, 3}), x({2})), "add: the second shape must equal the first or its last axes, got [2, 3] and [2]");
  REFUSED(add(x({3}), x({2, 3})), "add: the second shape must equal the first or its last axes, got [3] and [2, 3]");
  REFUSED(multiply(x({2}), x({3})), "multiply: shapes must be equal, got [2] and [3]");
  REFUSED(residual_dropout(x({2}), x({3}), {}), "residual_dropout: shapes must be equal, got [2] and [3]");
  REFUSED(bias_activation(Activation::relu, x({2, 3}), x({2})),
          "bias_activation: the bias must have the input's last axis, got [2, 3] and [2]");
}

TEST_CASE_FIXTURE(Complaining, "row-wise operations name the shapes they need") {
  REFUSED(softmax(x({})), "softmax: at least one axis is needed, got []");
  REFUSED(softmax(x({2, 3}), {true, 0, {}}),
          "softmax: a masked input must be [batch, heads, queries, keys], got [2, 3]");
  REFUSED(softmax(x({2, 1, 3, 3}), {false, 0, ids(3)}),
          "softmax: one key length per batch entry is needed, got [2, 1, 3, 3]");
  REFUSED(layer_norm(x({2, 3}), x({3}), x({2})),
          "layer_norm: gamma and beta must have the input's last axis, got [2, 3], [3] and [2]");
  REFUSED(embedding(x({3}), ids(2)), "embedding: the table must be [vocabulary, dim], got [3]");
  REFUSED(cross_entropy(x({2, 3}), {ids(3)}), "cross_entropy: one target per row is needed, 3 given, got [2, 3]");
  REFUSED(linear_cross_entropy(x({2, 3}), x({5, 3}), x({5}), {ids(3)}),
          "linear_cross_entropy: one target per row is needed, 3 given, got [2, 3], [5, 3] and [5]");
  REFUSED(linear_cross_entropy(x({2, 3}), x({5, 3}), x({3}), {ids(2)}),
          "linear_cross_entropy: input [..., dim], weight [classes, dim] and bias [classes] are needed, got [2, 3], "
          "[5, 3] and [3]");
}

TEST_CASE_FIXTURE(Complaining, "an axis that is not there is named") {
  REFUSED(sum(x({2, 3}), 2), "sum: there must be an axis 2, got [2, 3]");
  REFUSED(sum(x({2, 3}), -3), "sum: there must be an axis -3, got [2, 3]");
  REFUSED(mean(x({2, 3}), -3), "mean: there must be an axis -3, got [2, 3]");
  REFUSED(mean(x({0, 3}), 0), "mean: the axis must not be empty, got [0, 3]");
  REFUSED(slice(x({2, 3}), -3, 0, 1), "slice: there must be an axis -3, got [2, 3]");
  REFUSED(slice(x({2, 3}), 1, 2, 2), "slice: [2, 4) must lie within axis 1, got [2, 3]");
  REFUSED(slice(x({2, 3}), 1, -1, 2), "slice: [-1, 1) must lie within axis 1, got [2, 3]");
  REFUSED(split(x({2, 3}), 1, 2), "split: axis 1 of [2, 3] does not divide into 2 parts");
}

TEST_CASE_FIXTURE(Complaining, "moving operations name what does not fit") {
  const Variable parts[] = {x({2, 3}), x({3, 3})}, other_rank[] = {x({2, 3}), x({2})};
  REFUSED(concat(parts, 1), "concat: all axes but one must agree, got [2, 3] and [3, 3]");
  REFUSED(concat(other_rank, 0), "concat: all axes but one must agree, got [2, 3] and [2]");
  REFUSED(concat(parts, 2), "concat: there must be an axis 2, got [2, 3] and [3, 3]");
  REFUSED(concat({}, 0), "concat: at least one input is needed, got ");
  REFUSED(permute(x({2, 3}), {0, 0}), "permute: the order must name every axis once, got [2, 3]");
  REFUSED(permute(x({2, 3}), {0}), "permute: the order must name every axis once, got [2, 3]");
  REFUSED(permute(x({2, 3}), {0, 2}), "permute: the order must name every axis once, got [2, 3]");
  REFUSED(transpose(x({2})), "transpose: at least two axes are needed, got [2]");
  REFUSED(reshape(x({2, 3}), {4}), "reshape: sizes must agree, got [2, 3] to [4]");
}

TEST_CASE_FIXTURE(Complaining, "attention names the widths and lengths that do not fit") {
  REFUSED(attention(x({1, 2, 8}), 1), "attention: the width must divide into 1 heads, got [1, 2, 8]");
  REFUSED(attention(x({1, 2, 12}), 3), "attention: the width must divide into 3 heads, got [1, 2, 12]");
  REFUSED(attention(x({2, 12}), 1), "attention: inputs must be [batch, time, columns], got [2, 12]");
  REFUSED(attention(x({1, 2, 4}), x({1, 3, 4}), 1),
          "attention: keys and values must fit the queries, got [1, 2, 4] and [1, 3, 4]");
  REFUSED(attention(x({1, 2, 4}), x({2, 3, 8}), 1),
          "attention: keys and values must fit the queries, got [1, 2, 4] and [2, 3, 8]");
  REFUSED(attention(x({2, 2, 12}), 1, {false, 0, ids(3)}),
          "attention: one key length per batch entry is needed, got [2, 2, 12]");
}

TEST_CASE_FIXTURE(Complaining, "empty batches pass through") {
  CHECK(linear(x({0, 3}), x({5, 3}), x({5})).shape() == Shape{0, 5});
  CHECK(softmax(x({0, 3})).shape() == Shape{0, 3});
  CHECK(attention(x({0, 2, 12}), 2).shape() == Shape{0, 2, 4});
  CHECK(matmul(x({2, 0}), x({0, 3})).value.to_host() == std::vector<Real>(6, 0));
}
