#include "translate/translator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/errors.hpp"
#include "text/utf8.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

// Valid UTF-8 without NUL, whatever came in.
std::string cleaned(const std::string& line, std::vector<std::string>& warnings) {
  if (!find_invalid_utf8(line) && line.find('\0') == std::string::npos) return line;
  std::string out;
  std::size_t replaced = 0, dropped = 0;
  for (std::size_t at = 0; at < line.size();) {
    const auto point = decode_utf8(line, at);
    if (!point) {
      out += "\uFFFD";
      ++replaced;
      ++at;
    } else {
      if (point->value == 0) ++dropped;
      else out.append(line, at, point->next - at);
      at = point->next;
    }
  }
  if (replaced) warnings.push_back(fmt::format("{} bytes are not UTF-8 and were replaced", replaced));
  if (dropped) warnings.push_back(fmt::format("{} NUL bytes were dropped", dropped));
  return out;
}

// Sorted by length, so that sentences translated together need little padding.
std::vector<std::size_t> by_length(const std::vector<Translation>& lines) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (!lines[i].source.empty()) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lines[a].source.size() < lines[b].source.size(); });
  return order;
}

std::vector<TokenPair> tokenised(const Tokenizers& tokenizers, std::span<const SentencePair> pairs) {
  std::vector<TokenPair> out;
  for (const SentencePair& p : pairs)
    out.push_back({tokenizers.source.encode(p.source), tokenizers.target.encode(p.target)});
  return out;
}

}  // namespace

DeviceBatch on_device(const Batch& batch, Kernels& k) {
  return {IdTensor::from(k, {batch.size, batch.source_length}, batch.source),
          IdTensor::from(k, {batch.size}, batch.source_lengths),
          IdTensor::from(k, {batch.size, batch.target_length}, batch.target_input),
          IdTensor::from(k, {batch.size, batch.target_length}, batch.target_output), batch.target_tokens};
}

std::vector<Translation> translate(Transformer& model, const Tokenizers& tokenizers,
                                   std::span<const std::string> lines, const SearchOptions& options,
                                   std::size_t batch, PreparedWeights* prepared) {
  const auto longest = static_cast<std::size_t>(model.config().max_length) - 1;  // and the end marker
  std::vector<Translation> out(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out[i].source = tokenizers.source.encode(cleaned(lines[i], out[i].warnings));
    if (out[i].source.size() > longest) {
      out[i].warnings.push_back(
          fmt::format("{} tokens are too many for this model, only the first {} were translated",
                      out[i].source.size(), longest));
      out[i].source.resize(longest);
    }
    if (out[i].source.empty()) out[i].best.resize(static_cast<std::size_t>(options.nbest));
  }
  const std::vector<std::size_t> order = by_length(out);
  PreparedWeights own(model.kernels());
  in_batches(model.kernels(), order.size(), batch, [&](std::size_t first, std::size_t last) {
    std::vector<std::vector<std::int32_t>> sources;
    for (std::size_t i = first; i < last; ++i) sources.push_back(out[order[i]].source);
    auto found = search(model, sources, options, prepared ? prepared : &own);
    for (std::size_t i = first; i < last; ++i) {
      Translation& t = out[order[i]];
      for (Hypothesis& h : found[i - first]) t.best.push_back({tokenizers.target.decode(h.tokens), std::move(h)});
      if (!t.best.front().hypothesis.ended) t.warnings.push_back("the output reached its length limit and was cut");
    }
  });
  return out;
}

