/// @file
/// What training a character model of chapter 6 came to, over the seeds.
#pragma once
#include "06-loss/objectives.hpp"
#include "course/figure.hpp"
#include "course/statistics.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

/// What the seeds' runs of one recipe came to.
struct Outcome {
  std::vector<TrainingRun> runs;
  /// The mean over the log's last 50 steps.
  course::Spread logged() const {
    return over([](const TrainingRun& r) {
      double sum = 0;
      for (std::size_t i = r.logged.size() - 50; i < r.logged.size(); ++i) sum += r.logged[i] / 50;
      return sum;
    });
  }
  course::Spread bits() const {
    return over([](const TrainingRun& r) { return r.test.back().bits; });
  }
  course::Spread perplexity() const {
    return over([](const TrainingRun& r) { return std::exp2(r.test.back().bits); });
  }
  course::Spread right() const {
    return over([](const TrainingRun& r) { return r.test.back().right; });
  }
  /// In %: test characters for which it would say a blank after so many steps.
  course::Spread blanks(int after) const {
    return over([after](const TrainingRun& r) {
      for (std::size_t i = 0; i < r.steps.size(); ++i)
        if (r.steps[i] == after) return r.test[i].blanks;
      return -1.0;
    });
  }
  /// Bits per character of the test sentences while training.
  course::Curve progress(const std::string& label) const {
    course::Curve curve{label, {}, {}, {}, {}};
    for (std::size_t i = 0; i < runs.front().steps.size(); ++i) {
      const course::Spread bits = over([i](const TrainingRun& r) { return r.test[i].bits; });
      curve.x.push_back(runs.front().steps[i]);
      curve.y.push_back(bits.mean);
      curve.low.push_back(bits.least);
      curve.high.push_back(bits.most);
    }
    return curve;
  }
  /// The log, ten steps at a time.
  course::Curve log(const std::string& label) const {
    course::Curve curve{label, {}, {}, {}, {}};
    for (std::size_t first = 0; first + 10 <= runs.front().logged.size(); first += 10) {
      double sum = 0;
      for (const TrainingRun& r : runs)
        for (std::size_t i = first; i < first + 10; ++i)
          sum += r.logged[i] / (10.0 * static_cast<double>(runs.size()));
      curve.x.push_back(static_cast<double>(first) + 5.5);
      curve.y.push_back(sum);
    }
    return curve;
  }

 private:
  template <class F>
  course::Spread over(const F& f) const {
    std::vector<double> values;
    for (const TrainingRun& r : runs) values.push_back(f(r));
    return course::spread(values);
  }
};

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
