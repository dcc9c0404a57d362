/// @file
/// Trainer: the training loop, its validations and its checkpoints.
///
/// A run is decided by the settings, the data and the number of threads: the same three give the same weights, bit
/// for bit, also when the run was interrupted and resumed in between. What the run says it says to a TrainObserver
/// and to RUN/log.jsonl; nothing here writes to a terminal.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "io/checkpoint_store.hpp"
#include "io/run_log.hpp"
#include "optim/optimizer.hpp"
#include "optim/schedule.hpp"
#include "text/batching.hpp"
#include "translate/translator.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// One optimizer step, for a progress line.
struct StepReport {
  std::int64_t step = 0, epoch = 0;  ///< both from 1
  double loss = 0;                   ///< per target token, label smoothing included
  double learning_rate = 0, gradient_norm = 0;  ///< of this step; the norm before clipping
  double tokens_per_second = 0;      ///< target tokens, over the last steps
  double seconds = 0;                ///< of training in all, earlier sessions included
  double seconds_left = -1;          ///< estimate; negative when unknown
};

/// What a validation found.
struct ValidationReport {
  std::int64_t step = 0, epoch = 0;  ///< the epoch that is done, or in which training stopped
  bool whole_epoch = true;           ///< false: stopped within the epoch
  double loss = 0, perplexity = 0;   ///< per target token, without smoothing
  double bleu = 0;                   ///< of greedy translations of the sample; -1 without one
  double exact = 0;                  ///< share of the sample translated exactly as the reference
  bool best = false;                 ///< better than every earlier one
  /// A sentence of the sample.
  struct Example {
    std::string source, reference, output;  ///< text as it was, and the greedy translation
  };
  std::vector<Example> examples;  ///< a few, to look at
  double seconds = 0;             ///< it took
};

/// Is told what happens while training; the default does nothing.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  /// After every optimizer step.
  virtual void on_step(const StepReport&) {}
  /// After every validation.
  virtual void on_validation(const ValidationReport&) {}
};

/// What the trainer needs of the corpus; it must outlive the trainer.
struct TrainingData {
  std::vector<TokenPair> train, validation;   ///< as ids
  std::vector<SentencePair> validation_text;  ///< the same as `validation`, as text, in the same order
};

/// One training run: steps, validations, checkpoints, log.
class Trainer {
 public:
  /// Why run() ended.
  enum class Outcome { finished, no_improvement, interrupted };

  /// A new run, or with `resume` the continuation of the one in `run_folder` from its last checkpoint.
  Trainer(Kernels& kernels, const TrainSettings& settings, const Tokenizers& tokenizers, const TrainingData& data,
          const std::filesystem::path& run_folder, bool resume, TrainObserver& observer);

  /// Trains until the settings' bound, until validation stops improving, or until `stop_requested` (asked after each
  /// step) says so; then a checkpoint holds the state. Throws Error when the loss is not finite, naming the step and
  /// the first parameter that went bad; the last checkpoint is left as it was.
  Outcome run(const std::function<bool()>& stop_requested);

  /// Times the steps from the third on into `profile`; the first ones still ask the system for memory.
  void set_profile(Profile* profile);
  /// The model being trained, as it is now.
  Transformer& model() { return model_; }
  /// Of the training text.
  const Batcher& batches() const { return train_; }
  /// Of the validation text.
  const Batcher& validation_batches() const { return validation_; }
  /// Optimizer steps done.
  std::int64_t step() const { return state_.step; }

 private:
  /// What a resumed run needs beside weights and moments; training.json.
  struct State {
    std::int64_t step = 0;         ///< optimizer steps done
    std::int64_t epoch = 0;        ///< epochs done
    std::int64_t group = 0;        ///< steps done in the current epoch
    double best = -1e300;          ///< best validation figure (BLEU, or -loss without a sample)
    double best_loss = 1e300;      ///< its loss: of equal BLEU, as early in a run, the lower loss is better
    std::int64_t best_step = 0;    ///< where that was
    std::int64_t since_best = 0;   ///< validations since then
    double seconds = 0;            ///< of training
    double interval_loss = 0;      ///< sum over the steps since the last line of the log
    std::int64_t interval_steps = 0;
  };

  StepReport train_step(std::span<const std::vector<std::size_t>> batches);
  void validate_and_save();
  void save();
  void restore();
  void write_state(const std::filesystem::path& dir);
  bool bound_reached() const;
  double estimate_left(double fraction_of_epoch) const;
  [[noreturn]] void report_divergence(std::int64_t step, double loss);
  void log(const StepReport& report);

  Kernels& kernels_;
  TrainSettings settings_;
  const Tokenizers& tokenizers_;
  const TrainingData& data_;
  TrainObserver& observer_;
  Batcher train_, validation_;
  Transformer model_;
  Adam optimizer_;
  std::size_t parts_;  // of each batch, worked through one after the other
  Schedule schedule_;
  Tape tape_;
  Profile* profile_ = nullptr;
  CheckpointStore store_;
  std::optional<RunLog> log_;
  State state_;
  double session_seconds_ = 0;   // at the start of this session, for the estimate
  double session_epochs_ = 0;
};

}  // namespace tenfold::inline TENFOLD_REAL
