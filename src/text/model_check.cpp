#include "text/model_check.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>

#include "core/errors.hpp"
#include "text/tokenizer.hpp"
#include "text/utf8.hpp"

namespace tenfold {
namespace {

[[noreturn]] void refuse(const std::string& reason) {
  throw DataError(fmt::format("tokenizer: not a SentencePiece model of tenfold, or damaged: {}", reason));
}

/// One field of a protocol buffer message (protobuf.dev/programming-guides/encoding).
struct Field {
  std::uint64_t number;
  std::uint64_t value;     // of a varint or fixed-width field
  std::string_view bytes;  // of a length-delimited field
  enum Wire { varint = 0, fixed64 = 1, delimited = 2, fixed32 = 5 } wire;
};

/// Goes through the fields of a message in order; every read is checked against the end.
class Message {
 public:
  explicit Message(std::string_view bytes) : rest_(bytes) {}

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const std::uint64_t key = read_varint();
    Field field{key >> 3, 0, {}, static_cast<Field::Wire>(key & 7)};
    if (field.number == 0 || field.number >= 1 << 29) refuse("a field number out of range");
    switch (field.wire) {
      case Field::varint:
        field.value = read_varint();
        break;
      case Field::fixed64:
        field.value = read_fixed(8);
        break;
      case Field::fixed32:
        field.value = read_fixed(4);
        break;
      case Field::delimited:
        field.bytes = take(read_varint());
        break;
      default:
        refuse(fmt::format("an unknown wire type, {}", key & 7));
    }
    return field;
  }

 private:
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) refuse("it ends too early");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::uint64_t read_fixed(int size) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const unsigned char byte : take(size)) {
      value |= std::uint64_t{byte} << shift;
      shift += 8;
    }
    return value;
  }

  std::uint64_t read_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    refuse("a number that does not end");
  }

  std::string_view rest_;
};

enum PieceType : std::uint64_t { normal = 1, unknown = 2, control = 3 };

/// Field numbers and values below are those of sentencepiece_model.proto, version 0.1.97.
class ModelCheck {
 public:
  void run(std::string_view model) {
    Message message(model);
    while (const auto field = message.next()) {
      if (field->wire != Field::delimited) refuse("a top-level field that is not a message");
      if (field->number == 1) {
        check_piece(field->bytes);
      } else if (field->number == 2) {
        check_trainer(field->bytes);
      } else if (field->number == 3) {
        check_normaliser(field->bytes);
      } else {
        refuse(fmt::format("an unexpected top-level field, {}", field->number));
      }
    }
    finish();
  }

 private:
  void check_piece(std::string_view bytes) {
    std::string_view piece;
    std::uint64_t type = normal;
    float score = 0;
    Message message(bytes);
    while (const auto field = message.next()) {
      if (field->number == 1 && field->wire == Field::delimited) {
        piece = field->bytes;
      } else if (field->number == 2 && field->wire == Field::fixed32) {
        score = std::bit_cast<float>(static_cast<std::uint32_t>(field->value));
      } else if (field->number == 3 && field->wire == Field::varint) {
        type = field->value;
      } else {
        refuse(fmt::format("an unexpected field in piece {}", pieces_));
      }
    }
    check_piece_content(piece, score, type);
    ++pieces_;
  }

  void check_piece_content(std::string_view piece, float score, std::uint64_t type) {
    // Training makes pieces of at most 16 characters; SentencePiece's lookup tables stop at 1024 bytes.
    constexpr std::size_t longest = 64;
    if (piece.empty() || piece.size() > longest)
      refuse(fmt::format("piece {} has {} bytes", pieces_, piece.size()));
    if (find_invalid_utf8(piece)) refuse(fmt::format("piece {} is not UTF-8", pieces_));
    if (piece.find('\0') != std::string_view::npos) refuse(fmt::format("piece {} holds a NUL byte", pieces_));
    if (!std::isfinite(score)) refuse(fmt::format("the score of piece {} is not finite", pieces_));
    constexpr std::string_view special[] = {"<pad>", "<unk>", "<s>", "</s>"};
    const bool is_special = pieces_ < SpecialIds::count;
    if (is_special && piece != special[pieces_])
      refuse(fmt::format("piece {} is not {}", pieces_, special[pieces_]));
    const std::uint64_t expected = !is_special ? normal : pieces_ == SpecialIds::unk ? unknown : control;
    if (type != expected) refuse(fmt::format("piece {} has type {}, not {}", pieces_, type, expected));
    if (!seen_.insert(piece).second) refuse(fmt::format("piece {} occurs twice", pieces_));
  }

  void check_trainer(std::string_view bytes) {
    has_trainer_ = true;
    Message message(bytes);
    while (const auto field = message.next()) {
      const auto [number, value] = std::pair(field->number, field->value);
      if (number == 3 && value != 1 && value != 2) refuse("the model is neither unigram nor BPE");
      if (number == 4) declared_ = value;
      if (number == 24 && value != 0) refuse("white space is treated as a suffix");
      if (number == 35 && value != 0) refuse("byte fallback is on");
      if (number == 44 && field->bytes != " \xE2\x81\x87 ") refuse("the text of unknown pieces is changed");
      if (number >= 45 && number <= 48) check_special_name(*field);
    }
  }

  static void check_special_name(const Field& field) {
    constexpr std::string_view names[] = {"<unk>", "<s>", "</s>", "<pad>"};  // fields 45 to 48
    if (field.bytes != names[field.number - 45]) refuse("a special piece has another name");
  }

  void check_normaliser(std::string_view bytes) {
    Message message(bytes);
    while (const auto field = message.next()) {
      if (field->number == 1) identity_ = field->bytes == "identity";
      if (field->number == 2 && !field->bytes.empty()) refuse("it carries normalisation rules of its own");
      const bool white_space_flag = field->number >= 3 && field->number <= 5;
      if (white_space_flag && field->value != 1) refuse("its rules for white space are changed");
    }
  }

  void finish() const {
    if (pieces_ <= SpecialIds::count) refuse(fmt::format("it holds {} pieces", pieces_));
    if (!has_trainer_) refuse("it ends before the training options");
    if (declared_ != static_cast<std::uint64_t>(pieces_)) {
      refuse(fmt::format("it holds {} pieces but says {}", pieces_, declared_));
    }
    if (!identity_) refuse("its normaliser is not \"identity\"");
  }

  std::int64_t pieces_ = 0;
  std::unordered_set<std::string_view> seen_;
  std::uint64_t declared_ = 0;
  bool has_trainer_ = false, identity_ = false;
};

}  // namespace

void check_sentencepiece_model(std::string_view model) { ModelCheck().run(model); }

}  // namespace tenfold