std::vector<double> score(Transformer& model, const Tokenizers& tokenizers, std::span<const SentencePair> pairs) {
  const std::vector<TokenPair> tokens = tokenised(tokenizers, pairs);
  const Index longest = model.config().max_length;
  const auto too_long = std::find_if(tokens.begin(), tokens.end(), [&](const TokenPair& p) {
    return static_cast<Index>(std::max(p.source.size(), p.target.size())) >= longest;
  });
  if (too_long != tokens.end())
    throw DataError(fmt::format("score: pair {} is longer than the model's {} tokens", too_long - tokens.begin() + 1,
                                longest));
  const Batcher batcher(tokens, {.max_tokens = std::max<Index>(4096, longest), .max_length = longest});
  std::vector<double> scores(pairs.size());
  Kernels& k = model.kernels();
  for (const auto& indices : batcher.in_order()) {
    const Batch batch = batcher.make_batch(indices);
    const DeviceBatch d = on_device(batch, k);
    Pass pass;
    const Variable memory = model.encode(pass, d.source, d.source_lengths);
    const Variable logits = model.logits(pass, model.decode(pass, memory, d.source_lengths, d.target_input));
    const Index rows = logits.shape().rows();
    Tensor losses = Tensor::empty(k, {rows}), log_sums = Tensor::empty(k, {rows});
    k.cross_entropy({rows, logits.shape().back(), pad_id, 0}, logits.value.data(), d.target_output.data(),
                    losses.mutable_data(), log_sums.mutable_data());
    const std::vector<Real> host = losses.to_host();
    for (Index r = 0; r < rows; ++r) scores[batch.pairs[r / batch.target_length]] -= static_cast<double>(host[r]);
  }
  return scores;
}

double validation_loss(Transformer& model, const Batcher& batcher) {
  double sum = 0;
  Index tokens = 0;
  for (const auto& indices : batcher.in_order()) {
    const Batch batch = batcher.make_batch(indices);
    Pass pass;
    const double mean = static_cast<double>(model.loss(pass, on_device(batch, model.kernels()), 0).value.item());
    sum += mean * static_cast<double>(batch.target_tokens);
    tokens += batch.target_tokens;
  }
  return sum / static_cast<double>(std::max<Index>(tokens, 1));
}

MtTokenization fitting_tokenization(std::span<const std::string> references) {
  std::size_t chinese = 0, letters = 0;
  for (const std::string& text : references)
    for (std::size_t at = 0; at < text.size();) {
      const auto point = decode_utf8(text, at);
      if (!point) break;
      at = point->next;
      if (is_blank(point->value)) continue;
      ++letters;
      chinese += point->value >= 0x4E00 && point->value <= 0x9FFF;  // CJK Unified Ideographs
    }
  return 2 * chinese > letters ? MtTokenization::zh : MtTokenization::v13a;
}

AttentionPicture attention_picture(Transformer& model, const Tokenizers& tokenizers,
                                   const std::vector<std::int32_t>& source, std::vector<std::int32_t> target) {
  const Index longest = model.config().max_length;
  if (static_cast<Index>(target.size()) >= longest) target.resize(static_cast<std::size_t>(longest) - 1);
  AttentionPicture picture;
  for (std::int32_t id : source) picture.source.push_back(tokenizers.source.piece(id));
  for (std::int32_t id : target) picture.target.push_back(tokenizers.target.piece(id));
  picture.source.push_back(tokenizers.source.piece(eos_id));
  picture.target.push_back(tokenizers.target.piece(eos_id));

  Pass pass;
  pass.on_attention = [&](const std::string& name, const Tensor& weights) {
    if (!name.ends_with("multihead_attn")) return;
    const std::vector<Real> values = weights.to_host();
    const Index heads = weights.dim(1), rows = weights.dim(2), cols = weights.dim(3);
    AttentionMap map{name, {}};
    for (Index h = 0; h < heads; ++h) {
      auto& head = map.heads.emplace_back();
      for (Index r = 0; r < rows; ++r) {
        const Real* row = values.data() + (h * rows + r) * cols;
        head.emplace_back(row, row + cols);
      }
    }
    picture.layers.push_back(std::move(map));
  };
  const TokenPair pair{source, target};
  const Batcher batcher({&pair, 1}, {.max_tokens = longest, .max_length = longest});
  const std::size_t first[] = {0};
  const DeviceBatch d = on_device(batcher.make_batch(first), model.kernels());
  model.decode(pass, model.encode(pass, d.source, d.source_lengths), d.source_lengths, d.target_input);
  return picture;
}

}  // namespace tenfold::inline TENFOLD_REAL
