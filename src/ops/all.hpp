/// @file
/// The list of all operations. Tests, gradient checks and the op table run over it; apply_op() refuses what is not here.
#pragma once
#include "core/real.hpp"

namespace tenfold::inline TENFOLD_REAL {

namespace op {
struct Add;
struct Multiply;
struct Scale;
struct Matmul;
struct Linear;
struct Relu;
struct Gelu;
struct Softmax;
struct LayerNorm;
struct Embedding;
struct Dropout;
struct Permute;
struct Reshape;
struct Concat;
struct Slice;
struct Sum;
struct Mean;
struct CrossEntropy;
struct Attention;
struct BiasActivation;
struct ResidualDropout;
struct LinearCrossEntropy;
}  // namespace op

/// A list of types.
template <class... Ops>
struct OpList {};

/// What tests, gradient checks and the op table run over.
using AllOps = OpList<op::Add, op::Multiply, op::Scale, op::Matmul, op::Linear, op::Relu, op::Gelu, op::Softmax,
                      op::LayerNorm, op::Embedding, op::Dropout, op::Permute, op::Reshape, op::Concat, op::Slice,
                      op::Sum, op::Mean, op::CrossEntropy, op::Attention, op::BiasActivation, op::ResidualDropout,
                      op::LinearCrossEntropy>;

}  // namespace tenfold::inline TENFOLD_REAL
