/// @file
/// Calls of the engine for the ladder's arrays.
#include "ladder/engine.hpp"

#include <cmath>

#include "backend/kernels.hpp"

namespace tenfold::ladder_engine {

struct Engine::State {
  std::unique_ptr<Kernels> kernels = make_cuda_kernels();
};

Engine::Engine() : state_(std::make_unique<State>()) {}
Engine::~Engine() = default;

void Engine::run(const Call& c) {
  Kernels& k = *state_->kernels;
  switch (c.which) {
    case 0: k.softmax(Mask(), c.in[0], c.out, c.rows, c.cols); break;
    case 1: k.layer_norm(c.in[0], c.in[1], c.in[2], 1e-5f, c.out, c.scratch, c.scratch + c.rows, c.rows, c.cols); break;
    case 2: {
      Gemm g;
      g.m = c.rows;
      g.n = g.ldb = g.ldc = c.cols;
      g.k = g.lda = c.depth;
      k.gemm(g, c.in[0], c.in[1], c.out);
      break;
    }
    default: {
      Attention a;
      a.queries = a.keys = c.rows;
      a.head_dim = c.cols;
      a.scale = 1 / std::sqrt(static_cast<float>(c.cols));
      // The ladder's heads lie one after another, which to the engine are entries of a batch with one head each.
      a.batch = c.depth;
      a.heads = 1;
      a.q = a.k = a.v = a.o = {c.cols, Index{c.rows} * c.cols};
      a.mask.heads = 1;
      a.mask.queries = c.rows;
      k.attention(a, c.in[0], c.in[1], c.in[2], c.out, c.scratch);
    }
  }
}

}  // namespace tenfold::ladder_engine
