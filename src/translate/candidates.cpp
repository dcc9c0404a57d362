#include "translate/candidates.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "backend/output_summary.hpp"
#include "backend/vector_math.hpp"
#include "nn/config.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Index piece = 32;  // logits of a stretch that are looked at together
constexpr double none = -std::numeric_limits<double>::infinity();

/// Logits of one beginning, [first, end), and the largest log-probability among them.
struct Stretch {
  std::size_t parent;
  Index first, end;
  double top;
};

/// The best candidates so far.
class Best {
 public:
  Best(std::size_t count, double least) : count_(count), least_(least) {}

  /// Puts those of the logits [first, end) among them.
  void add(const Beginning& from, std::size_t parent, Index first, Index end) {
    for (Index w = first; w < end; ++w) {
      const Candidate c{static_cast<double>(from.logits[w]) + from.base, parent, static_cast<std::int32_t>(w)};
      if (!(c.log_probability >= least_) || c.log_probability == none) continue;
      if (found_.size() == count_ && !better(c, found_.back())) continue;
      found_.insert(std::upper_bound(found_.begin(), found_.end(), c, better), c);
      if (found_.size() > count_) found_.pop_back();
      if (found_.size() == count_) least_ = found_.back().log_probability;
    }
  }
  /// No candidate that is wanted has less.
  double least() const { return least_; }
  std::vector<Candidate> take() { return std::move(found_); }

 private:
  std::size_t count_;
  double least_;
  std::vector<Candidate> found_;
};

double top(const Beginning& from, Index first, Index end) {
  return static_cast<double>(largest_of(from.logits + first, end - first)) + from.base;
}

/// All tokens that are wanted: unk, those from eos on, and stretch after stretch.
std::vector<Stretch> stretches(std::span<const Beginning> beginnings, Index vocabulary) {
  static_assert(pad_id == 0 && unk_id == 1 && bos_id == 2);
  std::vector<Stretch> found;
  for (std::size_t parent = 0; parent < beginnings.size(); ++parent) {
    if (!std::isfinite(beginnings[parent].base)) continue;
    const Beginning& from = beginnings[parent];
    const auto look = [&](Index first, Index end) {
      if (first < end) found.push_back({parent, first, end, top(from, first, end)});
    };
    look(unk_id, std::min<Index>(bos_id, vocabulary));
    look(bos_id + 1, std::min(OutputSummary::stretch, vocabulary));
    for (Index s = 1, first = OutputSummary::stretch; first < vocabulary; ++s, first += OutputSummary::stretch) {
      const Index end = std::min(first + OutputSummary::stretch, vocabulary);
      if (from.largest)
        found.push_back({parent, first, end, static_cast<double>(from.largest[s]) + from.base});
      else
        look(first, end);
    }
  }
  return found;
}

/// There are at least `count` candidates as good as the count-th best of the tops: what all that are wanted reach.
double reached_by(std::span<const Stretch> stretches, std::size_t count) {
  if (stretches.size() < count) return none;
  std::vector<double> tops;
  for (const Stretch& s : stretches) tops.push_back(s.top);
  const auto nth = tops.begin() + static_cast<std::ptrdiff_t>(count) - 1;
  std::nth_element(tops.begin(), nth, tops.end(), std::greater<>());
  return *nth;
}

}  // namespace

bool better(const Candidate& a, const Candidate& b) {
  if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
  return a.parent != b.parent ? a.parent < b.parent : a.token < b.token;
}

std::vector<Candidate> best_continuations(std::span<const Beginning> beginnings, Index vocabulary, std::size_t count) {
  if (count == 0) return {};
  const std::vector<Stretch> all = stretches(beginnings, vocabulary);
  Best best(count, reached_by(all, count));
  for (const Stretch& s : all) {
    if (!(s.top >= best.least())) continue;  // nearly all
    const Beginning& from = beginnings[s.parent];
    for (Index at = s.first; at < s.end; at += piece) {
      const Index end = std::min(s.end, at + piece);
      if (top(from, at, end) >= best.least()) best.add(from, s.parent, at, end);
    }
  }
  return best.take();
}

}  // namespace tenfold::inline TENFOLD_REAL
