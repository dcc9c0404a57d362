// Reverse-mode automatic differentiation in a hundred lines, on single numbers. docs/autograd.md reads it aloud; a test
// compiles and runs it. Exit code 0: every gradient agreed with its finite difference, and the training got somewhere.
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <utility>
#include <vector>

// [tape]
struct Edge {
  std::size_t from;  // an input: its place on the tape
  double slope;      // how much the result moves when that input moves by one
};

class Tape;
struct Variable {
  double value;
  Tape* tape;
  std::size_t id;  // its place on the tape
};

class Tape {
 public:
  Variable leaf(double value) { return record(value, {}); }
  Variable record(double value, std::vector<Edge> inputs) {
    nodes_.push_back(std::move(inputs));
    return {value, this, nodes_.size() - 1};
  }
  std::vector<double> backward(const Variable& y) const;

 private:
  std::vector<std::vector<Edge>> nodes_;  // in the order in which they were computed
};
// [/tape]

// [operations]
Variable operator+(Variable a, Variable b) { return a.tape->record(a.value + b.value, {{a.id, 1}, {b.id, 1}}); }
Variable operator-(Variable a, Variable b) { return a.tape->record(a.value - b.value, {{a.id, 1}, {b.id, -1}}); }
Variable operator*(Variable a, Variable b) {
  return a.tape->record(a.value * b.value, {{a.id, b.value}, {b.id, a.value}});
}
Variable tanh(Variable a) {
  const double y = std::tanh(a.value);
  return a.tape->record(y, {{a.id, 1 - y * y}});
}
// [/operations]

// [backward]
/// The gradient of y by everything on the tape.
std::vector<double> Tape::backward(const Variable& y) const {
  std::vector<double> gradient(nodes_.size(), 0.0);
  gradient[y.id] = 1;  // y moves by one when y moves by one
  for (std::size_t i = y.id + 1; i-- > 0;)
    for (const Edge& e : nodes_[i]) gradient[e.from] += e.slope * gradient[i];
  return gradient;
}
// [/backward]

// [check]
using Function = std::function<Variable(Tape&, const std::vector<Variable>&)>;

double value_of(const Function& f, const std::vector<double>& x) {
  Tape tape;
  std::vector<Variable> leaves;
  for (double v : x) leaves.push_back(tape.leaf(v));
  return f(tape, leaves).value;
}

/// The largest relative difference between the tape's gradient and central differences.
double worst_difference(const Function& f, std::vector<double> x) {
  Tape tape;
  std::vector<Variable> leaves;
  for (double v : x) leaves.push_back(tape.leaf(v));
  const std::vector<double> gradient = tape.backward(f(tape, leaves));

  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i], epsilon = 1e-5;
    x[i] = kept + epsilon;
    const double up = value_of(f, x);
    x[i] = kept - epsilon;
    const double down = value_of(f, x);
    x[i] = kept;
    const double numeric = (up - down) / (2 * epsilon), exact = gradient[leaves[i].id];
    worst = std::fmax(worst, std::abs(exact - numeric) / std::fmax(1e-3, std::abs(numeric)));
  }
  return worst;
}
// [/check]

// [neuron]
/// Squared error of tanh(w·x + b) over three points; p = {w, b}.
Variable loss(Tape& tape, const std::vector<Variable>& p) {
  const double inputs[] = {-1, 0, 2}, targets[] = {-0.8, -0.2, 0.7};
  Variable sum = tape.leaf(0);
  for (int i = 0; i < 3; ++i) {
    const Variable error = tanh(p[0] * tape.leaf(inputs[i]) + p[1]) - tape.leaf(targets[i]);
    sum = sum + error * error;
  }
  return sum;
}
// [/neuron]

int main() {
  const Function twice = [](Tape&, const std::vector<Variable>& x) { return x[0] * x[0] + x[0]; };
  const Function long_chain = [](Tape& tape, const std::vector<Variable>& x) {
    Variable y = x[0];
    for (int i = 0; i < 100000; ++i) y = y * tape.leaf(1.00001);  // no recursion, so any depth will do
    return y;
  };
  bool good = true;
  for (const Function& f : {twice, long_chain, Function(loss)}) {
    const double worst = worst_difference(f, {0.3, -0.5});
    std::printf("gradient check: %.1e\n", worst);
    good = good && worst < 1e-6;
  }

  // [training]
  std::vector<double> p = {0, 0};
  double first = 0, last = 0;
  for (int step = 0; step < 200; ++step) {
    Tape tape;
    const Variable w = tape.leaf(p[0]), b = tape.leaf(p[1]);
    const Variable l = loss(tape, {w, b});
    const std::vector<double> gradient = tape.backward(l);
    p[0] -= 0.1 * gradient[w.id];
    p[1] -= 0.1 * gradient[b.id];
    (step == 0 ? first : last) = l.value;
  }
  // [/training]
  std::printf("loss: %.3f, after 200 steps %.5f\n", first, last);
  return good && last < first / 10 ? 0 : 1;
}
