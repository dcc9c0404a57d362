// The tokenizer: training within the text's means, text there and back, nothing special by accident.
#include "text/tokenizer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "text/corpus.hpp"
#include "text/scratch.hpp"

using namespace tenfold;
using std::string_literals::operator""s;
using Kind = TokenizerOptions::Model;

namespace {

/// A few hundred distinct sentences.
std::vector<std::string> english() {
  std::vector<std::string> texts;
  for (const std::string who : {"The baker", "My sister", "An old sailor", "Nobody", "The girl next door"}) {
    for (const std::string does :
         {"paints", "carries", "remembers", "has forgotten", "is looking for", "counts"}) {
      for (const std::string what : {"the blue boat.", "three small apples.", "a quiet garden.",
                                     "every letter!", "its shadow?", "yesterday’s bread."}) {
        texts.push_back(who + " " + does + " " + what);
      }
    }
  }
  return texts;
}

const std::vector<std::string> mandarin = {
    "今天的天气很好。",   "我们明天去公园散步吧！", "他喜欢喝茶，也喜欢看书。",
    "这本书是谁的？",     "小猫在窗台上睡觉。",     "今天我们一起学习中文。",
    "她的猫喜欢晒太阳。", "明天的天气会更好吗？",   "公园里有很多人在散步。"};

Tokenizer train(const std::vector<std::string>& texts, Kind kind, std::int32_t vocab_size,
                double coverage = 1) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return Tokenizer::train(views, {.model = kind, .vocab_size = vocab_size, .character_coverage = coverage});
}

std::string round_trip(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.decode(tokenizer.encode(text));
}

/// The number after `words` in `message`.
int number_after(const std::string& message, const std::string& words) {
  const auto at = message.find(words);
  REQUIRE(at != std::string::npos);
  return std::stoi(message.substr(at + words.size()));
}

}  // namespace

TEST_CASE("text comes back as it went in") {
  for (const Kind kind : {Kind::unigram, Kind::bpe}) {
    const Tokenizer tokenizer = train(english(), kind, 64);
    CHECK(tokenizer.vocab_size() == 64);
    for (const std::string& text : english()) {
      CHECK(round_trip(tokenizer, text) == text);
      CHECK(tokenizer.encode(text).size() < text.size());
    }
    CHECK(tokenizer.encode("").empty());
    CHECK(tokenizer.encode(" \t\0 \u3000"s).empty());
    CHECK(tokenizer.decode({}).empty());
  }
}

TEST_CASE("the special ids are where the header says") {
  for (const Kind kind : {Kind::unigram, Kind::bpe}) {
    const Tokenizer tokenizer = train(english(), kind, 64);
    CHECK(tokenizer.piece(SpecialIds::pad) == "<pad>");
    CHECK(tokenizer.piece(SpecialIds::unk) == "<unk>");
    CHECK(tokenizer.piece(SpecialIds::bos) == "<s>");
    CHECK(tokenizer.piece(SpecialIds::eos) == "</s>");
    const std::vector<std::int32_t> markers = {SpecialIds::bos, SpecialIds::eos, SpecialIds::pad};
    CHECK(tokenizer.decode(markers).empty());
  }
}

TEST_CASE("markers spelled out in a text are text") {
  std::vector<std::string> texts = english();
  for (int i = 0; i < 50; ++i) texts.push_back("<s> <pad> </s> <unk> a<s>b <0x41>");
  for (const Kind kind : {Kind::unigram, Kind::bpe}) {
    const Tokenizer tokenizer = train(texts, kind, 74);
    for (const std::string text :
         {"<s>", "</s>", "<pad>", "<unk>", "a<s>b</s><pad>", "<s> <pad> </s> <unk> a<s>b"}) {
      CAPTURE(text);
      const auto ids = tokenizer.encode(text);
      CHECK(!ids.empty());
      for (const auto id : ids) CHECK(id >= SpecialIds::count);
      CHECK(tokenizer.decode(ids) == text);
    }
  }
}

