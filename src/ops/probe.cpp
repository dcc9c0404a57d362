#include "ops/probe.hpp"

#include <map>

#include "core/random_values.hpp"
#include "ops/ops.hpp"

namespace tenfold {
inline namespace TENFOLD_REAL {
namespace {

/// One device by name for all runs: making one anew costs more than most runs do.
Kernels& device_named(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Kernels>> devices;
  std::unique_ptr<Kernels>& device = devices[name];
  if (!device) device = make_kernels(name);
  return *device;
}

HostTensor to_host(const Tensor& t) {
  const std::vector<Real> values = t.to_host();
  return {t.shape(), {values.begin(), values.end()}};
}

Tensor to_device(Kernels& k, const Shape& shape, const std::vector<double>& values) {
  return Tensor::from(k, shape, std::vector<Real>(values.begin(), values.end()));
}

/// One run of `function` on fresh leaves.
template <class Function>
ProbeResult run_on(Kernels& k, const std::vector<HostTensor>& inputs, const std::vector<double>& upstream,
                   const Function& function) {
  Tape tape;
  std::vector<Variable> x;
  for (const HostTensor& in : inputs) {
    Tensor t = to_device(k, in.shape, in.values);
    x.push_back(upstream.empty() ? Variable(std::move(t)) : tape.leaf(std::move(t)));
  }
  const Variable y = function(Variables(x));
  ProbeResult result{to_host(y.value), {}};
  if (upstream.empty()) return result;
  tape.backward(y, to_device(k, y.shape(), upstream));
  for (const Variable& v : x) {
    const Tensor& g = tape.grad(v);
    result.gradients.push_back(g.defined() ? to_host(g) : HostTensor{v.shape(), {}});
  }
  return result;
}

template <class Op>
OpProbe probe(const Sample<Op>& sample) {
  OpProbe p;
  p.op = Op::name;
  p.sample = sample.label;
  p.fused = FusedOperation<Op>;
  p.inputs = [sample](std::uint64_t seed) {
    std::vector<HostTensor> inputs;
    for (const Shape& shape : sample.shapes)
      inputs.push_back({shape, random_values(seed, inputs.size(), shape.size(), sample.away_from_zero)});
    return inputs;
  };
  p.run = [sample](const std::string& device, const std::vector<HostTensor>& inputs,
                   const std::vector<double>& upstream) {
    Kernels& k = device_named(device);
    return run_on(k, inputs, upstream, [op = sample.make(k)](Variables x) { return apply_op(op, x); });
  };
  if constexpr (FusedOperation<Op>)
    p.run_composed = [sample](const std::string& device, const std::vector<HostTensor>& inputs,
                              const std::vector<double>& upstream) {
      Kernels& k = device_named(device);
      return run_on(k, inputs, upstream, [op = sample.make(k)](Variables x) { return op.composed(x); });
    };
  return p;
}

template <class... Ops>
std::vector<OpProbe> probes_of(OpList<Ops...>) {
  std::vector<OpProbe> all;
  const auto add = [&]<class Op>(const Op*) {
    for (const Sample<Op>& sample : Op::samples()) all.push_back(probe(sample));
  };
  (add(static_cast<const Ops*>(nullptr)), ...);
  return all;
}

}  // namespace
}  // namespace TENFOLD_REAL

template <>
std::vector<OpProbe> op_probes<Real>() {
  return probes_of(AllOps{});
}

}  // namespace tenfold
