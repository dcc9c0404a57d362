/// @file
/// The engine's own kernels as the ladder's last rung: what cuda/kernels/ and cuBLAS make of the same arrays. Apart
/// from the rest, since the engine's headers are for the host's compiler.
#pragma once
#include <array>
#include <memory>

namespace tenfold::ladder_engine {

/// Arrays and extents as in ladder.hpp, `which` a place in ladders().
struct Call {
  int which, rows, cols, depth;          ///< what, and how large
  std::array<const float*, 3> in;        ///< device memory
  float *out, *scratch;                  ///< likewise
};
/// The engine on a card. Throws CudaError where there is none.
class Engine {
 public:
  Engine();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  /// Queues the computation on the engine's stream.
  void run(const Call& call);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tenfold::ladder_engine
