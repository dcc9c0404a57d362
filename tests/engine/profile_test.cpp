// What a tape tells a profile: every operation on its way and back, in its layer, with the work counted from shapes.
#include <doctest/doctest.h>

#include "engine/model_fixture.hpp"
#include "nn/module.hpp"
#include "ops/linear.hpp"
#include "ops/scale.hpp"

using namespace tenfold;
using Direction = Profile::Direction;

TEST_CASE("a tape's profile counts operations there and back, by layer") {
  const auto k = make_reference_kernels();
  Tape tape;
  Profile profile;
  tape.set_profile(&profile);
  Pass pass(tape);
  const Variable x = tape.leaf(Tensor::full(*k, {3, 4}, 1)), w = tape.leaf(Tensor::full(*k, {5, 4}, 1));
  Variable y;
  {
    const auto label = pass.layer("first");
    y = linear(x, w);
  }
  y = scale(y, 2);
  tape.backward(y, Tensor::full(*k, {3, 5}, 1));

  double forward = 0, backward = 0;
  for (const auto& row : profile.by_operation())
    if (row.name == "linear") {
      CHECK(row.calls == 1);
      (row.direction == Direction::forward ? forward : backward) = row.work.flops;
      CHECK(row.work.bytes == (row.direction == Direction::forward ? 12 + 20 + 15 : 24 + 40 + 15) * sizeof(Real));
    }
  CHECK(forward == 2 * 3 * 4 * 5);
  CHECK(backward == 4 * 3 * 4 * 5);
  const auto layers = profile.by_layer();
  REQUIRE(layers.size() == 4);  // each way of: none, first
  CHECK(layers[2].name == "first");
  CHECK(layers[2].calls == 1);  // linear; going back, with the sum of gradients, two
  CHECK(layers[3].calls == 2);

  tape.clear();
  tape.set_profile(nullptr);
  (void)linear(tape.leaf(x.value), w.value);
  CHECK(profile.by_layer()[2].calls == 1);
}
