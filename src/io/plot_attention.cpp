#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"
#include "io/gnuplot.hpp"
#include "io/plot.hpp"

namespace tenfold {
namespace {

using Json = nlohmann::json;
using Matrix = std::vector<std::vector<double>>;  // [target, source]

constexpr std::size_t longest_sentence = 100;
constexpr std::size_t most_heads = 16;

/// What is drawn: one layer of one sentence.
struct Layer {
  std::size_t number = 0;
  std::vector<std::string> source, target;
  std::vector<Matrix> heads;
};

/// Takes the JSON apart, naming file and place of whatever is not as it should be.
class AttentionReader {
 public:
  AttentionReader(const fs::path& path, const AttentionChoice& choice)
      : file_(path.string()), choice_(choice) {}

  Layer read(const std::string& text) const {
    const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (root.is_discarded()) blame("not valid JSON");
    const Json& sentence = chosen(member(root, "sentences", "the file"), choice_.sentence, "sentence");
    const Json& layers = member(sentence, "layers", "a sentence");
    const std::size_t number = choice_.layer.value_or(layers.empty() ? 0 : layers.size() - 1);
    const Json& heads = member(chosen(layers, number, "layer"), "heads", "a layer");
    Layer layer{number, tokens(sentence, "source"), tokens(sentence, "target"), {}};
    if (heads.empty() || heads.size() > most_heads)
      blame(fmt::format("a layer must have 1 to {} heads, got {}", most_heads, heads.size()));
    for (const Json& head : heads) layer.heads.push_back(matrix(head, layer));
    return layer;
  }

 private:
  [[noreturn]] void blame(const std::string& rule) const { throw DataError(file_ + ": " + rule); }

  const Json& member(const Json& object, const char* name, const char* owner) const {
    if (!object.is_object() || !object.contains(name) || !object[name].is_array())
      blame(fmt::format("{} must be an object with an array \"{}\"", owner, name));
    return object[name];
  }

  const Json& chosen(const Json& array, std::size_t index, const char* kind) const {
    if (array.empty()) blame(fmt::format("it holds no {}", kind));
    if (index >= array.size())
      throw UsageError(fmt::format("{}: there is no {} {}: it holds {} of them, counted from 0", file_, kind,
                                   index, array.size()));
    return array[index];
  }

  std::vector<std::string> tokens(const Json& sentence, const char* side) const {
    const Json& array = member(sentence, side, "a sentence");
    if (array.empty() || array.size() > longest_sentence)
      blame(fmt::format("the {} must have 1 to {} tokens to be drawn, got {}", side, longest_sentence,
                        array.size()));
    std::vector<std::string> out;
    for (const Json& token : array) {
      if (!token.is_string()) blame(fmt::format("the tokens of the {} must be strings", side));
      out.push_back(token.get<std::string>());
    }
    return out;
  }

  Matrix matrix(const Json& head, const Layer& layer) const {
    Matrix out;
    if (!head.is_array() || head.size() != layer.target.size())
      blame(fmt::format("a head must have one row for each of the {} target tokens", layer.target.size()));
    for (const Json& row : head) {
      if (!row.is_array() || row.size() != layer.source.size())
        blame(fmt::format("a head's row must have one weight for each of the {} source tokens",
                          layer.source.size()));
      out.emplace_back();
      for (const Json& weight : row) out.back().push_back(checked_weight(weight));
    }
    return out;
  }

  double checked_weight(const Json& weight) const {
    constexpr double rounding = 1e-3;
    const double value = weight.is_number() ? weight.get<double>() : std::nan("");
    if (!(value >= 0 && value <= 1 + rounding)) blame("a weight must be a number of 0 to 1");
    return std::min(value, 1.0);
  }

  std::string file_;
  AttentionChoice choice_;
};

std::string tics(const char* axis, const std::vector<std::string>& tokens) {
  std::string out = fmt::format("set {} (", axis);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    out += fmt::format("{}{} {}", i ? ", " : "", label(tokens[i]), i);
  return out + ")\n";
}

/// With one more row and column, outside what is drawn: gnuplot takes the size of a cell from the distance to
/// the next.
std::string data_block(std::size_t number, const Matrix& weights) {
  std::string out = fmt::format("$head{} << END\n", number);
  for (const auto& row : weights) {
    for (double weight : row) out += fmt::format("{:.6f} ", weight);
    out += "0\n";
  }
  for (std::size_t i = 0; i <= weights.front().size(); ++i) out += "0 ";
  return out + "\nEND\n";
}

int widest(const std::vector<std::string>& tokens) {
  std::size_t columns = 0;
  for (const std::string& token : tokens) columns = std::max(columns, label_columns(token));
  return static_cast<int>(columns);
}

/// All in pixels. The maps are laid out by hand, so that cells are squares of one size in every map and each
/// map has the room its labels need.
struct Layout {
  static constexpr int gap = 18;
  int columns, cell, left, top, map_width, map_height, width, height;

