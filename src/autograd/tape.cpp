#include "autograd/tape.hpp"

#include <stdexcept>

namespace tenfold::inline TENFOLD_REAL {

Variable Tape::add_node(Tensor value, Node node) {
  node.shape = value.shape();
  nodes_.push_back(std::move(node));
  return {std::move(value), this, static_cast<int>(nodes_.size()) - 1, generation_};
}

Variable Tape::leaf(Tensor value) {
  Node node;
  node.keep = true;
  return add_node(std::move(value), std::move(node));
}

Variable Tape::parameter(Parameter& p) {
  if (const auto known = parameters_.find(&p); known != parameters_.end())
    return {p.value, this, known->second, generation_};
  Node node;
  node.parameter = &p;
  Variable v = add_node(p.value, std::move(node));
  parameters_.emplace(&p, v.id);
  return v;
}

Variable Tape::record(Tensor value, std::span<const Variable> inputs, std::unique_ptr<Backward> backward,
                      const Work& work_back) {
  Node node;
  node.layer = profile_ ? profile_->layer() : 0;
  node.work_back = work_back;
  node.inputs.reserve(inputs.size());
  for (const Variable& v : inputs) {
    if (v.tape) check(v, "an operation");
    node.inputs.push_back(v.id);
  }
  node.backward = std::move(backward);
  return add_node(std::move(value), std::move(node));
}

void Tape::check(const Variable& v, const char* what) const {
  if (v.tape != this) throw std::logic_error(std::string("tape: ") + what + " uses a variable that is not on this tape");
  if (v.generation != generation_ || v.id >= static_cast<int>(nodes_.size()))
    throw std::logic_error(std::string("tape: ") + what + " uses a stale variable: its tape was cleared");
}

void Tape::accumulate(Tensor& slot, Tensor g) {
  if (!slot.defined())
    slot = std::move(g);
  else if (slot.unique()) {
    Real* sum = slot.mutable_data();
    kernels(slot).add(sum, g.data(), sum, slot.size());
  } else
    slot = sum_of(slot, g);
}

void Tape::run_back(int i, std::vector<Tensor>& dx) {
  Node& node = nodes_[i];
  dx.assign(node.inputs.size(), Tensor());
  {
    const Profile::Span span(profile_, node.backward->name(), Profile::Direction::backward, node.layer, node.work_back);
    node.backward->run(node.grad, dx);
  }
  const Profile::Span span(profile_, "sum of gradients", Profile::Direction::backward, node.layer);
  for (std::size_t k = 0; k < dx.size(); ++k) {
    if (node.inputs[k] < 0 || !dx[k].defined()) continue;
    Node& input = nodes_[node.inputs[k]];
    if (dx[k].shape() != input.shape)
      throw std::logic_error("tape: a backward returned a gradient of shape " + to_string(dx[k].shape()) +
                             " for an input of shape " + to_string(input.shape));
    accumulate(input.grad, std::move(dx[k]));
  }
}

void Tape::backward(const Variable& y, const Tensor& seed) {
  check(y, "backward");
  if (done_) throw std::logic_error("tape: backward() was already run; clear() the tape first");
  if (seed.shape() != y.shape())
    throw ShapeError("backward: the upstream gradient must have the value's shape " + to_string(y.shape()) + ", got " +
                     to_string(seed.shape()));
  done_ = true;
  nodes_[y.id].grad = seed;
  std::vector<Tensor> dx;
  for (int i = y.id; i >= 0; --i) {
    Node& node = nodes_[i];
    if (node.parameter && node.grad.defined()) accumulate(node.parameter->grad, std::move(node.grad));
    if (node.backward && node.grad.defined()) run_back(i, dx);
    node.backward.reset();
    if (!node.keep) node.grad = Tensor();
  }
}

void Tape::backward(const Variable& loss) {
  if (loss.value.size() != 1)
    throw ShapeError("backward: without an upstream gradient the value must have size 1, got " +
                     to_string(loss.shape()));
  backward(loss, filled(kernels(loss.value), loss.shape(), 1));
}

const Tensor& Tape::grad(const Variable& v) const {
  check(v, "grad");
  return nodes_[v.id].grad;
}

void Tape::keep_grad(const Variable& v) {
  check(v, "keep_grad");
  nodes_[v.id].keep = true;
}

void Tape::clear() {
  nodes_.clear();
  parameters_.clear();
  ++generation_;
  done_ = false;
}

}  // namespace tenfold::inline TENFOLD_REAL
