#include "nn/config.hpp"

#include <sstream>

#include "core/errors.hpp"

namespace tenfold {
namespace {

template <class... T>
[[noreturn]] void refuse(const T&... parts) {
  std::ostringstream text;
  text << "model: ";
  (text << ... << parts);
  throw DataError(text.str());
}

}  // namespace

void ModelConfig::validate() const {
  const auto within = [](const char* field, Index value, Index low, Index high) {
    if (value < low || value > high) refuse(field, " must be ", low, " to ", high, ", got ", value);
  };
  within("source_vocabulary", source_vocabulary, 4, 1'000'000);
  within("target_vocabulary", target_vocabulary, 4, 1'000'000);
  within("model_dim", model_dim, 2, 16384);
  within("heads", heads, 1, 1024);
  within("feed_forward_dim", feed_forward_dim, 1, 65536);
  within("encoder_layers", encoder_layers, 0, 64);
  within("decoder_layers", decoder_layers, 1, 64);
  within("max_length", max_length, 2, 65536);
  if (model_dim % heads != 0) refuse("model_dim must be a multiple of heads, got ", model_dim, " and ", heads);
  if (model_dim % 2 != 0 && !learned_positions)
    refuse("model_dim must be even for sinusoidal positions, got ", model_dim);
  if (!(dropout >= 0 && dropout < 1)) refuse("dropout must be in [0, 1), got ", dropout);
  if (joint_vocabulary && source_vocabulary != target_vocabulary)
    refuse("a joint vocabulary has one size, got ", source_vocabulary, " and ", target_vocabulary);
}

Index ModelConfig::parameter_count() const {
  const Index d = model_dim, ff = feed_forward_dim;
  const Index attention = 4 * (d * d + d), feed_forward = 2 * d * ff + ff + d, norm = 2 * d;
  const Index encoder = encoder_layers * (attention + feed_forward + 2 * norm) + norm;
  const Index decoder = decoder_layers * (2 * attention + feed_forward + 3 * norm) + norm;
  const bool shared = tied_embeddings && joint_vocabulary;
  const Index tables = target_vocabulary + (shared ? 0 : source_vocabulary) + (tied_embeddings ? 0 : target_vocabulary);
  const Index positions = learned_positions ? 2 * max_length * d : 0;
  return encoder + decoder + tables * d + target_vocabulary + positions;
}

}  // namespace tenfold
