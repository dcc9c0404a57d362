/// @file
/// Reads metric_samples.txt: the sets of hypotheses and references that BLEU and chrF are tested on.
#pragma once
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace tenfold {

struct SampleSet {
  std::vector<std::string> hypotheses, references;
};

inline std::map<std::string, SampleSet> read_metric_samples() {
  std::ifstream file(TENFOLD_SOURCE_DIR "/tests/text/metric_samples.txt");
  std::map<std::string, SampleSet> sets;
  std::string line, name;
  while (std::getline(file, line)) {
    const auto tab = line.find('\t');
    if (line.starts_with('[') && line.ends_with(']')) {
      name = line.substr(1, line.size() - 2);
    } else if (!name.empty() && tab != line.npos) {
      sets[name].hypotheses.push_back(line.substr(0, tab));
      sets[name].references.push_back(line.substr(tab + 1));
    }
  }
  if (sets.empty()) throw std::runtime_error("tests/text/metric_samples.txt: no sets found");
  return sets;
}

}  // namespace tenfold
