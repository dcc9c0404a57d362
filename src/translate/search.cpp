#include "translate/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/parallel.hpp"
#include "translate/candidates.hpp"
#include "translate/incremental_decoder.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

/// One beginning of a translation that has not ended.
struct Live {
  std::vector<std::int32_t> tokens;
  double log_probability = 0;
};

/// A sentence while it is translated: its live beginnings, best first, and what has ended.
struct Sentence {
  std::size_t index = 0;  // in the result
  Index limit = 0;        // most tokens, eos included
  std::vector<Live> live;
  std::vector<Hypothesis> ended;
};

Hypothesis finish(const Live& live, const SearchOptions& options, bool ended) {
  const double length = static_cast<double>(live.tokens.size()) + (ended ? 1 : 0);
  return {live.tokens, live.log_probability,
          live.log_probability / std::pow(std::max(length, 1.0), options.length_penalty), ended};
}

/// The log of each row's sum of exponentials.
std::vector<Real> log_sums(const Tensor& logits) {
  const Index rows = logits.dim(0);
  Kernels& k = kernels(logits);
  const IdTensor targets = IdTensor::full(k, {rows}, eos_id);
  Tensor losses = Tensor::empty(k, {rows}), sums = Tensor::empty(k, {rows});
  k.cross_entropy({rows, logits.dim(1), -1, 0}, logits.data(), targets.data(), losses.mutable_data(),
                  sums.mutable_data());
  return sums.to_host();
}

