/// @file
/// How a segment is cut into the words that BLEU counts. The rules are those of sacreBLEU 2 (Post 2018, "A
/// Call for Clarity in Reporting BLEU Scores"), whose 13a is the tokeniser of NIST's mteval-v13a.
#pragma once
#include <string>
#include <string_view>

namespace tenfold {

/// How BLEU cuts a segment into words.
enum class MtTokenization {
  v13a,  ///< punctuation apart, numbers whole; the default, for European languages
  zh,    ///< every Chinese character a word of its own, the rest as in 13a
  none   ///< the segment is already cut: words stand between spaces
};

/// The name sacreBLEU gives it: "13a", "zh" or "none".
std::string_view name_of(MtTokenization tokenization);

/// The tokenisation of that name. Throws UsageError, with the names there are, if there is none.
MtTokenization mt_tokenization_from(std::string_view name);

/// `segment` (code points) with white space between its words and perhaps around them, as sacreBLEU cuts it
/// once trailing white space is gone.
std::u32string mt_tokenize(std::u32string_view segment, MtTokenization tokenization);

}  // namespace tenfold
