// The tape: what backward() does beside calling each operation's backward, and what it refuses.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "ops/add.hpp"
#include "ops/multiply.hpp"
#include "ops/reduce.hpp"
#include "ops/scale.hpp"

using namespace tenfold;

namespace {

using Values = std::vector<Real>;

struct Recording {
  std::unique_ptr<Kernels> k = make_reference_kernels();
  Tape tape;

  Tensor tensor(const Values& values) { return Tensor::from(*k, {static_cast<Index>(values.size())}, values); }
  Parameter parameter(const Values& values) { return {"p", tensor(values), {}}; }
  Values grad(const Variable& v) { return tape.grad(v).to_host(); }
};

}  // namespace

TEST_CASE_FIXTURE(Recording, "a tape of 300 000 operations does not overflow the stack") {
  const Variable x = tape.leaf(tensor({2}));
  Variable y = x;
  for (int i = 0; i < 300'000; ++i) y = scale(y, i % 2 == 0 ? Real(2) : Real(0.5));
  CHECK(y.value.item() == 2);
  tape.backward(y);
  CHECK(grad(x) == Values{1});
  tape.clear();
  CHECK(tape.size() == 0);
}

TEST_CASE_FIXTURE(Recording, "the gradients of all uses of a variable add up") {
  const Variable x = tape.leaf(tensor({3, -1}));
  tape.backward(add(multiply(x, x), add(x, scale(x, 10))), tensor({1, 100}));
  CHECK(grad(x) == Values{2 * 3 + 11, 100 * (2 * -1 + 11)});
}

// add() passes one gradient tensor on to both inputs; adding to one of them must leave the other alone.
TEST_CASE_FIXTURE(Recording, "a gradient that two variables share is not added to in place") {
  const Variable a = tape.leaf(tensor({1})), b = tape.leaf(tensor({1}));
  const Tensor upstream = tensor({5});
  tape.backward(add(add(a, b), a), upstream);
  CHECK(grad(a) == Values{10});
  CHECK(grad(b) == Values{5});
  CHECK(upstream.to_host() == Values{5});
}

TEST_CASE_FIXTURE(Recording, "a parameter used three times is one node, and its gradient the sum") {
  Parameter p = parameter({4});
  const Variable first = tape.parameter(p);
  const Variable y = multiply(multiply(first, tape.parameter(p)), tape.parameter(p));
  CHECK(tape.size() == 3);
  tape.backward(y);
  CHECK(p.grad.to_host() == Values{3 * 16});
}

TEST_CASE_FIXTURE(Recording, "backward adds to what a parameter's gradient holds") {
  Parameter p = parameter({1});
  for (int i = 1; i <= 3; ++i) {
    tape.clear();
    tape.backward(scale(tape.parameter(p), 7));
    CHECK(p.grad.to_host() == Values{Real(7 * i)});
  }
}

TEST_CASE_FIXTURE(Recording, "only leaves and what keep_grad() asks for keep their gradient") {
  const Variable x = tape.leaf(tensor({1}));
  const Variable h = scale(x, 2), kept = scale(h, 3), y = scale(kept, 5);
  tape.keep_grad(kept);
  tape.backward(y);
  CHECK(grad(x) == Values{30});
  CHECK(grad(kept) == Values{5});
  CHECK_FALSE(tape.grad(h).defined());
  CHECK_FALSE(tape.grad(y).defined());
}

TEST_CASE_FIXTURE(Recording, "a constant takes part but gets no gradient") {
  const Variable x = tape.leaf(tensor({2})), constant = tensor({5});
  const Variable y = multiply(x, constant);
  tape.backward(y);
  CHECK(grad(x) == Values{5});
  CHECK(tape.size() == 2);
  const Variable untaped = multiply(constant, constant);
  CHECK(untaped.tape == nullptr);
  CHECK(tape.size() == 2);
}

TEST_CASE_FIXTURE(Recording, "what the result does not depend on gets no gradient") {
  Parameter unused = parameter({1});
  const Variable x = tape.leaf(tensor({1})), other = tape.leaf(tensor({1}));
  const Variable y = scale(x, 2);
  scale(tape.parameter(unused), 3);
  multiply(other, y);
  tape.backward(y);
  CHECK(grad(x) == Values{2});
  CHECK_FALSE(tape.grad(other).defined());
  CHECK_FALSE(unused.grad.defined());
}

TEST_CASE_FIXTURE(Recording, "backward frees what operations saved, clear() frees the rest") {
  const std::size_t before = k->memory().stats().used_bytes;
  {
    const Tensor input = Tensor::full(*k, {1000}, 1);
    Variable y = tape.leaf(input);
    for (int i = 0; i < 10; ++i) y = multiply(y, y);
    y = sum(y, 0);
    const std::size_t recorded = k->memory().stats().used_bytes - before;
    tape.backward(y);
    CHECK(k->memory().stats().used_bytes - before < recorded / 3);
    tape.clear();
  }
  CHECK(k->memory().stats().used_bytes == before);
}

TEST_CASE_FIXTURE(Recording, "a stale variable is refused") {
  const Variable x = tape.leaf(tensor({1}));
  tape.clear();
  const char* text = "tape: an operation uses a stale variable: its tape was cleared";
  CHECK_THROWS_WITH_AS(scale(x, 2), text, std::logic_error);
  const Variable fresh = tape.leaf(tensor({1}));
  CHECK_THROWS_WITH_AS(add(fresh, x), text, std::logic_error);
  CHECK_THROWS_WITH_AS(tape.backward(x), "tape: backward uses a stale variable: its tape was cleared",
                       std::logic_error);
  CHECK_THROWS_AS(tape.grad(x), std::logic_error);
  CHECK_THROWS_AS(tape.keep_grad(x), std::logic_error);
}

TEST_CASE_FIXTURE(Recording, "variables of another tape, or of none, are refused") {
  Tape other;
  const Variable x = tape.leaf(tensor({1})), y = other.leaf(tensor({1}));
  CHECK_THROWS_WITH_AS(add(x, y), "tape: an operation uses a variable that is not on this tape", std::logic_error);
  CHECK_THROWS_WITH_AS(tape.backward(y), "tape: backward uses a variable that is not on this tape", std::logic_error);
  CHECK_THROWS_WITH_AS(tape.grad(Variable(tensor({1}))), "tape: grad uses a variable that is not on this tape",
                       std::logic_error);
}

TEST_CASE_FIXTURE(Recording, "backward runs once, on a value of the upstream gradient's shape") {
  const Variable x = tape.leaf(tensor({1, 2})), y = scale(x, 2);
  CHECK_THROWS_WITH_AS(tape.backward(y),
                       "backward: without an upstream gradient the value must have size 1, got [2]", ShapeError);
  CHECK_THROWS_WITH_AS(tape.backward(y, tensor({1})),
                       "backward: the upstream gradient must have the value's shape [2], got [1]", ShapeError);
  tape.backward(y, tensor({1, 1}));
  CHECK_THROWS_WITH_AS(tape.backward(y, tensor({1, 1})),
                       "tape: backward() was already run; clear() the tape first", std::logic_error);
}

TEST_CASE_FIXTURE(Recording, "a backward that returns a gradient of the wrong shape is caught") {
  struct Wrong final : Backward {
    void run(const Tensor& dy, std::span<Tensor> dx) override { dx[0] = dy; }
  };
  const std::array<Variable, 1> inputs{tape.leaf(tensor({1, 2}))};
  const Variable y = tape.record(tensor({1}), inputs, std::make_unique<Wrong>());
  CHECK_THROWS_WITH_AS(tape.backward(y), "tape: a backward returned a gradient of shape [1] for an input of shape [2]",
                       std::logic_error);
}
