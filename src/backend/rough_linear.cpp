#include "backend/rough_linear.hpp"

#include "backend/cpu.hpp"
#include "backend/packed_weights.hpp"

namespace tenfold::inline TENFOLD_REAL {

RoughLinear::RoughLinear(const LinearWeights& weights) : weights_(weights), bytes_(weights) {}

void RoughLinear::run(const Real* x, Real* y, Index rows) const {
  thread_local ByteInput input;
  for (Index r = 0; r < rows; ++r, x += weights_.in, y += weights_.out) {
    input.assign(x, 1, weights_.in, ByteInput::Bytes::two);
    bytes_.run(input, y);
    if (weights_.activation == Activation::relu)
      for (Index o = 0; o < weights_.out; ++o) y[o] = y[o] < 0 ? 0 : y[o];
    if (weights_.activation == Activation::gelu) apply_gelu(y, weights_.out);
  }
}

std::unique_ptr<PreparedLinear> CpuKernels::prepare_roughly(const LinearWeights& weights) {
  if (!ByteWeights::fits(weights)) return std::make_unique<PlainLinear>(*this, weights);
  return std::make_unique<RoughLinear>(weights);
}

}  // namespace tenfold::inline TENFOLD_REAL
