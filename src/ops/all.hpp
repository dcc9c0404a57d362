/// @file
/// The list of all operations. Tests, gradient checks and the op table run over it; apply_op() refuses what is not here.
#pragma once
#include "core/real.hpp"

/// Every operation, as X(Name): the only place that names them all.
#define TENFOLD_OPERATIONS(X)                                                                                     \
  X(Add) X(Multiply) X(Scale) X(Matmul) X(Linear) X(Relu) X(Gelu) X(Softmax) X(LayerNorm) X(Embedding) X(Dropout) \
  X(Permute) X(Reshape) X(Concat) X(Slice) X(Sum) X(Mean) X(CrossEntropy) X(Attention) X(BiasActivation)          \
  X(ResidualDropout) X(LinearCrossEntropy)

namespace tenfold::inline TENFOLD_REAL {

/// @cond  what the list makes
namespace op {
#define TENFOLD_DECLARE(Op) struct Op;
TENFOLD_OPERATIONS(TENFOLD_DECLARE)
#undef TENFOLD_DECLARE
}  // namespace op
#define TENFOLD_NEXT(Op) , op::Op
/// @endcond

/// A list of types.
template <class... Ops>
struct OpList {};

/// The list without its first, which is there for the comma behind it.
template <class First, class... Ops>
using ListOfRest = OpList<Ops...>;

/// What tests, gradient checks and the op table run over.
using AllOps = ListOfRest<void TENFOLD_OPERATIONS(TENFOLD_NEXT)>;
#undef TENFOLD_NEXT

}  // namespace tenfold::inline TENFOLD_REAL
