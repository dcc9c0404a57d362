// What only the emulator can show of the engine: when the host waits, and what it makes of a device that refuses.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "backend/registry.hpp"
#include "core/errors.hpp"
#include "cuda_device.hpp"
#include "emulator/counters.hpp"
#include "emulator/device_memory.hpp"
#include "emulator/refusals.hpp"
#include "emulator/streams.hpp"
#include "translate/small_run.hpp"

using namespace tenfold;
using namespace tenfold::test;
using emulator::Call;

namespace {

const bool elsewhere = test_device() != "cuda-emulated";

/// Work is done late as long as one lives.
class Late {
 public:
  Late() { emulator::set_late(true); }
  ~Late() { emulator::set_late(before_); }

 private:
  bool before_ = emulator::streams().late();
};

/// Notes how often the host has waited when a step is done.
struct WaitCounter : TrainObserver {
  std::vector<std::uint64_t> at_step;
  void on_step(const StepReport&) override { at_step.push_back(emulator::counters().waits); }
};

/// What make_emulated_kernels() says when each call of a kind is refused in turn.
std::vector<std::string> refused_starts(Call call, cudaError_t error) {
  std::vector<std::string> said;
  for (;;) {
    emulator::refuse_once(call, error, static_cast<int>(said.size()));
    const std::size_t before = emulator::device_memory().count(), streams = emulator::streams().count();
    try {
      make_emulated_kernels();
      CHECK(emulator::take_back_refusal(call));
      return said;
    } catch (const Error& refused) {
      said.emplace_back(refused.what());
    }
    CAPTURE(said.size());
    CHECK(emulator::device_memory().count() == before);
    CHECK(emulator::streams().count() == streams);
  }
}

}  // namespace

TEST_CASE("cuda: the host waits once per training step, for the loss" * doctest::skip(elsewhere)) {
  const Late late;
  TrainSettings settings = small_settings();
  settings.batch_tokens = 64;
  settings.steps = 5;
  settings.validation_sample = 0;
  settings.model.source_vocabulary = settings.model.target_vocabulary =
      small_corpus().settings.model.source_vocabulary;
  const TemporaryFolder folder;
  const auto kernels = make_emulated_kernels();
  WaitCounter counter;
  Trainer trainer(*kernels, settings, small_corpus().tokenizers, small_corpus().data, folder.path(), false, counter);
  trainer.run([] { return false; });
  REQUIRE(counter.at_step.size() == 5);
  for (std::size_t i = 1; i < counter.at_step.size(); ++i) CHECK(counter.at_step[i] - counter.at_step[i - 1] == 1);
}

TEST_CASE("cuda: what is uploaded may change at once, however much of it" * doctest::skip(elsewhere)) {
  const Late late;
  const auto kernels = make_emulated_kernels();
  constexpr std::size_t count = 40;  // more than there are staging parts
  const auto device = Tensor::empty(*kernels, {Index(count), 3});
  std::vector<Real> host(3), expected;
  for (std::size_t i = 0; i < count; ++i) {
    std::fill(host.begin(), host.end(), static_cast<Real>(i));
    expected.insert(expected.end(), host.begin(), host.end());
    kernels->upload(const_cast<Real*>(device.data()) + 3 * i, host.data(), 3 * sizeof(Real));
  }
  CHECK(device.to_host() == expected);
}

TEST_CASE("cuda: what is downloaded is there, also where CUDA itself would not wait" * doctest::skip(elsewhere)) {
  const Late late;
  const auto kernels = make_emulated_kernels();
  const Tensor there = filled(*kernels, {8}, 7);
  // A copy to pinned memory of the host returns before it is done.
  void* pinned = nullptr;
  REQUIRE(cudaMallocHost(&pinned, 8 * sizeof(Real)) == cudaSuccess);
  std::memset(pinned, 0, 8 * sizeof(Real));
  kernels->download(pinned, there.data(), 8 * sizeof(Real));
  const std::vector<Real> got(static_cast<Real*>(pinned), static_cast<Real*>(pinned) + 8);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
  CHECK(got == std::vector<Real>(8, 7));
}

TEST_CASE("cuda: a device that refuses something while it starts is one error, and keeps nothing" *
          doctest::skip(elsewhere)) {
  // A stream, memory and an event for each part of the staging memory, two steps of cuBLAS's start, memory.
  CHECK(refused_starts(Call::acquire, cudaErrorMemoryAllocation).size() == 1 + 2 * 16 + 2 + 1);
  const auto said = refused_starts(Call::launch, cudaErrorNoKernelImageForDevice);
  REQUIRE(said.size() == 1);
  CHECK(said[0] == "this build has no code for this card");
}

TEST_CASE("cuda: auto passes over a card that the build has no code for" * doctest::skip(elsewhere)) {
  std::string said;
  const Notice notice = [&](const std::string& text) { said = text; };
  CHECK(usable_or_cpu(make_emulated_kernels, 1, notice)->name() == "cuda-emulated");
  CHECK(said.empty());
  emulator::refuse_once(Call::launch, cudaErrorNoKernelImageForDevice);
  CHECK(usable_or_cpu(make_emulated_kernels, 1, notice)->name() == "cpu");
  CHECK(said.starts_with("this build has no code for this card"));
}

TEST_CASE("cuda: auto passes over a card that is full, wherever that shows" * doctest::skip(elsewhere)) {
  const auto acquisitions = static_cast<int>(refused_starts(Call::acquire, cudaErrorMemoryAllocation).size());
  for (int i = 0; i < acquisitions; ++i) {
    CAPTURE(i);
    emulator::refuse_once(Call::acquire, cudaErrorMemoryAllocation, i);
    CHECK(usable_or_cpu(make_emulated_kernels, 1, {})->name() == "cpu");
  }
}
