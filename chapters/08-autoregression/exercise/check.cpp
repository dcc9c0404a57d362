// The grader of chapter 8.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;
using exercise::Cache;

namespace {

// --- attention with a cache
// -------------------------------------------------------------------------------------------

void attend_of_the_example() {
  Cache cache;
  exercise::attend_newest({0, 0}, {1, 0}, {2, 4}, cache);
  expect_close(exercise::attend_newest({0, 0}, {0, 1}, {6, 8}, cache), {4, 6}, 1e-9,
               "the result for a query of zeros",
               "Equal scores weigh both values by one half, the newest token's own included");
}

void attend_fills_the_cache() {
  Cache cache;
  for (int t = 1; t <= 3; ++t) {
    exercise::attend_newest({1, 0}, {1.0 * t, 0}, {2.0 * t, 0}, cache);
    const auto count = static_cast<std::size_t>(t);
    expect(cache.keys.size() == count && cache.values.size() == count,
           fmt::format("after {} tokens the cache should hold {} keys and values, it holds {} and {}", t, t,
                       cache.keys.size(), cache.values.size()));
  }
  expect(cache.keys[1][0] == 2 && cache.values[1][0] == 4,
         "the cache should hold keys and values as they came, oldest first");
}

/// Row `newest` of causal attention, the long way.
std::vector<double> causal_row(const Matrix& q, const Matrix& k, const Matrix& v, int newest) {
  std::vector<double> weights, result(static_cast<std::size_t>(v.columns()), 0);
  double sum = 0;
  for (int t = 0; t <= newest; ++t) {
    double dot = 0;
    for (int c = 0; c < q.columns(); ++c) dot += q(newest, c) * k(t, c);
    weights.push_back(std::exp(dot / std::sqrt(q.columns())));
    sum += weights.back();
  }
  for (int t = 0; t <= newest; ++t)
    for (int c = 0; c < v.columns(); ++c)
      result[static_cast<std::size_t>(c)] += weights[static_cast<std::size_t>(t)] / sum * v(t, c);
  return result;
}

std::vector<double> row(const Matrix& m, int r) {
  std::vector<double> values;
  for (int c = 0; c < m.columns(); ++c) values.push_back(m(r, c));
  return values;
}

void attend_equals_causal_attention() {
  const Matrix q = random_matrix(6, 4, 81), k = random_matrix(6, 4, 82), v = random_matrix(6, 3, 83);
  Cache cache;
  for (int t = 0; t < 6; ++t)
    expect_close(exercise::attend_newest(row(q, t), row(k, t), row(v, t), cache), causal_row(q, k, v, t),
                 1e-9, fmt::format("the result of token {}", t),
                 "It should be what causal attention over all tokens so far gives for its last row, scores "
                 "divided by the root of the width");
}

void attend_large_scores() {
  Cache cache;
  exercise::attend_newest({1000}, {1}, {5}, cache);
  expect_close(exercise::attend_newest({1000}, {1}, {7}, cache), {6}, 1e-9,
               "the result for two scores of 1000",
               "exp(1000) is infinite: subtract the largest score first");
  Cache other;
  exercise::attend_newest({1000}, {-1}, {5}, other);
  expect_close(exercise::attend_newest({1000}, {-2}, {7}, other), {5}, 1e-9,
               "the result for scores of -1000 and -2000",
               "All scores may be below zero: look for the largest from the first score on, not from 0");
}

// --- greedy
// -----------------------------------------------------------------------------------------------------------

/// A model that wants to say `script` after its prompt, and writes down what it is asked.
class Scripted final : public exercise::Model {
 public:
  Scripted(std::vector<int> script, std::size_t prompt) : script_(std::move(script)), prompt_(prompt) {}

  std::vector<double> step(int token, int position, Cache& cache) override {
    if (++steps_ > 1000) wrong("the model was asked more than 1000 times: what ends the loop?");
    tokens.push_back(token);
    positions.push_back(position);
    cached.push_back(static_cast<int>(cache.keys.size()));
    cache.keys.push_back({static_cast<double>(token)});
    cache.values.push_back({static_cast<double>(position)});
    std::vector<double> logits(9, -5);
    const std::size_t next = tokens.size() - std::min(prompt_, tokens.size());
    // Before the prompt is over it likes token 8, which it should not be asked for.
    const int wanted = tokens.size() < prompt_ ? 8 : next < script_.size() ? script_[next] : script_.back();
    logits[static_cast<std::size_t>(wanted)] = -1;  // the likeliest need not be above zero
    if (wanted < 7) logits[static_cast<std::size_t>(wanted) + 1] = -1;  // and a later one is as likely
    return logits;
  }

