/// @file
/// The character model of chapter 6 in training, healthy and broken, and how well it does on sentences it
/// never saw.
#pragma once
#include <optional>

#include "06-loss/lesson.hpp"
#include "06-loss/model.hpp"
#include "06-loss/text.hpp"
#include "course/engine.hpp"
#include "course/training.hpp"
#include "ops/scale.hpp"
#include "ops/softmax.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace chapter06 {

inline constexpr int machines = 4, batch_size = 16, training_steps = 500;
inline constexpr double hidden_share = 0.15;

/// How a model is trained.
struct Recipe {
  bool masked = false;  ///< masked token, looking both ways; else next token, looking back
  double smoothing = 0;
  bool softmax_twice = false;  ///< the loss gets probabilities where it wants logits
  bool blanks_count = false;   ///< padding is a target like any other
  bool mean_of_means = false;  ///< the machines' means are averaged, however many characters each had
};

/// Sentences as tasks. The masked ones hide each character with probability hidden_share, and at least one.
inline std::vector<Task> tasks_of(const std::vector<Sentence>& sentences, bool masked,
                                  PhiloxSequence& random) {
  std::vector<Task> tasks;
  for (const Sentence& sentence : sentences) {
    if (!masked) {
      tasks.push_back(next_token(sentence, mark));
      continue;
    }
    const std::size_t one = random.below(static_cast<std::uint32_t>(sentence.size()));
    const auto hidden = [&](std::size_t i) { return random.uniform() < hidden_share || i == one; };
    tasks.push_back(masked_token(sentence, mark, blank, hidden));
  }
  return tasks;
}

/// Tasks made into tensors.
struct Batch {
  IdTensor read, say;  ///< [tasks, time]
  Masking masking;
  Batch(Kernels& k, std::span<const Task> tasks, bool masked) {
    std::vector<Sentence> inputs, targets;
    for (const Task& task : tasks) {
      inputs.push_back(task.read);
      targets.push_back(task.say);
    }
    read = padded(k, inputs);
    say = padded(k, targets);
    masking = masked ? Masking{false, 0, lengths(k, inputs)} : Masking{true, 0, {}};
  }
  /// How many characters are asked for.
  Index asked() const {
    const auto all = say.to_host();
    return static_cast<Index>(all.size()) - std::count(all.begin(), all.end(), blank);
  }
};

/// How well a model says the characters of the test sentences that its objective asks for.
struct Quality {
  double bits = 0;    ///< per character
  double right = 0;   ///< in %: the character is the model's first choice
  double blanks = 0;  ///< in %: the model's first choice is a blank
};

/// `logits` [rows, classes] held against the targets that are characters; adds to sums, for quality_of().
inline void judge(const Tensor& logits, const IdTensor& say, Quality& sums, double& asked) {
  const std::vector<Real> all = logits.to_host();
  const std::vector<std::int32_t> targets = say.to_host();
  for (std::size_t r = 0; r < targets.size(); ++r) {
    if (targets[r] == blank) continue;
    const auto width = static_cast<std::size_t>(classes);
    const std::span<const Real> row(all.data() + r * width, width);
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    sums.bits +=
        static_cast<double>(log_sum_exp(row) - row[static_cast<std::size_t>(targets[r])]) / std::log(2.0);
    sums.right += best == targets[r];
    sums.blanks += best == blank;
    ++asked;
  }
}
inline Quality quality_of(const Quality& sums, double asked) {
  return {sums.bits / asked, 100 * sums.right / asked, 100 * sums.blanks / asked};
}

inline Quality quality(Kernels& k, CharacterModel& model, const Text& text, bool masked) {
  PhiloxSequence random(6, 6);  // the same characters are hidden from every model
  const std::vector<Task> tasks = tasks_of(text.test, masked, random);
  Quality sums;
  double asked = 0;
  constexpr std::size_t some = 50;
  for (std::size_t first = 0; first < tasks.size(); first += some) {
    const Batch batch(k, std::span(tasks).subspan(first, std::min(some, tasks.size() - first)), masked);
    Pass pass;
    judge(model.logits(pass, batch.read, batch.masking).value, batch.say, sums, asked);
  }
  return quality_of(sums, asked);
}

inline Variable loss_of(Pass& pass, CharacterModel& model, Kernels& k, std::vector<Sentence> some,
                        const Recipe& recipe, PhiloxSequence& random) {
  constexpr std::int32_t none = -1;  // a target that does not occur
  if (recipe.mean_of_means)          // as machines get them that are given sentences of about one length each
    std::sort(some.begin(), some.end(),
              [](const Sentence& a, const Sentence& b) { return a.size() < b.size(); });
  const std::vector<Task> tasks = tasks_of(some, recipe.masked, random);
  const auto loss = [&](std::span<const Task> part) {
    const Batch batch(k, part, recipe.masked);
    const Variable logits = model.logits(pass, batch.read, batch.masking);
    return cross_entropy(recipe.softmax_twice ? softmax(logits) : logits, batch.say,
                         recipe.blanks_count ? none : blank, recipe.smoothing);
  };
  if (!recipe.mean_of_means) return loss(tasks);
  constexpr std::size_t share = batch_size / machines;
  Variable sum = loss(std::span(tasks).first(share));
  for (std::size_t m = 1; m < machines; ++m) sum = add(sum, loss(std::span(tasks).subspan(m * share, share)));
  return scale(sum, Real(1) / machines);
}

struct TrainingRun {
  std::vector<double> logged;  ///< what a training log shows: the loss of each step, in nats
  std::vector<int> steps;      ///< after how many of them the test sentences were looked at
  std::vector<Quality> test;
};

inline TrainingRun trained(const Text& text, const Recipe& recipe, std::uint64_t seed) {
  const auto k = measuring_kernels();
  CharacterModel model(*k, classes + 1, classes, seed);
  TrainingRun run;
  const auto look = [&](int after) {
    run.steps.push_back(after);
    run.test.push_back(quality(*k, model, text, recipe.masked));
  };
  lab::TrainingOptions o;
  o.steps = training_steps;
  o.schedule = {ScheduleKind::cosine, 6e-3, 20, training_steps};
  run.logged = lab::train(model.parameters(), o, [&](Pass& pass, int step) {
                 if (step == 6 || step == 11 || step == 21 || step % 50 == 1) look(step - 1);
                 PhiloxSequence random(seed, 9000 + static_cast<std::uint64_t>(step));
                 return loss_of(pass, model, *k, drawn(text, seed, step, batch_size), recipe, random);
               }).loss;
  look(training_steps);
  return run;
}

}  // namespace chapter06
}  // namespace tenfold::inline TENFOLD_REAL
