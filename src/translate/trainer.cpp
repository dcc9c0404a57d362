#include "translate/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "io/atomic_file.hpp"
#include "text/bleu.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t log_interval = 20;  // steps between lines of the run log

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

BatchOptions batch_options(const TrainSettings& s) {
  return {.max_tokens = s.batch_tokens, .max_length = s.model.max_length, .seed = s.seed};
}

AdamOptions adam_options(const TrainSettings& s) {
  return {s.beta1, s.beta2, s.epsilon, s.optimizer == "adamw" ? s.weight_decay : 0};
}

Schedule make_schedule(const TrainSettings& s, std::int64_t steps_per_epoch) {
  const auto kind = s.schedule == "cosine"     ? ScheduleKind::cosine
                    : s.schedule == "constant" ? ScheduleKind::constant
                                               : ScheduleKind::inverse_sqrt;
  const std::int64_t total = s.epochs * steps_per_epoch;
  return {kind, s.learning_rate, s.warmup, s.steps > 0 ? std::min<std::int64_t>(s.steps, total) : total};
}

std::int64_t steps_in(std::size_t batches, Index accumulate) {
  return (static_cast<std::int64_t>(batches) + accumulate - 1) / accumulate;
}

// Of every token of both splits, so that a resumed run notices another text.
std::string fingerprint(const TrainingData& data) {
  std::uint64_t h = hash_name("", 0);
  const auto add = [&h](const std::vector<std::int32_t>& ids) {
    for (std::int32_t id : ids) h = (h ^ static_cast<std::uint32_t>(id)) * 0x100000001b3;
    h = (h ^ 0xffffffff) * 0x100000001b3;  // where a side ends
  };
  for (const auto* split : {&data.train, &data.validation})
    for (const TokenPair& p : *split) {
      add(p.source);
      add(p.target);
    }
  return fmt::format("{:016x}", h);
}

bool finite(const Tensor& t) { return std::isfinite(kernels(t).sum_squares(t.data(), t.size())); }

/// A batch is worked through in parts, and their gradients added: what is kept for the way back is then a part's. Parts of
/// two thousand tokens keep processors as busy as larger ones; for a card they would be too small.
std::size_t parts_of_batch(Kernels& kernels, const TrainSettings& settings) {
  constexpr Index part_tokens = 2048;
  if (!kernels.memory().host_accessible()) return 1;
  return static_cast<std::size_t>(std::max<Index>(1, settings.batch_tokens / part_tokens));
}

}  // namespace

Trainer::Trainer(Kernels& kernels, const TrainSettings& settings, const Tokenizers& tokenizers,
                 const TrainingData& data, const fs::path& run_folder, bool resume, TrainObserver& observer)
    : kernels_(kernels),
      settings_(settings),
      tokenizers_(tokenizers),
      data_(data),
      observer_(observer),
      train_(data.train, batch_options(settings)),
      validation_(data.validation, batch_options(settings)),
      model_(kernels, settings.model, settings.seed),
      optimizer_(model_.parameters(), adam_options(settings)),
      parts_(parts_of_batch(kernels, settings)),
      schedule_(make_schedule(settings, steps_in(train_.epoch(0).size(), settings.accumulate))),
      store_(run_folder, static_cast<std::size_t>(settings.keep)) {
  if (resume) restore();
  log_.emplace(run_folder / "log.jsonl");
  log_->truncate_after(state_.step);
  session_seconds_ = state_.seconds;
}

void Trainer::set_profile(Profile* profile) {
  profile_ = profile;
  tape_.set_profile(profile);
}

