// Damaged SentencePiece models: an error of one line, never a crash, a hang or a tokenizer that misbehaves.
#include "text/model_check.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "text/scratch.hpp"
#include "text/tokenizer.hpp"

using namespace tenfold;
using std::string_literals::operator""s;

namespace {

std::string trained(TokenizerOptions::Model kind) {
  const std::vector<std::string_view> texts(20, "a small boat, a big boat and a blue coat");
  return Tokenizer::train(texts, {.model = kind, .vocab_size = 24, .character_coverage = 1}).serialized();
}

const std::string& good_model() {
  static const std::string model = trained(TokenizerOptions::Model::unigram);
  return model;
}

/// Reads the model; if that works, the tokenizer must work too. True if it was refused.
bool refused(const std::string& model) {
  try {
    const Tokenizer tokenizer = Tokenizer::from_serialized(model);
    const auto ids = tokenizer.encode("a small <s> boat 猫");
    for (const std::int32_t id : ids) CHECK((id >= 0 && id < tokenizer.vocab_size()));
    tokenizer.decode(ids);
    return false;
  } catch (const DataError& error) {
    const std::string message = error.what();
    CHECK(message.starts_with("tokenizer: "));
    CHECK(message.find('\n') == std::string::npos);
    return true;
  }
}

// The wire format, enough to write models by hand.
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string bytes_field(int number, const std::string& bytes) {
  return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string int_field(int number, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(number) << 3) + varint(value);
}
std::string float_field(int number, float value) {
  std::string raw(4, '\0');
  std::memcpy(raw.data(), &value, 4);
  return varint(static_cast<std::uint64_t>(number) << 3 | 5) + raw;
}
std::string piece(const std::string& text, float score = -1, int type = 1) {
  return bytes_field(
      1, bytes_field(1, text) + float_field(2, score) + int_field(3, static_cast<std::uint64_t>(type)));
}

const std::string special =
    piece("<pad>", 0, 3) + piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
std::string trainer(int pieces, const std::string& more = "") {
  return bytes_field(2, int_field(3, 1) + int_field(4, static_cast<std::uint64_t>(pieces)) + more);
}
std::string normaliser(const std::string& more = "") {
  return bytes_field(3, bytes_field(1, "identity") + more);
}

std::string complaint(const std::string& model) {
  const std::string start = "tokenizer: not a SentencePiece model of tenfold, or damaged: ";
  const std::string message = message_of<DataError>([&] { Tokenizer::from_serialized(model); });
  return message.starts_with(start) ? message.substr(start.size()) : message;
}

}  // namespace

TEST_CASE("a model written by hand is read") {
  const std::string model = special + piece("\u2581") + piece("a") + piece("b") + trainer(7) + normaliser();
  const Tokenizer tokenizer = Tokenizer::from_serialized(model);
  CHECK(tokenizer.encode("ab") == std::vector<std::int32_t>{4, 5, 6});
}

TEST_CASE("a model cut at any byte is refused") {
  for (std::size_t size = 0; size < good_model().size(); ++size) {
    CAPTURE(size);
    CHECK(refused(good_model().substr(0, size)));
  }
}

TEST_CASE("no flipped bit crashes, and the tokenizer works where it was not noticed") {
  for (const auto kind : {TokenizerOptions::Model::unigram, TokenizerOptions::Model::bpe}) {
    const std::string good = trained(kind);
    std::size_t noticed = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      CAPTURE(bit);
      std::string model = good;
      model[bit / 8] = static_cast<char>(model[bit / 8] ^ (1 << bit % 8));
      noticed += refused(model);
    }
    CHECK(noticed > good.size() * 4);  // the rest are letters, scores and notes on the training
  }
}