class Search {
 public:
  Search(Transformer& model, std::span<const std::vector<std::int32_t>> sources, const SearchOptions& options)
      : options_(options), vocabulary_(model.config().target_vocabulary), results_(sources.size()) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto length = static_cast<double>(sources[i].size());
      const Index limit = std::min(static_cast<Index>(options.length_factor * length) + options.length_extra,
                                   model.config().max_length);
      active_.push_back({i, std::max<Index>(limit, 1), {Live{}}, {}});
    }
  }

  std::vector<std::vector<Hypothesis>> run(IncrementalDecoder& decoder) {
    while (!active_.empty()) {
      if (guesses_wanted() > 0 && decoder.can_guess()) {
        run_ahead(decoder);
        continue;
      }
      std::vector<std::int32_t> tokens;
      for (const Sentence& s : active_)
        for (std::size_t b = 0; b < beams_; ++b) tokens.push_back(last_token(s.live[b]));
      if (scored() || !decoder.can_choose()) {
        OutputSummary summary;
        const Tensor logits = decoder.step(tokens, &summary);
        advance(best_of(logits, summary));
      } else {
        advance(as_candidates(decoder.choose(tokens)));
      }
      if (!kept_.empty()) decoder.reorder(from_, kept_, static_cast<Index>(beams_));
    }
    return std::move(results_);
  }

 private:
  static std::int32_t last_token(const Live& live) { return live.tokens.empty() ? bos_id : live.tokens.back(); }

  /// How many tokens may be guessed: of a greedy search for one sentence, as long as its limit is not near.
  Index guesses_wanted() const {
    if (options_.beam > 1 || active_.size() != 1) return 0;
    const Sentence& s = active_.front();
    return std::min(guesses_, s.limit - static_cast<Index>(s.live.front().tokens.size()) - 1);
  }

  /// Guesses some tokens, checks them together, and goes on as far as they were right, and one token further.
  void run_ahead(IncrementalDecoder& decoder) {
    std::vector<std::int32_t> tokens{last_token(active_.front().live.front())};
    const auto guessed = decoder.guess(tokens.front(), guesses_wanted());
    tokens.insert(tokens.end(), guessed.begin(), guessed.end());
    const Index before = decoder.position();
    // A guessed end is checked by the logits before it and need not be fed.
    const std::size_t fed = tokens.size() - (tokens.back() == eos_id ? 1 : 0);
    Tensor logits;
    OutputSummary summary;
    std::vector<std::int32_t> chosen;
    if (scored())
      logits = decoder.steps(std::span(tokens).first(fed), &summary);
    else
      chosen = decoder.choose(std::span(tokens).first(fed), static_cast<Index>(fed));
    Index right = 0;
    do {
      advance(scored() ? best_of(logits, summary, right) : as_candidates(std::span(chosen).subspan(right, 1)));
      ++right;
    } while (!active_.empty() && right < static_cast<Index>(fed) &&
             last_token(active_.front().live.front()) == tokens[static_cast<std::size_t>(right)]);
    decoder.rewind(before + right);
    guesses_ = right == static_cast<Index>(fed) ? most_guesses : std::max(least_guesses, guesses_ / 2);
  }

  /// Of each sentence the best continuations, best first.
  using Continuations = std::vector<std::vector<Candidate>>;

  /// By the logits of every row, and what they come to if that is known: twice as many as the beam is wide, since at most
  /// `beam` of them end. The live beginnings are rows from `first` on. (Without a summary all rows are summed, also those that
  /// run_ahead() asks for one by one; a device that can guess summarises.)
  Continuations best_of(const Tensor& logits, const OutputSummary& summary, Index first = 0) const {
    std::vector<Real> copy;
    const Real* values = logits.host_values(copy).data();
    const std::vector<Real> sums = scored() && summary.empty() ? log_sums(logits) : std::vector<Real>();
    const auto beginning = [&](const Live& live, Index row) {
      Real sum = 0;
      if (scored()) sum = summary.empty() ? sums[static_cast<std::size_t>(row)] : summary.log_sum(row);
      return Beginning{values + row * vocabulary_, live.log_probability - static_cast<double>(sum),
                       summary.empty() ? nullptr : summary.largest(row)};
    };
    const std::size_t wanted = width() == 1 ? 1 : 2 * width();
    Continuations found;
    for (const Sentence& s : active_) {
      std::vector<Beginning> beginnings;
      for (std::size_t b = 0; b < beams_; ++b) beginnings.push_back(beginning(s.live[b], first++));
      found.push_back(best_continuations(beginnings, vocabulary_, wanted));
    }
    return found;
  }

  /// Of a greedy search that asks for no probabilities: the tokens that follow, or -1.
  static Continuations as_candidates(std::span<const std::int32_t> tokens) {
    Continuations found;
    for (std::int32_t token : tokens)
      found.push_back(token < 0 ? std::vector<Candidate>{} : std::vector<Candidate>{{0, 0, token}});
    return found;
  }

  /// Extends every live hypothesis, retires what ended, and notes which rows and sentences go on.
  void advance(const Continuations& continuations) {
    std::vector<Sentence> going_on;
    from_.clear();
    kept_.clear();
    for (std::size_t s = 0; s < active_.size(); ++s) {
      std::vector<std::int32_t> parents;
      extend(active_[s], continuations[s], parents);
      if (parents.empty()) {
        retire(active_[s]);
        continue;
      }
      for (std::int32_t p : parents) from_.push_back(static_cast<std::int32_t>(s * beams_) + p);
      kept_.push_back(static_cast<std::int32_t>(s));
      going_on.push_back(std::move(active_[s]));
    }
    active_ = std::move(going_on);
    beams_ = width();
  }

  /// `parents` receives the beam each new live hypothesis came from; empty when the sentence is done.
  void extend(Sentence& s, std::span<const Candidate> candidates, std::vector<std::int32_t>& parents) const {
    const std::size_t wanted = width();
    std::vector<Live> next;
    for (std::size_t i = 0; i < candidates.size() && next.size() < wanted; ++i) {
      const Candidate& c = candidates[i];
      Live live{s.live[c.parent].tokens, scored() ? c.log_probability : 0};
      if (c.token == eos_id) {
        if (i < wanted) s.ended.push_back(finish(live, options_, true));
        if (wanted == 1) break;  // greedy: the likeliest token was the end
        continue;
      }
      live.tokens.push_back(c.token);
      next.push_back(std::move(live));
      parents.push_back(static_cast<std::int32_t>(c.parent));
    }
    const bool done = s.ended.size() >= wanted || next.empty();
    const bool at_limit = !next.empty() && static_cast<Index>(next.front().tokens.size()) >= s.limit;
    if (done || at_limit) {
      if (s.ended.empty() || (at_limit && s.ended.size() < static_cast<std::size_t>(options_.nbest)))
        for (const Live& live : next.empty() ? s.live : next)
          if (s.ended.empty() || std::isfinite(live.log_probability)) s.ended.push_back(finish(live, options_, false));
      parents.clear();
    }
    s.live = std::move(next);
    while (!parents.empty() && s.live.size() < wanted) {  // a vocabulary smaller than the beam
      s.live.push_back({s.live.back().tokens, -std::numeric_limits<double>::infinity()});
      parents.push_back(parents.back());
    }
  }

  void retire(Sentence& s) {
    std::stable_sort(s.ended.begin(), s.ended.end(), [](const Hypothesis& a, const Hypothesis& b) {
      if (a.ended != b.ended) return a.ended;
      return a.score > b.score;
    });
    if (s.ended.size() > static_cast<std::size_t>(options_.nbest)) s.ended.resize(options_.nbest);
    results_[s.index] = std::move(s.ended);
  }

  /// Whether probabilities are asked for: those of single tokens decide nothing in a greedy search.
  bool scored() const { return options_.scores || options_.beam > 1; }
  std::size_t width() const { return static_cast<std::size_t>(options_.beam); }

  // Guesses are right nearly always, and every check reads all weights. With the token before them these are 27 rows, three
  // tiles of a product with vectors of 64 bytes; where they are wrong, the fewer the better.
  static constexpr Index most_guesses = 26, least_guesses = 4;

  SearchOptions options_;
  Index vocabulary_;
  std::vector<Sentence> active_;
  std::vector<std::vector<Hypothesis>> results_;
  std::size_t beams_ = 1;  // one beginning each before the first token
  Index guesses_ = most_guesses;
  std::vector<std::int32_t> from_, kept_;
};

}  // namespace

