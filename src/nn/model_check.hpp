/// @file
/// Gradient check through a whole encoder-decoder with 2+2 layers: every entry of every parameter against central
/// differences of the training loss. In host doubles, whatever Real it was built with, as ops/probe.hpp.
#pragma once
#include <string>
#include <vector>

#include "autograd/gradient_check.hpp"

namespace tenfold {

/// Which variant of the model is checked.
struct ModelCheckOptions {
  bool pre_norm = true;  ///< else post-norm
  bool gelu = true;      ///< else ReLU, whose kink a finite difference may step over
};

/// The worst entry of one parameter.
struct ParameterCheck {
  std::string name;  ///< as in checkpoints: encoder.layers.0.self_attn.in_proj_weight
  GradientError error;  ///< how far it is off
};

/// Checks a tiny model (dim 8, 2 heads, vocabulary 11; a batch of two with padding, dropout, label smoothing and a
/// random upstream gradient) of the build whose Real is R. Throws UsageError for an unknown device.
template <class R>
std::vector<ParameterCheck> check_model_gradients(const std::string& device, double epsilon,
                                                  const ModelCheckOptions& options = {});
/// The float build's.
template <>
std::vector<ParameterCheck> check_model_gradients<float>(const std::string&, double, const ModelCheckOptions&);
/// The double build's, which proves the formulas.
template <>
std::vector<ParameterCheck> check_model_gradients<double>(const std::string&, double, const ModelCheckOptions&);

}  // namespace tenfold