  explicit Layout(const Layer& layer) {
    constexpr int character = 8, title = 58, legend = 112;
    const int heads = static_cast<int>(layer.heads.size());
    columns = heads <= 3 ? heads : heads == 4 ? 2 : 4;
    const int rows = (heads + columns - 1) / columns;
    const std::size_t longest = std::max(layer.source.size(), layer.target.size());
    cell = longest <= 12 ? 30 : longest <= 30 ? 22 : 16;
    left = character * widest(layer.target) + 40;
    top = character * widest(layer.source) + title;
    map_width = cell * static_cast<int>(layer.source.size());
    map_height = cell * static_cast<int>(layer.target.size());
    // A legend and the titles need some room, however short the sentence.
    width = std::max(columns * (left + map_width + gap) + legend, 320);
    height = std::max(rows * (top + map_height + gap), 260);
  }
  int map_x(std::size_t head) const {
    const int column = static_cast<int>(head) % columns;
    return column * (left + map_width + gap) + left;
  }
  /// Of the upper edge, counted downwards.
  int map_y(std::size_t head) const {
    const int row = static_cast<int>(head) / columns;
    return row * (top + map_height + gap) + top;
  }
  double x(double pixels) const { return pixels / width; }
  double y(double pixels) const { return 1 - pixels / height; }
};

constexpr const char* heat_map_style = R"(set cbrange [0:1]
set palette defined (0 '#ffffff', 0.25 '#b8d9ec', 0.5 '#56b4e9', 0.75 '#0072b2', 1 '#00263d')
set border lc rgb '#444444'
unset key
unset xtics
unset colorbox
)";

std::string map_of(const Layer& layer, const Layout& at, std::size_t head) {
  const double x = at.map_x(head), y = at.map_y(head), right = x + at.map_width, bottom = y + at.map_height;
  std::string out = fmt::format(
      "set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen "
      "{}\n",
      at.x(x), at.x(right), at.y(y), at.y(bottom));
  out += fmt::format("set label 1 'layer {}, head {}' at screen {},{} left\n", layer.number, head, at.x(x),
                     at.y(y - at.top + 18));
  out += fmt::format("set label 2 'source' at screen {},{} left tc rgb '#666666'\n", at.x(x),
                     at.y(y - at.top + 38));
  out += fmt::format("set label 3 'target' at screen {},{} right rotate by 90 tc rgb '#666666'\n",
                     at.x(x - at.left + 14), at.y(y));
  return out + fmt::format("plot $head{} matrix with image pixels\n", head);
}

std::string script_for(const Layer& layer, PictureKind kind) {
  const Layout at(layer);
  std::string script = terminal_line(kind, at.width, at.height) + heat_map_style;
  script += tics("x2tics out scale 0.4 rotate by 90 left", layer.source);
  script += tics("ytics out scale 0.4 nomirror", layer.target);
  const std::string across = fmt::format("[-0.5:{}]\n", static_cast<double>(layer.source.size()) - 0.5);
  script += "set xrange " + across + "set x2range " + across;
  script += fmt::format("set yrange [{}:-0.5]\n", static_cast<double>(layer.target.size()) - 0.5);
  for (std::size_t head = 0; head < layer.heads.size(); ++head) script += data_block(head, layer.heads[head]);
  script += "set multiplot\n";
  for (std::size_t head = 0; head < layer.heads.size(); ++head) {
    // One scale for all.
    if (head + 1 == layer.heads.size())
      script += fmt::format(
          "set colorbox user origin screen {},{} size screen {},{}\nset cblabel 'attention weight'\nset "
          "cbtics 0.25\n",
          at.x(at.width - 96), at.y(240), at.x(14), 1 - at.y(200));
    script += map_of(layer, at, head);
  }
  return script + "unset multiplot\n";
}

}  // namespace

void plot_attention(const fs::path& attention, const fs::path& output, const AttentionChoice& choice) {
  const PictureKind kind = picture_kind(output);
  const Layer layer = AttentionReader(attention, choice).read(read_file(attention));
  write_file_atomically(output, run_gnuplot(script_for(layer, kind)));
}

}  // namespace tenfold