void SearchOptions::validate() const {
  if (beam < 1 || beam > 1000) throw UsageError("search: the beam must be 1 to 1000, got " + std::to_string(beam));
  if (nbest < 1 || nbest > beam)
    throw UsageError("search: nbest must be 1 to the beam's width " + std::to_string(beam) + ", got " +
                     std::to_string(nbest));
  if (!std::isfinite(length_penalty)) throw UsageError("search: the length penalty must be a finite number");
}

std::vector<std::vector<Hypothesis>> search(Transformer& model, std::span<const std::vector<std::int32_t>> sources,
                                            const SearchOptions& options, PreparedWeights* prepared) {
  options.validate();
  if (sources.empty()) return {};
  const Index count = static_cast<Index>(sources.size());
  Index time = 0;
  std::vector<std::int32_t> lengths;
  for (const auto& s : sources) {
    lengths.push_back(static_cast<std::int32_t>(s.size()) + 1);
    time = std::max<Index>(time, lengths.back());
  }
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count * time), pad_id);
  for (Index i = 0; i < count; ++i) {
    const auto& s = sources[static_cast<std::size_t>(i)];
    std::copy(s.begin(), s.end(), ids.begin() + i * time);
    ids[static_cast<std::size_t>(i * time) + s.size()] = eos_id;
  }
  Kernels& k = model.kernels();
  PreparedWeights own(k);
  IncrementalDecoder decoder(model, IdTensor::from(k, {count, time}, ids), IdTensor::from(k, {count}, lengths),
                             model.config().max_length, prepared ? prepared : &own);
  Search s(model, sources, options);
  auto found = s.run(decoder);
  if (prepared) prepared->note_served();
  return found;
}

void in_batches(Kernels& kernels, std::size_t count, std::size_t batch,
                const std::function<void(std::size_t, std::size_t)>& body) {
  if (batch < 1) throw UsageError("batch must be 1 or more, got 0");
  const auto callers = static_cast<std::size_t>(kernels.callers());
  const std::size_t needed = (count + batch - 1) / batch;
  // Who is done first waits for the others' last batch: with some batches for each caller, large enough still, not long.
  constexpr std::size_t wanted_turns = 4, least_together = 16;
  const std::size_t turns = callers > 1 ? std::min(wanted_turns, count / (least_together * callers)) : 0;
  const std::size_t wanted = std::max(needed, turns * callers);
  const std::size_t batches = std::min(count, (wanted + callers - 1) / callers * callers);
  parallel_tasks(static_cast<int>(callers), static_cast<Index>(batches), [&](Index i) {
    const std::size_t b = batches - 1 - static_cast<std::size_t>(i);
    body(count * b / batches, count * (b + 1) / batches);
  });
}

}  // namespace tenfold::inline TENFOLD_REAL
