/// @file
/// Profile: where the time of a training run goes, by operation, direction and layer.
///
/// Whoever does work opens a Span around it; a null Profile makes that a test of one pointer, so the spans stay in the
/// program. Spans must not overlap: what lies in none is "the rest". One thread at a time.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace tenfold {

/// What a piece of work comes to, whatever does it.
struct Work {
  double flops = 0;  ///< floating-point operations of its matrix products, a multiply-add counted as two
  double bytes = 0;  ///< what it must move at least: every input read and every output written once
};

/// Sums of time and work; see the head of this file.
class Profile {
 public:
  /// Which way through the graph, or beside it.
  enum class Direction { forward, backward, outside };
  /// One line of a table.
  struct Row {
    std::string name;         ///< operation or layer
    Direction direction = Direction::forward;  ///< on the way there or back, or outside of both
    double seconds = 0;       ///< in all calls
    Work work;                ///< likewise
    std::int64_t calls = 0;   ///< how often
  };

  /// While it lives, its time belongs to `name`; nothing happens when `profile` is null.
  class Span {
   public:
    /// `name` must outlive the profile, as the name of an operation does.
    Span(Profile* profile, std::string_view name, Direction direction, int layer, Work work = {})
        : profile_(profile), name_(name), direction_(direction), layer_(layer), work_(work) {
      if (profile_) start_ = Clock::now();
    }
    ~Span() {
      if (profile_) profile_->add(*this, std::chrono::duration<double>(Clock::now() - start_).count());
    }
    /// For work that is known only when it is done.
    void set_work(const Work& work) { work_ = work; }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    friend class Profile;
    using Clock = std::chrono::steady_clock;
    Profile* profile_;
    std::string_view name_;
    Direction direction_;
    int layer_;
    Work work_;
    Clock::time_point start_;
  };

  /// The layer that operations belong to from now on; returns the one before.
  int enter_layer(std::string_view name);
  /// The same by number, to go back to it.
  void return_to_layer(int layer) { layer_ = layer; }
  /// The present layer's number.
  int layer() const { return layer_; }

  /// Sums per operation and direction, the longest first.
  std::vector<Row> by_operation() const;
  /// Sums per layer and direction, in the order in which the layers were first entered.
  std::vector<Row> by_layer() const;
  /// Seconds in all spans together.
  double seconds() const;
  /// Work in all spans together.
  Work work() const;
  /// Counts a step of so many seconds, in which the spans lay.
  void add_step(double seconds) {
    ++steps_;
    step_seconds_ += seconds;
  }
  /// How many steps there were.
  std::int64_t steps() const { return steps_; }
  /// How long they took, spans and the rest.
  double step_seconds() const { return step_seconds_; }
  /// Forgets everything measured so far: the first steps of a run are no sample of the others.
  void clear();

 private:
  void add(const Span& span, double seconds);

  using Key = std::tuple<int, std::string_view, Direction>;  // layer, operation
  std::map<Key, Row> rows_;
  std::vector<std::string> layers_{"(none)"};
  int layer_ = 0;
  std::int64_t steps_ = 0;
  double step_seconds_ = 0;
};

}  // namespace tenfold