StepReport Trainer::train_step(std::span<const std::vector<std::size_t>> batches) {
  const auto outside = [this](std::string_view name) {
    return Profile::Span(profile_, name, Profile::Direction::outside, 0);
  };
  std::vector<DeviceBatch> parts;
  Index tokens = 0;
  {
    const auto span = outside("batches");
    for (const auto& indices : batches)
      for (std::size_t p = 0; p < parts_; ++p) {
        const std::size_t begin = indices.size() * p / parts_, end = indices.size() * (p + 1) / parts_;
        parts.emplace_back();  // empty where there are fewer pairs than parts, so that the numbers below stay
        if (begin == end) continue;
        parts.back() = on_device(train_.make_batch(std::span(indices).subspan(begin, end - begin)), kernels_);
        tokens += parts.back().target_tokens;
      }
  }
  std::vector<Tensor> losses;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].target_tokens == 0) continue;
    // Every part of every batch of every step has dropout masks of its own.
    const auto number = static_cast<std::uint64_t>(state_.step * settings_.accumulate) * parts_ + i;
    Pass pass(tape_, settings_.model.dropout, settings_.seed, number);
    const Variable part = model_.loss(pass, parts[i], settings_.label_smoothing,
                                      static_cast<double>(tokens));
    losses.push_back(part.value);
    tape_.backward(part);
    tape_.clear();
  }
  const double rate = schedule_.at(state_.step + 1);
  std::vector<double> totals;
  {
    const auto span = outside("optimizer");
    // Nothing was read from the device so far, and here it is waited for. An update that would spoil the weights was not
    // done, so that they can be searched for the culprit.
    totals = optimizer_.clipped_step(rate, settings_.clip, losses).to_host();
  }
  const double loss = totals[0], norm = std::sqrt(totals[1]);
  if (!std::isfinite(loss)) optimizer_.zero_grad();  // they would all be blamed
  if (!std::isfinite(loss) || !std::isfinite(norm)) report_divergence(state_.step + 1, loss);
  optimizer_.zero_grad();
  ++state_.step;
  StepReport report;
  report.step = state_.step;
  report.epoch = state_.epoch + 1;
  report.loss = loss;
  report.learning_rate = rate;
  report.gradient_norm = norm;
  report.tokens_per_second = static_cast<double>(tokens);  // run() divides by the time
  return report;
}

void Trainer::report_divergence(std::int64_t step, double loss) {
  std::string culprit = "none of the parameters";
  const auto parameters = optimizer_.parameters();
  const auto bad_value = std::find_if(parameters.begin(), parameters.end(), [](auto* p) { return !finite(p->value); });
  const auto bad_grad = std::find_if(parameters.begin(), parameters.end(),
                                     [](auto* p) { return p->grad.defined() && !finite(p->grad); });
  if (bad_value != parameters.end())
    culprit = "the value of " + (*bad_value)->name;
  else if (bad_grad != parameters.end())
    culprit = "the gradient of " + (*bad_grad)->name;
  throw Error(fmt::format("training stopped at step {}: the loss is {}; first to go bad: {}; a lower --learning-rate, "
                          "a longer --warmup or --clip may help; {}",
                          step, std::isfinite(loss) ? "finite but its gradient is not" : "not finite", culprit,
                          store_.has_run() ? "the last checkpoint is untouched" : "there is no checkpoint yet"));
}

bool Trainer::bound_reached() const {
  return state_.epoch >= settings_.epochs || (settings_.steps > 0 && state_.step >= settings_.steps) ||
         (settings_.minutes > 0 && state_.seconds >= 60 * settings_.minutes);
}

double Trainer::estimate_left(double epochs_done) const {
  const double spent = state_.seconds - session_seconds_, epochs = epochs_done - session_epochs_;
  if (epochs <= 0 || spent < 1) return -1;
  double left = spent / epochs * (static_cast<double>(settings_.epochs) - epochs_done);
  if (settings_.steps > 0) {
    const double steps_per_epoch = static_cast<double>(state_.step) / std::max(epochs_done, 1e-9);
    left = std::min(left, spent / epochs * static_cast<double>(settings_.steps - state_.step) / steps_per_epoch);
  }
  if (settings_.minutes > 0) left = std::min(left, 60 * settings_.minutes - state_.seconds);
  return std::max(left, 0.0);
}

