#include <cmath>

#include "nn/module.hpp"

namespace tenfold::inline TENFOLD_REAL::init {
namespace {

// Host values by (seed, name, position): the same for every backend and thread count.
template <class Draw>
void draw_all(Parameter& p, Kernels& k, std::string name, const Shape& shape, Seed seed, const Draw& draw) {
  p.name = std::move(name);
  p.grad = Tensor();
  if (!seed) {
    p.value = Tensor::empty(k, shape);
    return;
  }
  PhiloxSequence random(*seed, hash_name(p.name.data(), p.name.size()));
  std::vector<Real> values(static_cast<std::size_t>(shape.size()));
  for (Real& v : values) v = static_cast<Real>(draw(random));
  p.value = Tensor::from(k, shape, values);
}

}  // namespace

void xavier_uniform(Parameter& p, Kernels& k, std::string name, const Shape& shape, Seed seed) {
  const double bound = std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]));
  draw_all(p, k, std::move(name), shape, seed,
           [bound](PhiloxSequence& random) { return bound * (2 * random.uniform() - 1); });
}

void normal(Parameter& p, Kernels& k, std::string name, const Shape& shape, double deviation, Seed seed) {
  draw_all(p, k, std::move(name), shape, seed,
           [deviation](PhiloxSequence& random) { return deviation * random.normal(); });
}

void constant(Parameter& p, Kernels& k, std::string name, const Shape& shape, Real value) {
  p.name = std::move(name);
  p.value = filled(k, shape, value);
  p.grad = Tensor();
}

}  // namespace tenfold::inline TENFOLD_REAL::init
