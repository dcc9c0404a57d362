// After the first training step, later ones of the same or smaller batches ask the system for no memory.
#include <doctest/doctest.h>

#include "training/small_training.hpp"
#include "sanitized.hpp"

using namespace tenfold;

namespace {

// Small segments: in one of the usual size a small model would hide whatever it wastes.
struct SmallSegments {
  explicit SmallSegments(std::size_t bytes) { SystemMemory::set_segment_bytes(bytes); }
  ~SmallSegments() { SystemMemory::set_segment_bytes(std::size_t{1} << 30); }
};

}  // namespace

TEST_CASE("the first training step takes all the memory that is ever needed") {
  for (const char* device : {"reference", "cpu"})
    for (const std::size_t segment : {256, 1024}) {
      INFO(std::string(device), ", segments of ", segment, " KiB");
      const SmallSegments small(segment << 10);
      const auto k = make_kernels(device);
      SmallTraining training(*k, 0.1, 0.1);
      const DeviceBatch large = random_batch(*k, 24, 8, 1), fewer = random_batch(*k, 9, 8, 2),
                        shorter = random_batch(*k, 24, 5, 3), tiny = random_batch(*k, 1, 2, 4);
      training.step(large, 1e-3);
      const Allocator::Stats first = k->memory().stats();
      CHECK(first.segments >= 1);
      for (int i = 0; i < (test::sanitized ? 2 : 10); ++i) {
        for (const DeviceBatch* batch : {&large, &fewer, &shorter, &tiny}) {
          training.step(*batch, 1e-3);
          const Allocator::Stats now = k->memory().stats();
          CHECK(now.segments == first.segments);
          CHECK(now.reserved_bytes == first.reserved_bytes);
          CHECK(now.peak_bytes <= first.peak_bytes);
          CHECK(now.used_bytes == first.used_bytes);
        }
      }
    }
}

TEST_CASE("of a feed-forward layer with relu only the values behind its dropout are kept for the way back") {
  const auto k = make_kernels("cpu", 1);
  ModelConfig config;
  config.model_dim = 32;
  config.feed_forward_dim = 128;
  constexpr Index rows = 64;
  for (bool gelu : {false, true}) {
    CAPTURE(gelu);
    config.gelu = gelu;
    FeedForward layer({*k, 1, config}, "layer");
    const Tensor x = filled(*k, {1, rows, config.model_dim}, 1);
    Tape tape;
    const std::size_t before = k->memory().stats().used_bytes;
    {
      Pass pass(tape, 0.1, 1, 1);
      layer(pass, tape.leaf(x));
    }
    const std::size_t held = k->memory().stats().used_bytes - before;
    const std::size_t inner = static_cast<std::size_t>(rows * config.feed_forward_dim) * sizeof(Real);
    CHECK(held >= inner);
    CHECK(held <= (gelu ? 2 : 1) * inner + 1024);
  }
}