TEST_CASE("Mandarin needs no spaces between words") {
  for (const Kind kind : {Kind::unigram, Kind::bpe}) {
    const Tokenizer tokenizer = train(mandarin, kind, 66);
    for (const std::string& text : mandarin)
      CHECK(round_trip(tokenizer, text) == text);  // full-width marks too
    const auto pieces = tokenizer.pieces("今天的天气");
    CHECK(std::any_of(pieces.begin(), pieces.end(),
                      [](const std::string& p) { return p.size() >= 6 && p[0] != '\xE2'; }));
  }
}

TEST_CASE("composed and decomposed text have the same ids") {
  const Tokenizer tokenizer =
      train({"le café est prêt", "un élève à l’école", "ça va très bien"}, Kind::bpe, 40);
  CHECK(tokenizer.encode("le cafe\u0301 est pre\u0302t") == tokenizer.encode("le café est prêt"));
  CHECK(round_trip(tokenizer, "le cafe\u0301") == "le café");
  const Tokenizer decomposed =
      train({"le cafe\u0301 est pre\u0302t", "un élève à l’école", "ça va très bien"}, Kind::bpe, 40);
  CHECK(decomposed.serialized() == tokenizer.serialized());
}

TEST_CASE("blanks of every kind are one space") {
  const Tokenizer tokenizer = train(english(), Kind::unigram, 64);
  CHECK(round_trip(tokenizer, "\tThe\r baker\u00A0\u3000paints\0the\u2581boat. "s) ==
        "The baker paints the boat.");
}

TEST_CASE("unknown characters become unk; invalid UTF-8 is refused") {
  const Tokenizer tokenizer = train(english(), Kind::unigram, 64);
  const auto ids = tokenizer.encode("The 猫 paints");
  CHECK(std::count(ids.begin(), ids.end(), SpecialIds::unk) == 1);
  CHECK(tokenizer.decode(ids).find("\u2047") != std::string::npos);
  CHECK_THROWS_AS(tokenizer.encode("caf\xE9"), DataError);
  CHECK_THROWS_AS(tokenizer.pieces("caf\xE9"), DataError);
}

TEST_CASE("ids outside the vocabulary are refused") {
  const Tokenizer tokenizer = train(english(), Kind::unigram, 64);
  for (const std::int32_t id : {-1, 64, 2147483647}) {
    const std::vector<std::int32_t> ids = {5, id};
    CHECK(message_of<DataError>([&] { tokenizer.decode(ids); }) ==
          fmt::format("tokenizer: there is no piece {} in a vocabulary of 64", id));
    CHECK_THROWS_AS(tokenizer.piece(id), DataError);
  }
}

TEST_CASE("the trainer loses no text, however odd the line") {
  // Each odd line alone brings a letter, which must then be in the vocabulary.
  std::vector<std::string> texts = english();
  texts.push_back("tab\tñ");
  texts.push_back("return\rø");
  texts.push_back("nul\0å"s);
  texts.push_back("\u2585 æ");  // SentencePiece's own mark for rare characters
  std::string words, word;
  for (int i = 0; i < 30000; ++i) words += "boat ";
  for (int i = 0; i < 100000; ++i) word += "猫";
  texts.push_back(words + "ß");
  texts.push_back(word + "œ");
  for (const Kind kind : {Kind::unigram, Kind::bpe}) {
    const Tokenizer tokenizer = train(texts, kind, 74);
    for (const std::string letter : {"ñ", "ø", "å", "æ", "ß", "œ", "猫"}) {
      CAPTURE(letter);
      CHECK(round_trip(tokenizer, letter) == letter);
    }
    CHECK(round_trip(tokenizer, word) == word);
  }
}

TEST_CASE("a vocabulary larger than the text supports: the message says what is possible, and it is") {
  for (const Kind kind : {Kind::unigram, Kind::bpe}) {
    for (const auto& texts : {english(), mandarin, std::vector<std::string>{"a b c"}}) {
      const auto message = message_of<DataError>([&] { train(texts, kind, 8000); });
      const int largest = number_after(message, "at most ");
      CHECK(message ==
            fmt::format("tokenizer: vocabulary of 8000 is larger than this text supports (at most {}); "
                        "use --vocabulary {} or more text",
                        largest, largest));
      CHECK(train(texts, kind, largest).vocab_size() == largest);
      CHECK_THROWS_AS(train(texts, kind, largest + 1), DataError);
    }
  }
}

