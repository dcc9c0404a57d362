/// @file
/// SentencePair: one sentence and its translation, both UTF-8.
#pragma once
#include <string>

namespace tenfold {

struct SentencePair {
  std::string source, target;
};

}  // namespace tenfold
