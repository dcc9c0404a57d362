/// @file
/// Training on several machines, at lesson size: a batch is dealt out, every machine takes the gradient of
/// its share, and all of them add up.
#pragma once
#include <fmt/format.h>

#include "06-loss/objectives.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

using course::Session;
using course::Spread;

/// What one machine computes from its share.
struct Share {
  std::vector<double> gradient;  ///< of the mean loss over the characters asked for, all parameters in a row
  double characters = 0;         ///< how many those are
};

inline Share share_of(Kernels& k, CharacterModel& model, std::span<const Task> tasks, bool masked) {
  Tape tape;
  Pass pass(tape);
  const auto parameters = model.parameters();
  for (Parameter* p : parameters) p->grad = {};
  const Batch batch(k, tasks, masked);
  tape.backward(cross_entropy(model.logits(pass, batch.read, batch.masking), batch.say, blank));
  Share share;
  share.characters = static_cast<double>(batch.asked());
  for (Parameter* p : parameters) {
    const auto values = p->grad.to_host();
    share.gradient.insert(share.gradient.end(), values.begin(), values.end());
  }
  return share;
}

// [all-reduce]
/// Every machine's sum of gradients, added up and divided by the number of all characters: Σ n_m g_m / Σ n_m.
inline std::vector<double> all_reduced(const std::vector<Share>& shares) {
  std::vector<double> sum(shares.front().gradient.size());
  double all = 0;
  for (const Share& machine : shares) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += machine.characters * machine.gradient[i];
    all += machine.characters;
  }
  for (double& g : sum) g /= all;
  return sum;
}
// [/all-reduce]

/// Every machine's word counts the same: Σ g_m / M.
inline std::vector<double> mean_of_means(std::vector<Share> shares) {
  for (Share& machine : shares) machine.characters = 1;
  return all_reduced(shares);
}

/// |a - b| / |b|
inline double relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(difference / size);
}

struct Dealt {
  double least = 0, most = 0;  ///< characters on one machine
  double sums = 0, means = 0;  ///< how far from the whole batch's gradient
};

/// One batch of an untrained model, dealt to the machines.
inline Dealt dealt(const Text& text, std::uint64_t seed, bool masked, bool by_length) {
  const auto k = measuring_kernels();
  CharacterModel model(*k, classes + 1, classes, seed);
  PhiloxSequence random(seed, 77);
  std::vector<Sentence> some = drawn(text, seed, 0, batch_size);
  if (by_length)
    std::stable_sort(some.begin(), some.end(),
                     [](const auto& a, const auto& b) { return a.size() < b.size(); });
  const std::vector<Task> tasks = tasks_of(some, masked, random);
  const Share whole = share_of(*k, model, tasks, masked);
  std::vector<Share> shares;
  constexpr std::size_t each = batch_size / machines;
  for (std::size_t m = 0; m < machines; ++m)
    shares.push_back(share_of(*k, model, std::span(tasks).subspan(m * each, each), masked));
  const auto [least, most] =
      std::minmax_element(shares.begin(), shares.end(),
                          [](const Share& a, const Share& b) { return a.characters < b.characters; });
  return {least->characters, most->characters, relative_difference(all_reduced(shares), whole.gradient),
          relative_difference(mean_of_means(shares), whole.gradient)};
}

inline void shards(Session& s, const Text& text) {
  s.heading(fmt::format(
      "One batch of {} sentences on {} machines: how far is their common gradient from the batch's?",
      batch_size, machines));
  course::Table table{
      "machines",
      {{"objective", "dealt", "characters on a machine", "sums / all characters (%)", "mean of means (%)"}}};
  struct Row {
    const char *name, *objective, *how;
    bool masked, by_length;
  };
  bool equal = true, differs = true;
  for (const Row& row : {Row{"drawn", "next token", "as drawn", false, false},
                         Row{"by-length", "next token", "by length", false, true},
                         Row{"masked", "masked token", "as drawn", true, false}}) {
    const auto runs =
        s.over_seeds([&](std::uint64_t seed) { return dealt(text, seed, row.masked, row.by_length); });
    std::vector<double> sums, means;
    double least = 1e9, most = 0;
    for (const Dealt& r : runs) {
      sums.push_back(100 * r.sums);
      means.push_back(100 * r.means);
      least = std::min(least, r.least);
      most = std::max(most, r.most);
    }
    const Spread exact = course::spread(sums), off = course::spread(means);
    table.rows.push_back({row.objective, row.how, fmt::format("{:.0f} to {:.0f}", least, most),
                          course::to_text(exact, "{:.5f}"), course::to_text(off, "{:.1f}")});
    s.fact(fmt::format("machines/{}/mean-of-means", row.name), off, {0.5, 0.1}, "{:.1f}");
    s.fact(fmt::format("machines/{}/sums", row.name), exact, {1e-3, 0}, "{:.5f}");
    equal = equal && exact.most < 1e-2;
    differs = differs && off.least > 1;
  }
  s.table(table);
  s.claim("sums",
          "the machines' sums of gradients, divided by the number of all characters, are the whole batch's "
          "gradient",
          equal);
  s.claim("means", "the mean of their means is another gradient, off by more than a hundredth", differs);
}

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