TEST_CASE("a vocabulary smaller than the alphabet: the message says what is needed, and it is enough") {
  for (const Kind kind : {Kind::unigram, Kind::bpe}) {
    const auto message = message_of<DataError>([&] { train(english(), kind, 10); });
    const int least = number_after(message, "at least ");
    CHECK(message ==
          fmt::format("tokenizer: vocabulary of 10 is smaller than the characters of this text need (at "
                      "least {}); use --vocabulary {} or a lower character coverage",
                      least, least));
    CHECK(train(english(), kind, least).vocab_size() == least);
    CHECK_THROWS_AS(train(english(), kind, least - 1), DataError);
  }
}

TEST_CASE("nothing to learn from, or options out of range") {
  CHECK(message_of<DataError>([] { train({}, Kind::bpe, 100); }) ==
        "tokenizer: no text to learn from in 0 lines");
  CHECK(message_of<DataError>([] {
          train({"", " \t"}, Kind::bpe, 100);
        }) == "tokenizer: no text to learn from in 2 lines");
  CHECK(message_of<DataError>([] {
          train({"fine", "caf\xE9"}, Kind::bpe, 100);
        }) == "tokenizer: text 2 is not UTF-8 (byte 4)");
  CHECK(message_of<UsageError>([] { train({"a"}, Kind::bpe, 4); }) ==
        "tokenizer: the vocabulary must be larger than its 4 special pieces, got 4");
  CHECK_THROWS_AS(train({"a"}, Kind::bpe, -1), UsageError);
  for (const double coverage : {0.0, 0.5, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(train({"a"}, Kind::bpe, 20, coverage), UsageError);
  }
}

TEST_CASE("coverage below one leaves the rarest characters out") {
  std::vector<std::string> texts = english();
  texts.push_back("猫");
  CHECK(train(texts, Kind::unigram, 66, 1.0).encode("猫").back() != SpecialIds::unk);
  CHECK(train(texts, Kind::unigram, 66, 0.999).encode("猫").back() == SpecialIds::unk);
}

TEST_CASE("training twice gives the same bytes") {
  for (const Kind kind : {Kind::unigram, Kind::bpe}) {
    CHECK(train(english(), kind, 64).serialized() == train(english(), kind, 64).serialized());
  }
}

TEST_CASE("a model saved and read back is the same tokenizer") {
  const Tokenizer tokenizer = train(english(), Kind::unigram, 64);
  const Tokenizer copy = Tokenizer::from_serialized(tokenizer.serialized());
  CHECK(copy.serialized() == tokenizer.serialized());
  for (const std::string& text : english()) CHECK(copy.encode(text) == tokenizer.encode(text));
}

TEST_CASE("Multi30k: a joint vocabulary") {
  const auto english_file = real_data("multi30k/val.en.gz"), german = real_data("multi30k/val.de.gz");
  if (!english_file || !german) return;
  std::vector<std::string> texts;
  for (const SentencePair& pair : read_parallel(*english_file, *german).pairs) {
    texts.push_back(pair.source);
    texts.push_back(pair.target);
  }
  const Tokenizer tokenizer = train(texts, Kind::unigram, 2000);
  std::size_t different = 0;
  for (const std::string& text : texts) different += round_trip(tokenizer, text) != text;
  CHECK(different * 50 <= texts.size());  // runs of spaces are joined
}

TEST_CASE("Tatoeba: Mandarin there and back") {
  const auto path = real_data("tatoeba/eng-cmn.tsv.gz");
  if (!path) return;
  std::vector<std::string> texts;
  for (const SentencePair& pair : read_tsv(*path).pairs) texts.push_back(pair.target);
  const Tokenizer tokenizer = train(texts, Kind::bpe, 6000);
  std::size_t different = 0;
  for (const std::string& text : texts) different += round_trip(tokenizer, text) != text;
  CHECK(different * 50 <= texts.size());
}
