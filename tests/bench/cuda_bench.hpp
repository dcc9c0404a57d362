/// @file
/// The two halves of bench_cuda: kernels one by one (compiled by nvcc, timed by the card), and whole training steps.
#pragma once
#include <string>
#include <vector>

namespace tenfold::bench {

/// One kernel at one shape.
struct KernelTime {
  std::string name, shape;     ///< of the kernel, and what it was called with
  double microseconds = 0;     ///< per call, the median of several rounds
  double bytes = 0, flops = 0; ///< what it must move and compute at least
};

/// What the card can do, measured in the same run.
struct CardLimits {
  std::string name;            ///< as CUDA says it
  double copy_gb_per_s = 0;    ///< of a copy within its memory, bytes read and written counted
  double sgemm_tflop_per_s = 0;  ///< of cuBLAS with 4096 × 4096 matrices, in float
};

/// A training step of a preset.
struct StepTime {
  std::string preset;               ///< tiny or small
  double milliseconds = 0;          ///< median
  double tokens_per_second = 0;     ///< target tokens
  double first_loss = 0, last_loss = 0;  ///< it learns the one batch it is given
  double memory_megabytes = 0;      ///< held from the card at the end
};

CardLimits card_limits();
std::vector<KernelTime> kernel_times();
std::vector<StepTime> step_times();

}  // namespace tenfold::bench
