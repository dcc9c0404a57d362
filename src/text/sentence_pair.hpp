/// @file
/// SentencePair: one sentence and its translation, both UTF-8.
#pragma once
#include <string>

namespace tenfold {

/// A sentence and its translation.
struct SentencePair {
  std::string source, target;  ///< UTF-8
};

}  // namespace tenfold