Trainer::Outcome Trainer::run(const std::function<bool()>& stop_requested) {
  const auto accumulate = static_cast<std::size_t>(settings_.accumulate);
  double speed = 0;
  int profiled = 0;
  bool first = true;
  while (!bound_reached()) {
    const auto batches = train_.epoch(static_cast<std::uint64_t>(state_.epoch));
    const std::int64_t groups = steps_in(batches.size(), settings_.accumulate);
    const auto epochs_done = [&] {
      return static_cast<double>(state_.epoch) + static_cast<double>(state_.group) / static_cast<double>(groups);
    };
    if (first) session_epochs_ = epochs_done();
    first = false;
    while (state_.group < groups) {
      const Clock::time_point start = Clock::now();
      const std::size_t at = static_cast<std::size_t>(state_.group) * accumulate;
      StepReport report =
          train_step(std::span(batches).subspan(at, std::min(accumulate, batches.size() - at)));
      ++state_.group;
      const double took = seconds_since(start);
      state_.seconds += took;
      if (profile_) {
        profile_->add_step(took);
        if (++profiled <= 2) profile_->clear();
      }
      // an average over roughly the last ten steps
      speed = speed == 0 ? report.tokens_per_second / took : 0.9 * speed + 0.1 * report.tokens_per_second / took;
      report.tokens_per_second = speed;
      report.seconds = state_.seconds;
      report.seconds_left = estimate_left(epochs_done());
      log(report);
      observer_.on_step(report);
      if (bound_reached()) break;  // before the interruption: what is bound to be the end is validated
      if (stop_requested()) {
        save();
        return Outcome::interrupted;
      }
    }
    if (state_.group >= groups) {  // more, if a resumed run has larger batches
      ++state_.epoch;
      state_.group = 0;
    }
    validate_and_save();
    if (settings_.patience > 0 && state_.since_best >= settings_.patience) return Outcome::no_improvement;
  }
  return Outcome::finished;
}

void Trainer::validate_and_save() {
  const Clock::time_point start = Clock::now();
  ValidationReport report;
  report.step = state_.step;
  report.epoch = state_.epoch + (state_.group > 0 ? 1 : 0);
  report.whole_epoch = state_.group == 0;
  report.loss = validation_loss(model_, validation_);
  if (!std::isfinite(report.loss)) report_divergence(state_.step, report.loss);
  report.perplexity = std::exp(report.loss);
  report.bleu = -1;
  std::vector<std::string> sources, references, outputs;
  const auto sample = std::min(static_cast<std::size_t>(settings_.validation_sample), data_.validation_text.size());
  for (std::size_t i = 0; i < sample; ++i) {
    sources.push_back(data_.validation_text[i].source);
    references.push_back(data_.validation_text[i].target);
  }
  if (sample > 0) {
    double exact = 0;
    for (Translation& t : translate(model_, tokenizers_, sources, {}, 64)) outputs.push_back(t.best.front().text);
    for (std::size_t i = 0; i < sample; ++i) exact += outputs[i] == references[i];
    report.exact = exact / static_cast<double>(sample);
    report.bleu = corpus_bleu(outputs, references, {fitting_tokenization(references), false}).score;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, sample); ++i) {
      const std::size_t pick = (static_cast<std::size_t>(state_.step) * 7 + i * 31) % sample;
      report.examples.push_back({sources[pick], references[pick], outputs[pick]});
    }
  }
  const double figure = sample > 0 ? report.bleu : -report.loss;
  report.best = figure > state_.best || (figure == state_.best && report.loss < state_.best_loss);
  state_.since_best = report.best ? 0 : state_.since_best + 1;
  if (report.best) {
    state_.best = figure;
    state_.best_loss = report.loss;
    state_.best_step = state_.step;
  }
  report.seconds = seconds_since(start);
  save();
  if (report.best) store_.mark_best(state_.step);
  log_->write({{"event", "validation"}, {"step", report.step}, {"epoch", report.epoch}, {"loss", report.loss},
               {"perplexity", report.perplexity}, {"bleu", report.bleu}, {"exact", report.exact},
               {"seconds", state_.seconds}});
  observer_.on_validation(report);
}

