#include "ops/ops.hpp"

namespace tenfold::inline TENFOLD_REAL {

// What op.hpp declares for everyone else.
#define TENFOLD_COMPILE(Op) template Variable apply_op<op::Op>(const op::Op&, Variables);
TENFOLD_OPERATIONS(TENFOLD_COMPILE)
#undef TENFOLD_COMPILE

}  // namespace tenfold::inline TENFOLD_REAL
