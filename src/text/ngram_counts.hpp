/// @file
/// Counting the n-grams two sequences share, for all orders at once: the heart of BLEU (words) and chrF
/// (characters).
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tenfold {

/// How many n-grams of one order there are; sums over segments.
struct NgramCounts {
  std::int64_t hypothesis = 0;
  std::int64_t reference = 0;
  std::int64_t matches = 0;  ///< those in both; a repeated one as often as the side that has it less often

  NgramCounts& operator+=(const NgramCounts& other) {
    hypothesis += other.hypothesis;
    reference += other.reference;
    matches += other.matches;
    return *this;
  }
};

/// The n-grams of orders 1 to max_order that begin at each position, sorted. An order-n prefix stands at
/// neighbouring places in the sorted list, so one sort serves every order.
template <std::size_t max_order>
class NgramWindows {
 public:
  using Window = std::array<std::uint32_t, max_order>;

  /// `symbols` must not be 0: that stands for "past the end".
  explicit NgramWindows(std::span<const std::uint32_t> symbols) : windows_(symbols.size()) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const auto rest = symbols.subspan(i, std::min(max_order, symbols.size() - i));
      std::copy(rest.begin(), rest.end(), windows_[i].begin());
    }
    std::sort(windows_.begin(), windows_.end());
  }

  /// Counts of order `n` of this hypothesis against `reference`.
  NgramCounts match(const NgramWindows& reference, std::size_t n) const {
    NgramCounts counts;
    Run ours = next_run(0, n), theirs = reference.next_run(0, n);
    while (ours.count > 0 && theirs.count > 0) {
      const int order = compare(windows_[ours.begin], reference.windows_[theirs.begin], n);
      if (order == 0) counts.matches += std::min(ours.count, theirs.count);
      if (order <= 0) ours = next_run(ours.end, n);
      if (order >= 0) theirs = reference.next_run(theirs.end, n);
    }
    counts.hypothesis = total(n);
    counts.reference = reference.total(n);
    return counts;
  }

 private:
  // Equal n-grams: windows_[begin, end).
  struct Run {
    std::size_t begin, end;
    std::int64_t count;
  };

  static int compare(const Window& a, const Window& b, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return 0;
  }

  // The first run at or after `from` whose windows hold n symbols; count 0 at the end.
  Run next_run(std::size_t from, std::size_t n) const {
    while (from < windows_.size() && windows_[from][n - 1] == 0) ++from;
    std::size_t end = from;
    while (end < windows_.size() && compare(windows_[from], windows_[end], n) == 0) ++end;
    return {from, end, static_cast<std::int64_t>(end - from)};
  }

  std::int64_t total(std::size_t n) const {
    return windows_.size() < n ? 0 : static_cast<std::int64_t>(windows_.size() - n + 1);
  }

  std::vector<Window> windows_;
};

}  // namespace tenfold
