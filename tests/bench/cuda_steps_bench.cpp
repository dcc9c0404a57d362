// Whole training steps of tiny and small on the card, as the trainer does them; and the program's main().
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "bench/cuda_bench.hpp"
#include "nn/transformer.hpp"
#include "optim/optimizer.hpp"

namespace tenfold::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct HostBatch {
  Index size = 0, time = 0;
  std::vector<std::int32_t> source, lengths, input, output;
};

/// As many tokens as a batch of the presets has, in sentences of 32, a quarter of them padding.
HostBatch made_up(Index vocabulary) {
  HostBatch b;
  b.time = 32;
  b.size = 4096 / b.time;
  PhiloxSequence random(1);
  for (Index s = 0; s < b.size; ++s) {
    const Index length = 16 + static_cast<Index>(random.below(17));
    b.lengths.push_back(static_cast<std::int32_t>(length));
    for (Index t = 0; t < b.time; ++t) {
      const auto word = [&] { return static_cast<std::int32_t>(4 + random.below(static_cast<std::uint32_t>(vocabulary - 4))); };
      b.source.push_back(t + 1 < length ? word() : t + 1 == length ? eos_id : pad_id);
      b.input.push_back(t == 0 ? bos_id : t < length ? b.output.back() : pad_id);
      b.output.push_back(t + 1 < length ? word() : t + 1 == length ? eos_id : pad_id);
    }
  }
  return b;
}

StepTime steps_of(Kernels& k, const std::string& preset) {
  ModelConfig config;  // tiny
  config.source_vocabulary = config.target_vocabulary = 8000;
  if (preset == "small") {
    config.model_dim = 256;
    config.heads = 8;
    config.feed_forward_dim = 1024;
    config.encoder_layers = config.decoder_layers = 3;
  }
  Transformer model(k, config, 1);
  Adam adam(model.parameters(), {});
  const HostBatch host = made_up(config.source_vocabulary);
  Tape tape;
  StepTime result;
  result.preset = preset;
  std::vector<double> seconds;
  Index tokens = 0;
  for (std::int32_t id : host.output) tokens += id != pad_id;
  for (int step = 0; step < 60; ++step) {
    const auto start = Clock::now();
    const DeviceBatch batch{IdTensor::from(k, {host.size, host.time}, host.source), IdTensor::from(k, {host.size}, host.lengths),
                            IdTensor::from(k, {host.size, host.time}, host.input),
                            IdTensor::from(k, {host.size, host.time}, host.output), tokens};
    Pass pass(tape, config.dropout, 1, static_cast<std::uint64_t>(step));
    const Variable loss = model.loss(pass, batch, 0.1);
    const Tensor losses[] = {loss.value};
    tape.backward(loss);
    tape.clear();
    const std::vector<double> totals = adam.clipped_step(1e-3, 1, losses).to_host();
    adam.zero_grad();
    if (step == 0) result.first_loss = totals[0];
    result.last_loss = totals[0];
    if (step >= 10) seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  result.milliseconds = 1e3 * median;
  result.tokens_per_second = static_cast<double>(tokens) / median;
  result.memory_megabytes = static_cast<double>(k.memory().stats().reserved_bytes) / 1e6;
  return result;
}

}  // namespace

std::vector<StepTime> step_times() {
  std::vector<StepTime> all;
  for (const char* preset : {"tiny", "small"}) {
    const auto kernels = make_cuda_kernels();
    all.push_back(steps_of(*kernels, preset));
  }
  return all;
}

}  // namespace tenfold::bench

// Table on standard error, JSON on standard output.
int main() {
  using namespace tenfold::bench;
  try {
    const CardLimits limits = card_limits();
    std::fprintf(stderr, "%s: copy %.0f GB/s, sgemm %.1f TFLOP/s\n", limits.name.c_str(), limits.copy_gb_per_s,
                 limits.sgemm_tflop_per_s);
    std::fprintf(stderr, "%-24s %-26s %10s %9s %7s %9s %7s\n", "kernel", "shape", "us", "GB/s", "of copy", "TFLOP/s", "of gemm");
    nlohmann::json out{{"card", limits.name}, {"copy_gb_per_s", limits.copy_gb_per_s},
                       {"sgemm_tflop_per_s", limits.sgemm_tflop_per_s}};
    for (const KernelTime& k : kernel_times()) {
      const double gb = k.bytes / k.microseconds * 1e-3, tflop = k.flops / k.microseconds * 1e-6;
      std::fprintf(stderr, "%-24s %-26s %10.1f %9.0f %6.0f%% %9.2f %6.0f%%\n", k.name.c_str(), k.shape.c_str(), k.microseconds,
                   gb, 100 * gb / limits.copy_gb_per_s, tflop, 100 * tflop / limits.sgemm_tflop_per_s);
      out["kernels"].push_back({{"name", k.name}, {"shape", k.shape}, {"us", k.microseconds}, {"bytes", k.bytes},
                                {"flops", k.flops}});
    }
    for (const StepTime& s : step_times()) {
      std::fprintf(stderr, "training step, %-6s %8.2f ms %10.0f tokens/s  loss %.3f to %.3f  %.0f MB\n", s.preset.c_str(),
                   s.milliseconds, s.tokens_per_second, s.first_loss, s.last_loss, s.memory_megabytes);
      out["steps"].push_back({{"preset", s.preset}, {"ms", s.milliseconds}, {"tokens_per_s", s.tokens_per_second},
                              {"first_loss", s.first_loss}, {"last_loss", s.last_loss}, {"megabytes", s.memory_megabytes}});
    }
    std::printf("%s\n", out.dump(2).c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_cuda: %s\n", error.what());
    return 1;
  }
}
