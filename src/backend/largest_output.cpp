#include "backend/largest_output.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu.hpp"
#include "backend/packed_product.hpp"
#include "backend/vector_math.hpp"
#include "core/errors.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace {

constexpr Real none = -std::numeric_limits<Real>::infinity();
constexpr Real epsilon = std::numeric_limits<Real>::epsilon();
constexpr Index most_values = Index{1} << 18;  ///< outputs at a time: what the second-level cache holds
constexpr Index at_once = 2 * vector_width;   ///< outputs computed at once

/// Calls visit(i) for every x[i] that is not below `least`, what is no number included: for few of them.
template <class Visit>
void not_below(const Real* x, Index count, Real least, const Visit& visit) {
  constexpr Index block = 128;
  for (Index first = 0; first < count; first += block) {
    const Index end = std::min(count, first + block);
    int any = 0;
#pragma omp simd reduction(| : any)
    for (Index i = first; i < end; ++i) any |= !(x[i] < least);
    for (Index i = first; any && i < end; ++i)
      if (!(x[i] < least)) visit(i);
  }
}

/// Outputs of one row, each to the bits that PackedWeights finds.
void compute(const LinearWeights& layer, const Real* x, std::span<const std::int32_t> outputs, Real* y) {
  thread_local AlignedVector<Real> panel(inner_block * at_once);
  const Index cols = static_cast<Index>(outputs.size());
  for (Index l = 0; l == 0 || l < layer.in; l += inner_block) {  // once for no inputs: the bias
    const Index inner = std::min(inner_block, layer.in - l);
    for (Index j = 0; j < cols; ++j) {
      const Real* weights = layer.weight + outputs[static_cast<std::size_t>(j)] * layer.in + l;
      for (Index i = 0; i < inner; ++i) panel[static_cast<std::size_t>(i * at_once + j)] = weights[i];
    }
    Real bias[at_once] = {};
    const bool last = l + inner_block >= layer.in;
    for (Index j = 0; last && layer.bias && j < cols; ++j) bias[j] = layer.bias[outputs[static_cast<std::size_t>(j)]];
    tile_of_weights(1, at_once)(inner, x + l, panel.data(),
                                {.alpha = 1,
                                 .beta = l == 0 ? Real{0} : Real{1},
                                 .c = y,
                                 .ldc = at_once,
                                 .cols = cols,
                                 .bias = last && layer.bias ? bias : nullptr,
                                 .next = panel.data()});
  }
}

}  // namespace

CpuLargestOutput::CpuLargestOutput(const LinearWeights& weights, std::span<const std::int32_t> barred)
    : weights_(weights), barred_(barred.begin(), barred.end()), bytes_(weights) {
  // Twice what theory asks for, and a hundredth for the rounding of norms and bounds themselves.
  const Real gamma = static_cast<Real>(weights.in + 32) * epsilon;
  for (Index o = 0; o < weights.out; ++o) {
    const Rounded& w = bytes_.rounded(o);
    by_error_.push_back(Real(1.01) * (w.norm + w.error));
    by_norm_.push_back(Real(1.01) * (w.error + gamma * w.norm));
    // These pass over what is no number; then the output is none either, and never the largest.
    most_by_error_ = std::max(most_by_error_, by_error_.back());
    most_by_norm_ = std::max(most_by_norm_, by_norm_.back());
  }
}

void CpuLargestOutput::bar(Real* outputs) const {
  for (std::int32_t o : barred_) outputs[o] = none;
}

bool CpuLargestOutput::is_barred(Index output) const {
  return std::find(barred_.begin(), barred_.end(), output) != barred_.end();
}

