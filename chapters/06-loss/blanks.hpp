/// @file
/// The smallest model of chapter 6: it knows the position and nothing else. Trained with the padding left
/// out, and averaged in.
#pragma once
#include <fmt/format.h>

#include "06-loss/objectives.hpp"
#include "course/engine.hpp"
#include "course/experiment.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

using course::Session;
using course::Spread;

struct Blanks {
  double logged = 0;  ///< the loss at the end of training, as the log has it, in nats
  Quality quality;    ///< on the characters of the test sentences
};

/// A row of logits for each position.
inline Blanks position_model(const Text& text, std::uint64_t seed, bool blanks_count) {
  const auto k = measuring_kernels();
  constexpr Index longest = 128;
  Parameter table;
  init::constant(table, *k, "table", {longest, classes}, 0);
  const auto positions = [&](const IdTensor& like) {
    std::vector<std::int32_t> ids;
    for (Index i = 0; i < like.size(); ++i) ids.push_back(static_cast<std::int32_t>(i % like.dim(1)));
    return IdTensor::from(*k, like.shape(), ids);
  };
  const IdTensor say = padded(*k, drawn(text, seed, 0, 150)), read = positions(say);
  lab::TrainingOptions o;
  o.steps = 50;
  o.clip = 0;
  o.schedule = {ScheduleKind::constant, 0.2, 0, 0};
  Blanks result;
  result.logged = lab::train({&table}, o, [&](Pass& pass, int) {
                    return cross_entropy(embedding(pass(table), read), say, blanks_count ? -1 : blank);
                  }).loss.back();
  const IdTensor test = padded(*k, text.test);
  Pass pass;
  double asked = 0;
  judge(embedding(pass(table), positions(test)).value, test, result.quality, asked);
  result.quality = quality_of(result.quality, asked);
  return result;
}

/// In %: blanks among the targets of a batch, over the first hundred training steps.
inline double padding_share(const Text& text, std::uint64_t seed) {
  double places = 0, said = 0;
  for (int step = 1; step <= 100; ++step) {
    const auto some = drawn(text, seed, step, batch_size);
    std::size_t longest = 0;
    for (const Sentence& sentence : some) longest = std::max(longest, sentence.size());
    places += static_cast<double>(longest * some.size());
    said += static_cast<double>(count_characters(some));
  }
  return 100 * (1 - said / places);
}

inline void blanks(Session& s, const Text& text) {
  s.heading("A model that knows only the position, judged on the characters of sentences it has not seen");
  course::Table table{
      "blanks",
      {{"padding", "loss in the log (nats)", "bits per character", "right (%)", "says a blank (%)"}}};
  std::vector<course::Claim> claims;
  for (const std::string& variant : s.variants()) {
    const bool count = variant == "unmasked-padding";
    if (!variant.empty() && !count) continue;
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return position_model(text, seed, count); });
    std::vector<double> logged, bits, right, says;
    for (const Blanks& r : runs) {
      logged.push_back(r.logged);
      bits.push_back(r.quality.bits);
      right.push_back(r.quality.right);
      says.push_back(r.quality.blanks);
    }
    const Spread log = course::spread(logged), b = course::spread(bits), q = course::spread(right),
                 share = course::spread(says);
    table.rows.push_back({count ? "averaged in" : "left out", course::to_text(log), course::to_text(b),
                          course::to_text(q, "{:.1f}"), course::to_text(share, "{:.1f}")});
    const std::string name = "position/" + Session::label(variant);
    s.fact(name + "/log", log, {0.1, 0}, "{:.2f}");
    s.fact(name + "/bits", b, {0.1, 0}, "{:.2f}");
    s.fact(name + "/blanks", share, {4, 0}, "{:.0f}");
    if (count)
      claims.push_back(
          {"blanks",
           "with padding averaged in, a model that cannot see what is padding says a blank in place of many "
           "real characters, while its log shows a lower loss",
           share.least > 20 && log.most < 2.2});
    else
      claims.push_back(
          {"no-blanks", "with padding left out it never says a blank", share.most == 0 && log.least > 2.3});
  }
  s.table(table);
  for (const course::Claim& c : claims) s.claim(c.name, c.text, c.holds);
  std::vector<double> padding;
  for (std::uint64_t seed : s.seeds()) padding.push_back(padding_share(text, seed));
  s.text(fmt::format("in the training batches below, {} % of all targets are padding",
                     course::to_text(course::spread(padding), "{:.0f}")));
  s.fact("padding", course::spread(padding), {3, 0}, "{:.0f}");
}

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
