/// @file
/// OpProbe: one operation with one sample, in host doubles, whatever Real it was built with. This is how tests, the
/// `gradcheck` command and the op table see all operations of both builds side by side in one program.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/shape.hpp"

namespace tenfold {

/// A tensor's values on the host.
struct HostTensor {
  Shape shape;                 ///< row-major extents
  std::vector<double> values;  ///< shape.size() of them
};

/// What one run gave: the output, and the gradient of every input when an upstream gradient was passed.
struct ProbeResult {
  HostTensor output;                  ///< what forward gave
  std::vector<HostTensor> gradients;  ///< one per input
};

/// One operation with one of its samples.
struct OpProbe {
  std::string op;      ///< the operation's name
  std::string sample;  ///< what is special about this case
  bool fused = false;  ///< whether run_composed is there
  /// Inputs for a seed, the same in both builds.
  std::function<std::vector<HostTensor>(std::uint64_t seed)> inputs;
  /// Runs on a device by name (not from two threads at once); `upstream` empty asks for the output alone.
  std::function<ProbeResult(const std::string&device, const std::vector<HostTensor>&inputs,
                            const std::vector<double>&upstream)>
      run, run_composed;  ///< the operation itself, and its composed definition if it is fused
};

/// All operations with all samples of the build whose Real is R: op_probes<float>(), op_probes<double>().
template <class R>
std::vector<OpProbe> op_probes();
/// The float build's.
template <>
std::vector<OpProbe> op_probes<float>();
/// The double build's.
template <>
std::vector<OpProbe> op_probes<double>();

}  // namespace tenfold