/// By `near`, the outputs of x nearly.
std::int32_t CpuLargestOutput::largest(const Real* x, const Rounded& rounded, const Real* near) const {
  // Rounding of what is computed nearly, and of a bias that is much larger than the sum, goes with the output itself.
  const auto bound = [&](Real value, Real by_error, Real by_norm) {
    return rounded.error * by_error + rounded.norm * by_norm + 8 * epsilon * std::abs(value) +
           std::numeric_limits<Real>::min() * static_cast<Real>(weights_.in);
  };
  const Real top = largest_of(near, weights_.out);
  Real least = top - 2 * bound(top, most_by_error_, most_by_norm_);
  least -= 16 * epsilon * std::abs(least);
  thread_local std::vector<std::int32_t> candidates;
  candidates.clear();
  Real sure = none;  // some output is at least this
  not_below(near, weights_.out, std::isfinite(least) ? least : none, [&](Index o) {
    const auto i = static_cast<std::size_t>(o);
    const Real lower = near[o] - bound(near[o], by_error_[i], by_norm_[i]);
    if (lower > sure) sure = lower;
    if (near[o] != none || !is_barred(o)) candidates.push_back(static_cast<std::int32_t>(o));
  });
  std::erase_if(candidates, [&](std::int32_t o) {
    const auto i = static_cast<std::size_t>(o);
    return near[o] + bound(near[o], by_error_[i], by_norm_[i]) < sure;
  });
  return candidates.size() == 1 && sure > none ? candidates.front() : choose(x, candidates);
}

/// Of outputs in ascending order the first that is the largest, as the layer computes them.
std::int32_t CpuLargestOutput::choose(const Real* x, std::span<const std::int32_t> candidates) const {
  std::int32_t found = -1;
  Real best = none, values[at_once];
  for (std::size_t first = 0; first < candidates.size(); first += at_once) {
    const auto some = candidates.subspan(first, std::min<std::size_t>(at_once, candidates.size() - first));
    compute(weights_, x, some, values);
    for (std::size_t i = 0; i < some.size(); ++i)
      if (values[i] > best) best = values[i], found = some[i];
  }
  return found;
}

void CpuLargestOutput::find(const Real* x, Index rows, std::int32_t* found) const {
  thread_local ByteInput input;
  thread_local AlignedVector<Real> outputs;
  const Index out = weights_.out;
  const Index most = std::clamp<Index>(most_values / std::max<Index>(1, out), 1, std::max<Index>(1, rows));
  outputs.resize(static_cast<std::size_t>(most * out));
  for (Index first = 0; first < rows; first += most) {
    const Index count = std::min(most, rows - first);
    input.assign(x + first * weights_.in, count, weights_.in, ByteInput::Bytes::one);
    bytes_.run(input, outputs.data());
    for (Index r = 0; r < count; ++r) {
      bar(outputs.data() + r * out);
      found[first + r] = largest(x + (first + r) * weights_.in, input.rounded(r), outputs.data() + r * out);
    }
  }
}

std::int32_t CpuLargestOutput::guess(const Real* x) const {
  thread_local AlignedVector<Real> near;
  thread_local std::vector<std::int32_t> candidates;
  std::call_once(once_, [&] { nibbles_ = std::make_unique<NibbleWeights>(weights_); });
  near.resize(static_cast<std::size_t>(weights_.out));
  nibbles_->run(x, near.data());
  bar(near.data());
  Real squares = 0;
  for (Index i = 0; i < weights_.in; ++i) squares += x[i] * x[i];
  const Real least = largest_of(near.data(), weights_.out) - nibbles_->likely_error() * std::sqrt(squares);
  candidates.clear();
  if (std::isfinite(least))
    not_below(near.data(), weights_.out, least, [&](Index o) {
      if (near[static_cast<std::size_t>(o)] >= least) candidates.push_back(static_cast<std::int32_t>(o));  // a number
    });
  const auto most = static_cast<std::size_t>(at_once);
  if (candidates.size() > most) {
    std::nth_element(candidates.begin(), candidates.begin() + at_once, candidates.end(),
                     [&](std::int32_t a, std::int32_t b) { return near[a] > near[b]; });
    candidates.resize(most);
    std::sort(candidates.begin(), candidates.end());
  }
  return choose(x, candidates);
}

std::unique_ptr<LargestOutput> CpuKernels::prepare_largest(const LinearWeights& weights,
                                                           std::span<const std::int32_t> barred) {
  if (!ByteWeights::fits(weights)) throw ShapeError("largest output: " + std::to_string(weights.in) + " inputs are too many");
  return std::make_unique<CpuLargestOutput>(weights, barred);
}

}  // namespace tenfold::inline TENFOLD_REAL
