/// @file
/// The engine that a chapter measures with. Every file of a chapter that makes Kernels asks here, so that --device reaches
/// all of its measurements.
#pragma once
#include <memory>

#include "backend/kernels.hpp"
#include "course/experiment.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// The kernels of --device, on one thread: as many of them work side by side as there are threads.
inline std::unique_ptr<Kernels> measuring_kernels() { return make_kernels(course::measuring_device(), 1); }

}  // namespace tenfold::inline TENFOLD_REAL

namespace tenfold::course {

/// run_experiment() with this engine: a --device that is none, or cannot be had, is refused before anything is measured.
inline int run_chapter(int argc, char** argv, const Chapter& chapter, const std::function<void(Session&)>& experiment) {
  return run_experiment(argc, argv, chapter, experiment, [](const std::string& device) { make_kernels(device, 1); });
}

}  // namespace tenfold::course
