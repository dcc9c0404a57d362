// The grader of chapter 9.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>

#include "course/grader.hpp"
#include "exercise.hpp"

using namespace tenfold::course;
using exercise::Hypothesis;

namespace {

constexpr int end = 0;
using Tokens = std::vector<int>;

/// A model from a table of probabilities of the tokens 0 (the end) to 3; after a prefix that is not in it
/// comes the end. It writes down how often it was asked, by the prefix's length.
struct Tree {
  std::map<Tokens, std::vector<double>> after;
  std::map<std::size_t, int> asked = {};

  exercise::Scorer scorer() {
    return [this](const Tokens& prefix) {
      if (prefix.size() > 100) wrong("the model was asked about more than 100 tokens: what ends the search?");
      for (int token : prefix)
        expect(token != end,
               "the model was asked what comes after the end token: an ended output does not go on");
      ++asked[prefix.size()];
      const auto found = after.find(prefix);
      std::vector<double> p = found != after.end() ? found->second : std::vector<double>{1, 0, 0, 0};
      for (double& value : p) value = std::log(value);
      return p;
    };
  }
};

/// The likeliest first token leads to the less likely outputs.
Tree garden_path() { return {{{{}, {0, 0.6, 0.4, 0}}, {{1}, {0, 0.5, 0.5, 0}}, {{2}, {0, 0, 0, 1}}}}; }

/// A short output that is likelier, and a long one that is likelier per token.
Tree short_and_long() {
  return {{{{}, {0, 0.6, 0.4, 0}},
           {{1}, {0.55, 0.45, 0, 0}},
           {{1, 1}, {0.1, 0.9, 0, 0}},
           {{1, 1, 1}, {0.1, 0.9, 0, 0}},
           {{2}, {0.1, 0, 0, 0.9}},
           {{2, 3}, {0.1, 0, 0, 0.9}},
           {{2, 3, 3}, {0.9, 0.1, 0, 0}}}};
}

std::string text(const std::vector<Hypothesis>& found) {
  std::string all;
  for (const Hypothesis& h : found)
    all += fmt::format("{}({})", all.empty() ? "" : ", ", fmt::join(h.tokens, " "));
  return all.empty() ? "nothing" : all;
}

void expect_outputs(const std::vector<Hypothesis>& found, const std::vector<Tokens>& want,
                    const std::string& when, const std::string& hint) {
  bool same = found.size() == want.size();
  std::string wanted;
  for (std::size_t i = 0; i < want.size(); ++i) {
    same = same && found[i].tokens == want[i];
    wanted += fmt::format("{}({})", wanted.empty() ? "" : ", ", fmt::join(want[i], " "));
  }
  expect(same, fmt::format("{}: the outputs should be {}, got {}. {}", when, wanted, text(found), hint));
}

void chain_rule_of_the_example() {
  Tree tree = garden_path();
  expect_close(exercise::log_probability(tree.scorer(), {2, 3}, end), std::log(0.4), 1e-9, "ln p of (2 3)",
               "The probabilities are 0.4, 1, and 1 for the end: add their logarithms");
}

void chain_rule_counts_the_end() {
  Tree tree = short_and_long();
  expect_close(exercise::log_probability(tree.scorer(), {1}, end), std::log(0.6 * 0.55), 1e-9, "ln p of (1)",
               "The end has a probability, too: 0.55 after token 1");
  expect_close(exercise::log_probability(tree.scorer(), {}, 1), std::log(0.6), 1e-9,
               "ln p of the empty output, with token 1 for the end");
}

void beam_of_one_is_greedy() {
  Tree tree = garden_path();
  expect_outputs(exercise::beam_search(tree.scorer(), 1, 0, end, 10), {{1, 1}}, "a beam of 1",
                 "It takes the likeliest token each time, of equal ones the first");
}

void wider_beam_finds_the_likelier() {
  Tree tree = garden_path();
  const auto found = exercise::beam_search(tree.scorer(), 2, 0, end, 10);
  expect_outputs(found, {{2, 3}, {1, 1}}, "a beam of 2 on the example",
                 "(2 3) has probability 0.4, (1 1) has 0.3");
  expect_close(found[0].log_probability, std::log(0.4), 1e-9, "ln p of (2 3)");
}

void leaves_out_the_end() {
  Tree tree = short_and_long();
  for (const Hypothesis& h : exercise::beam_search(tree.scorer(), 2, 0, end, 10))
    for (int token : h.tokens) expect(token != end, "the tokens of an output should not hold the end token");
}

void goes_on_after_the_first_end() {
  Tree tree = short_and_long();
  const auto found = exercise::beam_search(tree.scorer(), 2, 0, end, 10);
  expect(found.size() == 2, fmt::format("a beam of 2 should go on until two outputs have ended, got {} ({})",
                                        found.size(), text(found)));
}

void ranks_by_log_probability_for_alpha_zero() {
  Tree tree = short_and_long();
  expect_outputs(exercise::beam_search(tree.scorer(), 2, 0, end, 10), {{1}, {2, 3, 3}},
                 "a beam of 2 with alpha = 0", "(1) has probability 0.33, (2 3 3) has 0.2916");
}

void normalises_by_length() {
  Tree tree = short_and_long();
  expect_outputs(exercise::beam_search(tree.scorer(), 2, 1, end, 10), {{2, 3, 3}, {1}},
                 "a beam of 2 with alpha = 1",
                 "Per token (2 3 3) is the likelier: rank the outputs by their score, best first");
}

void counts_the_end_in_the_length() {
  Tree tree = short_and_long();
  for (double alpha : {0.5, 1.0})
    for (const Hypothesis& h : exercise::beam_search(tree.scorer(), 2, alpha, end, 10))
      expect_close(h.score, h.log_probability / std::pow(static_cast<double>(h.tokens.size()) + 1, alpha),
                   1e-9, fmt::format("the score of ({}) with alpha = {}", fmt::join(h.tokens, " "), alpha),
                   "It is ln p / length^alpha, and the end counts as a token");
}

void forgets_ends_of_low_rank() {
  Tree tree{{{{}, {0, 0.52, 0.48, 0}}, {{1}, {0.6, 0.4, 0, 0}}, {{2}, {0.45, 0, 0, 0.55}}}};
  expect_outputs(exercise::beam_search(tree.scorer(), 2, 0, end, 10), {{1}, {2, 3}, {1, 1}}, "a beam of 2",
                 "In the second round the end of (2) is third in the ranking, and with a beam of 2 only the "
                 "first two may end");
}

void keeps_the_beam_narrow() {
  for (int beam : {1, 2}) {
    Tree tree;
    for (int a = 1; a <= 3; ++a) {
      tree.after[{a}] = {0, 0.5, 0.3, 0.2};
      for (int b = 1; b <= 3; ++b) tree.after[{a, b}] = {0, 0.5, 0.3, 0.2};
    }
    tree.after[{}] = {0, 0.5, 0.3, 0.2};
    exercise::beam_search(tree.scorer(), beam, 0, end, 10);
    expect(tree.asked[0] == 1,
           fmt::format("the model should be asked once about the empty beginning, it was asked {} times",
                       tree.asked[0]));
    for (std::size_t length : {1, 2})
      expect(tree.asked[length] == beam,
             fmt::format("a beam of {}: {} beginnings of {} tokens were continued, should be {}", beam,
                         tree.asked[length], length, beam));
  }
}

void keeps_to_the_limit() {
  Tree tree;
  for (Tokens prefix; prefix.size() < 12; prefix.push_back(1)) tree.after[prefix] = {0.2, 0.8, 0, 0};
  tree.after[{}] = {0, 1, 0, 0};
  const auto found = exercise::beam_search(tree.scorer(), 1, 0, end, 4);
  expect(found.empty(),
         fmt::format("nothing has ended within 4 rounds with a beam of 1, so there is no output, got {}",
                     text(found)));
  const auto rounds = static_cast<int>(tree.asked.size());
  expect(rounds == 4, fmt::format("limit 4: there should be 4 rounds, there were {}", rounds));
}

void leaves_out_the_impossible() {
  Tree tree{{{{}, {0, 1, 0, 0}}}};
  const auto found = exercise::beam_search(tree.scorer(), 3, 0, end, 10);
  expect_outputs(found, {{1}}, "a model with one possible output, a beam of 3",
                 "A candidate of probability 0 must not take part");
}

}  // namespace

int main(int argc, char** argv) {
  return grade(argc, argv, "Chapter 9: the chain rule, and beam search",
               {{"chain_rule_of_the_example", chain_rule_of_the_example},
                {"chain_rule_counts_the_end", chain_rule_counts_the_end},
                {"beam_of_one_is_greedy", beam_of_one_is_greedy},
                {"wider_beam_finds_the_likelier", wider_beam_finds_the_likelier},
                {"leaves_out_the_end", leaves_out_the_end},
                {"goes_on_after_the_first_end", goes_on_after_the_first_end},
                {"ranks_by_log_probability_for_alpha_zero", ranks_by_log_probability_for_alpha_zero},
                {"normalises_by_length", normalises_by_length},
                {"counts_the_end_in_the_length", counts_the_end_in_the_length},
                {"forgets_ends_of_low_rank", forgets_ends_of_low_rank},
                {"keeps_the_beam_narrow", keeps_the_beam_narrow},
                {"keeps_to_the_limit", keeps_to_the_limit},
                {"leaves_out_the_impossible", leaves_out_the_impossible}});
}