  std::vector<int> tokens, positions, cached;

 private:
  std::vector<int> script_;
  std::size_t prompt_;
  int steps_ = 0;
};

constexpr int end = 0;

void same_numbers(const std::vector<int>& got, const std::vector<int>& want, const std::string& what,
                  const std::string& hint) {
  if (got != want)
    wrong(fmt::format("{} should be ({}), got ({}). {}", what, fmt::join(want, ", "), fmt::join(got, ", "),
                      hint));
}

void continues_the_prompt() {
  Scripted model({3, 5, 4, end}, 2);
  same_numbers(exercise::greedy(model, {1, 2}, end, 10), {3, 5, 4}, "the output",
               "The likeliest token after the whole prompt comes first; of equally likely ones take the one "
               "with the lower number");
}

void leaves_out_the_end() {
  Scripted model({3, end}, 1);
  const auto output = exercise::greedy(model, {1}, end, 10);
  for (int token : output) expect(token != end, "the end token should not be part of the output");
  same_numbers(output, {3}, "the output", "It ends when the end token is chosen");
}

void any_token_may_be_the_end() {
  Scripted model({3, 0, 5, 7}, 1);
  same_numbers(exercise::greedy(model, {1}, 7, 10), {3, 0, 5}, "the output where token 7 is the end",
               "Compare with `end`, whatever number it is");
}

void stops_at_once() {
  Scripted model({end}, 1);
  same_numbers(exercise::greedy(model, {1}, end, 10), {}, "the output of a model that wants to end at once",
               "It should be empty");
}

void keeps_to_the_limit() {
  for (int limit : {4, 1}) {
    Scripted model({3, 5, 4, 6, 2}, 1);
    const auto output = exercise::greedy(model, {1}, end, limit);
    expect(static_cast<int>(output.size()) == limit,
           fmt::format("a model that never ends, limit {}: the output should have {} tokens, got {}", limit,
                       limit, output.size()));
  }
}

void feeds_every_token_once() {
  Scripted model({3, 5, end}, 2);
  exercise::greedy(model, {1, 2}, end, 10);
  same_numbers(model.tokens, {1, 2, 3, 5}, "the tokens that the model was fed",
               "Every token once, in order: the cache remembers the earlier ones");
}

void asks_for_nothing_unread() {
  Scripted model({3, 5, 4, 6}, 1);
  exercise::greedy(model, {1}, end, 2);
  same_numbers(model.tokens, {1, 3}, "the tokens that the model was fed for an output of two",
               "The last token need not be fed: nobody reads the logits after it");
}

void counts_positions() {
  Scripted model({3, 5, end}, 2);
  exercise::greedy(model, {1, 2}, end, 10);
  same_numbers(model.positions, {0, 1, 2, 3}, "the positions",
               "A token's position is the number of tokens fed before it");
}

void keeps_one_cache() {
  Scripted model({3, 5, end}, 2);
  exercise::greedy(model, {1, 2}, end, 10);
  same_numbers(model.cached, {0, 1, 2, 3}, "how many tokens the cache held at each step",
               "One cache for the whole decoding, or the model forgets what it read");
}

void begins_with_an_empty_cache() {
  for (int time = 0; time < 2; ++time) {
    Scripted model({3, end}, 1);
    exercise::greedy(model, {1}, end, 10);
    expect(!model.cached.empty() && model.cached.front() == 0,
           "the second decoding began with what the first left in the cache: every text needs a cache of its "
           "own");
  }
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 8: attention with a cache, and greedy decoding",
               {{"attend_of_the_example", attend_of_the_example},
                {"attend_fills_the_cache", attend_fills_the_cache},
                {"attend_equals_causal_attention", attend_equals_causal_attention},
                {"attend_large_scores", attend_large_scores},
                {"continues_the_prompt", continues_the_prompt},
                {"leaves_out_the_end", leaves_out_the_end},
                {"any_token_may_be_the_end", any_token_may_be_the_end},
                {"stops_at_once", stops_at_once},
                {"keeps_to_the_limit", keeps_to_the_limit},
                {"feeds_every_token_once", feeds_every_token_once},
                {"asks_for_nothing_unread", asks_for_nothing_unread},
                {"counts_positions", counts_positions},
                {"keeps_one_cache", keeps_one_cache},
                {"begins_with_an_empty_cache", begins_with_an_empty_cache}});
}
