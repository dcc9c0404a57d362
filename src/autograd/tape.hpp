/// @file
/// Reverse-mode automatic differentiation: Variable, Parameter, Tape.
///
/// A Tape lists operations in the order they were done; that is a topological order, so backward() is one loop from
/// the end, never a recursion. The tape owns what operations saved and the gradients on their way; clear() hands all
/// of it back to the allocator. A Parameter lives outside: backward() adds to its gradient, only an optimizer writes
/// its value. Using a Variable whose tape was cleared throws std::logic_error.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "autograd/tensor.hpp"
#include "core/profile.hpp"

namespace tenfold::inline TENFOLD_REAL {

class Tape;

/// A value, and where on which tape it was made. Without a tape nothing is recorded.
struct Variable {
  Tensor value;             ///< what it came to
  Tape* tape = nullptr;     ///< where it is recorded; null: a constant
  int id = -1;              ///< its node on the tape
  unsigned generation = 0;  ///< which filling of the tape it belongs to: clear() begins a new one

  Variable() = default;
  /// A constant. Implicit, since any tensor may enter an expression.
  Variable(Tensor constant) : value(std::move(constant)) {}  // NOLINT(google-explicit-constructor)
  /// Node `i` of tape `t` in its filling `g`; only a Tape makes these.
  Variable(Tensor v, Tape* t, int i, unsigned g) : value(std::move(v)), tape(t), id(i), generation(g) {}
  /// Shape of the value.
  const Shape& shape() const { return value.shape(); }
};

/// A trained tensor with its gradient (undefined until a backward reached it).
struct Parameter {
  std::string name;  ///< as in checkpoints: "encoder.layers.0.linear1.weight"
  Tensor value;      ///< only an optimizer writes it
  Tensor grad;       ///< of the value's shape; backward() adds to it
};

/// What a recorded operation does on the way back.
class Backward {
 public:
  virtual ~Backward() = default;
  /// Sets dx[i] for every input; an undefined dx[i] means that no gradient flows there.
  virtual void run(const Tensor& dy, std::span<Tensor> dx) = 0;
  /// Of the operation, for a profile.
  virtual std::string_view name() const { return "operation"; }
};

/// Records operations, and runs back through them; see the head of this file for who owns what. Not copied,
/// since Variables point to it.
class Tape {
 public:
  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// An input whose gradient is wanted; read it with grad() after backward().
  Variable leaf(Tensor value);
  /// A parameter; the same one twice gives the same node.
  Variable parameter(Parameter& p);
  /// The result of an operation on `inputs` (constants among them take part with id -1); `work_back` is what a
  /// profile counts for going back.
  Variable record(Tensor value, std::span<const Variable> inputs, std::unique_ptr<Backward> backward,
                  const Work& work_back = {});

  /// Runs back from `y`, whose upstream gradient is `seed` (same shape), and adds to every parameter's gradient.
  /// What operations saved is freed on the way, so it can be done once between two clear().
  void backward(const Variable& y, const Tensor& seed);
  /// The same from a value of size one, with upstream gradient 1.
  void backward(const Variable& loss);
  /// Gradient of a leaf or of a variable passed to keep_grad(); undefined when none reached it.
  const Tensor& grad(const Variable& v) const;
  /// Asks backward() to keep the gradient of an intermediate value.
  void keep_grad(const Variable& v);

  /// Forgets everything; older Variables of this tape become stale.
  void clear();
  /// From now on operations of this tape, on their way and back, are timed into `profile`; null: no longer.
  void set_profile(Profile* profile) { profile_ = profile; }
  /// Where operations are timed, if they are.
  Profile* profile() const { return profile_; }
  /// How many nodes there are: leaves, parameters, and recorded operations.
  std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    std::vector<int> inputs;
    std::unique_ptr<Backward> backward;  // null for leaves
    Tensor grad;
    Shape shape;
    Parameter* parameter = nullptr;
    bool keep = false;
    int layer = 0;   // of the profile
    Work work_back;  // likewise
  };

  Variable add_node(Tensor value, Node node);
  void check(const Variable& v, const char* what) const;
  void run_back(int i, std::vector<Tensor>& dx);
  static void accumulate(Tensor& slot, Tensor g);

  std::vector<Node> nodes_;
  std::unordered_map<const Parameter*, int> parameters_;
  Profile* profile_ = nullptr;
  unsigned generation_ = 0;
  bool done_ = false;
};

}  // namespace tenfold::inline TENFOLD_REAL