TEST_CASE("no flipped byte, no run of zeros and no foreign bytes crash") {
  std::uint64_t state = 1;
  const auto next = [&state] { return state = state * 6364136223846793005u + 1442695040888963407u; };
  for (int round = 0; round < 3000; ++round) {
    std::string model = good_model();
    const std::size_t at = (next() >> 33) % model.size();
    const std::size_t count = std::min<std::size_t>(1 + (next() >> 33) % 8, model.size() - at);
    for (std::size_t i = 0; i < count; ++i)
      model[at + i] = round % 2 ? '\0' : static_cast<char>(next() >> 40);
    refused(model);
  }
  CHECK(refused("{\"model\": \"another file\"}\n"));
  CHECK(refused(std::string(1000, '\0')));
  CHECK(refused(std::string(1000, '\xFF')));
}

TEST_CASE("what SentencePiece would trip over is named") {
  const std::string a = piece("a"), rest = trainer(5) + normaliser();
  CHECK(complaint("") == "it holds 0 pieces");
  CHECK(complaint(special + trainer(4) + normaliser()) == "it holds 4 pieces");
  CHECK(complaint(special + a) == "it ends before the training options");
  CHECK(complaint(special + a + trainer(6) + normaliser()) == "it holds 5 pieces but says 6");
  CHECK(complaint(special + a + trainer(5)) == "its normaliser is not \"identity\"");
  CHECK(complaint(special + piece("") + rest) == "piece 4 has 0 bytes");
  CHECK(complaint(special + piece(std::string(2000, 'a')) + rest) == "piece 4 has 2000 bytes");
  CHECK(complaint(special + piece("a\0b"s) + rest) == "piece 4 holds a NUL byte");
  CHECK(complaint(special + piece("\xC3") + rest) == "piece 4 is not UTF-8");
  CHECK(complaint(special + piece("a", NAN) + rest) == "the score of piece 4 is not finite");
  CHECK(complaint(special + piece("a", -INFINITY) + rest) == "the score of piece 4 is not finite");
  CHECK(complaint(special + piece("a", 0, 4) + rest) == "piece 4 has type 4, not 1");
  CHECK(complaint(special + a + a + trainer(6) + normaliser()) == "piece 5 occurs twice");
  CHECK(complaint(a + special + rest) == "piece 0 is not <pad>");
  CHECK(complaint(special + bytes_field(1, bytes_field(1, "a") + int_field(9, 1)) + rest) ==
        "an unexpected field in piece 4");
}

TEST_CASE("options that change how text is read are named") {
  const std::string five = special + piece("a");
  CHECK(complaint(five + bytes_field(2, int_field(3, 4) + int_field(4, 5)) + normaliser()) ==
        "the model is neither unigram nor BPE");
  CHECK(complaint(five + trainer(5, int_field(24, 1)) + normaliser()) ==
        "white space is treated as a suffix");
  CHECK(complaint(five + trainer(5, int_field(35, 1)) + normaliser()) == "byte fallback is on");
  CHECK(complaint(five + trainer(5, bytes_field(44, "?")) + normaliser()) ==
        "the text of unknown pieces is changed");
  CHECK(complaint(five + trainer(5, bytes_field(46, "<bos>")) + normaliser()) ==
        "a special piece has another name");
  CHECK(complaint(five + trainer(5) + normaliser(bytes_field(2, "rules"))) ==
        "it carries normalisation rules of its own");
  CHECK(complaint(five + trainer(5) + normaliser(int_field(3, 0))) ==
        "its rules for white space are changed");
  CHECK(complaint(five + trainer(5) + normaliser() + bytes_field(4, "")) ==
        "an unexpected top-level field, 4");
}

TEST_CASE("broken wire format is named") {
  CHECK(complaint("\x0A\x7F"s) == "it ends too early");
  CHECK(complaint("\x0A"s + std::string(11, '\x80')) == "a number that does not end");
  CHECK(complaint("\x0B") == "an unknown wire type, 3");
  CHECK(complaint("\x02\x01"s) == "a field number out of range");
  CHECK(complaint("\x08\x01") == "a top-level field that is not a message");
}
