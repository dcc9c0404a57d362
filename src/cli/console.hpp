/// @file
/// What training says on standard error: one line that renews itself on a terminal, a line per interval elsewhere.
#pragma once
#include <string>

#include "translate/trainer.hpp"

namespace tenfold::cli {

class Console final : public TrainObserver {
 public:
  Console();
  ~Console() override { end_line(); }
  void on_step(const StepReport& report) override;
  void on_validation(const ValidationReport& report) override;
  /// Leaves the line that renews itself standing, so that what is written next begins on one of its own.
  void end_line();

 private:
  bool terminal_;
  bool line_open_ = false;
  double last_shown_ = -1e9;
};

/// "1:05:09", "12:30"
std::string clock_time(double seconds);

}  // namespace tenfold::cli
