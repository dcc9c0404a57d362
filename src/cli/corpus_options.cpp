#include "cli/corpus_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/commands.hpp"
#include "core/errors.hpp"
#include "core/philox.hpp"
#include "text/corpus.hpp"
#include "text/grammar.hpp"

namespace tenfold::cli {
namespace {

std::vector<SentencePair> read_text(const CorpusOptions& o, const std::string& tsv, const std::string& source,
                                    const std::string& target) {
  CorpusPolicy policy;
  policy.max_characters = o.max_characters;
  policy.on_fault = o.strict ? CorpusPolicy::OnFault::refuse : CorpusPolicy::OnFault::skip;
  Corpus corpus = tsv.empty() ? read_parallel(source, target, policy) : read_tsv(tsv, o.columns[0], o.columns[1], policy);
  say(fmt::format("{}\n", corpus.report.summary()));
  return std::move(corpus.pairs);
}

// Moves pairs to validation by a hash of their source, so that a sentence with several translations is on one side.
SplitText hold_out(std::vector<SentencePair> pairs, std::int64_t wanted, std::uint64_t seed) {
  const auto key = [seed](const SentencePair& p) {
    const std::uint64_t h = hash_name(p.source.data(), p.source.size());
    return philox(seed, h, 0)[0] | static_cast<std::uint64_t>(philox(seed, h, 0)[1]) << 32;
  };
  std::vector<std::uint64_t> keys;
  for (const SentencePair& p : pairs) keys.push_back(key(p));
  std::vector<std::uint64_t> sorted = keys;
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(wanted), pairs.size() / 2);
  if (count == 0) throw DataError("the corpus is too small to hold out validation text; give it with --valid-…");
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count) - 1, sorted.end());
  const std::uint64_t limit = sorted[count - 1];
  SplitText split;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    (keys[i] <= limit ? split.validation : split.train).push_back(std::move(pairs[i]));
  if (split.train.empty()) throw DataError("the corpus is too small to hold out validation text; give it with --valid-…");
  say(fmt::format("held out {} pairs for validation\n", split.validation.size()));
  return split;
}

}  // namespace

void CorpusOptions::declare(CLI::App& c) {
  const std::string group = "Text";
  c.add_option("--tsv", tsv, "training text, tab-separated (plain or .gz)")->group(group);
  c.add_option("--columns", columns, "the TSV's columns of source and target, from 1")
      ->expected(2)
      ->delimiter(',')
      ->capture_default_str()
      ->group(group);
  c.add_option("--src", source, "training text, source side, a sentence a line")->group(group);
  c.add_option("--tgt", target, "training text, target side")->group(group);
  c.add_option("--builtin", builtin, "train on so many pairs of the built-in corpus")
      ->check(whole_number())
      ->group(group);
  c.add_option("--valid-tsv", valid_tsv, "validation text, tab-separated")->group(group);
  c.add_option("--valid-src", valid_source, "validation text, source side")->group(group);
  c.add_option("--valid-tgt", valid_target, "validation text, target side")->group(group);
  c.add_option("--held-out", held_out, "without validation text, pairs to hold out (default: 1 in 20, at most 1000)")
      ->check(whole_number())
      ->group(group);
  c.add_option("--max-characters", max_characters, "longer sentences are left out")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(group);
  c.add_flag("--strict", strict, "refuse text with a faulty line instead of leaving the line out")->group(group);
}

SplitText CorpusOptions::read() const {
  const int sources = !tsv.empty() + (!source.empty() || !target.empty()) + (builtin > 0);
  if (sources != 1) throw UsageError("give the training text once: --tsv FILE, or --src FILE --tgt FILE, or --builtin COUNT");
  if (source.empty() != target.empty()) throw UsageError("--src and --tgt go together");
  if (valid_source.empty() != valid_target.empty()) throw UsageError("--valid-src and --valid-tgt go together");
  if (!valid_tsv.empty() && !valid_source.empty()) throw UsageError("give the validation text once");
  const bool valid = !valid_tsv.empty() || !valid_source.empty();
  if (builtin > 0 && (valid || held_out > 0)) throw UsageError("--builtin brings its own validation text");
  if (valid && held_out > 0) throw UsageError("--held-out is for runs without validation text");
  if (builtin > 0) {
    BuiltinCorpus corpus = builtin_corpus(seed, static_cast<std::size_t>(builtin));
    say(fmt::format("built-in corpus: {} pairs, {} held out\n", corpus.train.size(), corpus.validation.size()));
    return {std::move(corpus.train), std::move(corpus.validation)};
  }
  std::vector<SentencePair> train = read_text(*this, tsv, source, target);
  if (valid)
    return {std::move(train), read_text(*this, valid_tsv, valid_source, valid_target)};
  const auto some = static_cast<std::int64_t>(train.size() / 20);
  return hold_out(std::move(train), held_out > 0 ? held_out : std::clamp<std::int64_t>(some, 1, 1000), seed);
}

nlohmann::json CorpusOptions::to_json() const {
  const auto full = [](const std::string& path) {
    return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
  };
  return {{"tsv", full(tsv)},           {"source", full(source)},
          {"target", full(target)},     {"valid_tsv", full(valid_tsv)},
          {"valid_source", full(valid_source)}, {"valid_target", full(valid_target)},
          {"columns", columns},         {"builtin", builtin},
          {"held_out", held_out},       {"max_characters", max_characters},
          {"strict", strict},           {"seed", seed}};
}

CorpusOptions CorpusOptions::from_json(const nlohmann::json& j) {
  CorpusOptions o;
  j.at("tsv").get_to(o.tsv);
  j.at("source").get_to(o.source);
  j.at("target").get_to(o.target);
  j.at("valid_tsv").get_to(o.valid_tsv);
  j.at("valid_source").get_to(o.valid_source);
  j.at("valid_target").get_to(o.valid_target);
  j.at("columns").get_to(o.columns);
  j.at("builtin").get_to(o.builtin);
  j.at("held_out").get_to(o.held_out);
  j.at("max_characters").get_to(o.max_characters);
  j.at("strict").get_to(o.strict);
  j.at("seed").get_to(o.seed);
  return o;
}

}  // namespace tenfold::cli
