/// @file
/// A checkpoint's files and what they hold.
///
///   model.safetensors     the weights, named and shaped as in torch.nn.Transformer's state dict, float32; its
///                         metadata say what shapes do not: heads, pre- or post-norm, activation
///   config.json           {"format": "tenfold-1", "source_vocabulary", "target_vocabulary", "settings": {…}}
///   tokenizer.model       the joint SentencePiece model, or source.model and target.model
///   training.safetensors  Adam's moments, as first.NAME and second.NAME
///   training.json         the step, the epoch, and what else a resumed run needs
///
/// Loading checks everything before it changes anything: every weight the configuration asks for must be there, of
/// its shape and finite, and no other. Errors are DataError or IoError of one line that names the file.
#pragma once
#include <filesystem>
#include <memory>
#include <span>

#include "io/safetensors.hpp"
#include "nn/transformer.hpp"
#include "text/tokenizer.hpp"
#include "translate/settings.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// The tokenizers of a translator; both are the same when the vocabulary is joint.
struct Tokenizers {
  Tokenizer source, target;  ///< one for each language
};

/// What translating needs: settings, tokenizers, model.
struct LoadedModel {
  TrainSettings settings;              ///< as in config.json
  Tokenizers tokenizers;               ///< as saved beside the weights
  std::unique_ptr<Transformer> model;  ///< on the device it was loaded to
};

/// Writes weights, configuration and tokenizers into the existing folder `dir`.
void save_model(const std::filesystem::path& dir, Transformer& model, const TrainSettings& settings,
                const Tokenizers& tokenizers);
/// Reads what save_model() wrote. `dir` is a checkpoint's own folder.
LoadedModel load_model(const std::filesystem::path& dir, Kernels& kernels);
/// The tokenizers alone. Throws DataError when their sizes are not those of the configuration.
Tokenizers load_tokenizers(const std::filesystem::path& dir, const ModelConfig& config);
/// The settings alone, from config.json.
TrainSettings load_settings(const std::filesystem::path& dir);

/// A parameter's values as they lie in a file.
StoredTensor stored(const std::string& name, const Tensor& value);
/// The values of tensor `name` for a parameter of `shape`. Throws DataError unless they are there, float32, of that
/// shape and finite.
Tensor restored(const SafetensorsFile& file, const std::string& name, const Shape& shape, Kernels& kernels);

}  // namespace tenfold::inline TENFOLD_REAL