void Trainer::log(const StepReport& r) {
  // A batch holds sentences of one length, and longer ones are harder: only a mean over batches shows progress.
  state_.interval_loss += r.loss;
  ++state_.interval_steps;
  if (r.step % log_interval != 0 && r.step != 1) return;
  const double loss = state_.interval_loss / static_cast<double>(state_.interval_steps);
  state_.interval_loss = 0;
  state_.interval_steps = 0;
  log_->write({{"event", "train"}, {"step", r.step}, {"epoch", r.epoch}, {"loss", loss},
               {"learning_rate", r.learning_rate}, {"gradient_norm", r.gradient_norm},
               {"tokens_per_second", r.tokens_per_second}, {"seconds", r.seconds}});
}

void Trainer::save() {
  // An update can go wrong although loss and gradient were finite; such weights must not replace good ones.
  for (Parameter* p : optimizer_.parameters())
    if (!finite(p->value)) report_divergence(state_.step, NAN);
  store_.save(state_.step, [&](const fs::path& dir) {
    save_model(dir, model_, settings_, tokenizers_);
    write_state(dir);
  });
}

void Trainer::write_state(const fs::path& dir) {
  std::vector<StoredTensor> moments;
  const auto parameters = optimizer_.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    moments.push_back(stored("first." + parameters[i]->name, optimizer_.first_moments()[i]));
    moments.push_back(stored("second." + parameters[i]->name, optimizer_.second_moments()[i]));
  }
  write_safetensors(dir / "training.safetensors", moments);
  const nlohmann::json state{{"step", state_.step},
                             {"epoch", state_.epoch},
                             {"group", state_.group},
                             {"best", state_.best},
                             {"best_loss", state_.best_loss},
                             {"best_step", state_.best_step},
                             {"since_best", state_.since_best},
                             {"seconds", state_.seconds},
                             {"interval_loss", state_.interval_loss},
                             {"interval_steps", state_.interval_steps},
                             {"pairs", data_.train.size()},
                             {"fingerprint", fingerprint(data_)}};
  write_file_atomically(dir / "training.json", state.dump(2) + "\n");
}

void Trainer::restore() {
  const auto last = store_.last();
  if (!last) throw IoError("cannot resume " + store_.folder().string() + ": there is no checkpoint in it");
  LoadedModel loaded = load_model(last->path, kernels_);
  const auto from = loaded.model->parameters();
  const auto parameters = optimizer_.parameters();
  const SafetensorsFile moments = read_safetensors(last->path / "training.safetensors");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Parameter& p = *parameters[i];
    if (from.size() != parameters.size() || from[i]->name != p.name || from[i]->value.shape() != p.value.shape())
      throw DataError("cannot resume " + last->path.string() + ": the model has changed since");
    p.value = std::move(from[i]->value);
    optimizer_.first_moments()[i] = restored(moments, "first." + p.name, p.value.shape(), kernels_);
    optimizer_.second_moments()[i] = restored(moments, "second." + p.name, p.value.shape(), kernels_);
  }
  const fs::path path = last->path / "training.json";
  try {
    const auto j = nlohmann::json::parse(read_file(path));
    state_ = {j.at("step"),       j.at("epoch"),   j.at("group"),         j.at("best"),          j.at("best_loss"),
              j.at("best_step"), j.at("since_best"), j.at("seconds"), j.at("interval_loss"), j.at("interval_steps")};
    if (state_.step != last->step || state_.epoch < 0 || state_.group < 0 || state_.since_best < 0 ||
        state_.interval_steps < 0 || !(state_.seconds >= 0))
      throw DataError(path.string() + ": the training state is damaged");
    if (j.at("pairs") != data_.train.size())
      throw DataError(fmt::format("cannot resume {}: the run was trained on {} pairs, but the corpus now has {}",
                                  last->path.string(), j.at("pairs").get<std::size_t>(), data_.train.size()));
    if (j.at("fingerprint") != fingerprint(data_))
      throw DataError(fmt::format("cannot resume {}: the corpus is not the one the run was trained on", last->path.string()));
  } catch (const nlohmann::json::exception&) {
    throw DataError(path.string() + ": the training state is damaged");
  }
  optimizer_.set_steps(state_.step);
  // A kill may have come between saving the best checkpoint and pointing to it.
  if (state_.best_step == state_.step && state_.step > 0) store_.mark_best(state_.step);
}

}  // namespace tenfold::inline TENFOLD_REAL
