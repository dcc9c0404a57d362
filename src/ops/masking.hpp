/// @file
/// Masking: which keys each query may see, as attributes of softmax and attention.
/// Keys beyond key_lengths[batch] are padding; causal hides keys after the query itself.
#pragma once
#include "autograd/tensor.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Which keys each query may see.
struct Masking {
  bool causal = false;   ///< a query sees no key after itself
  Index offset = 0;      ///< keys that stand before the first query (already decoded)
  IdTensor key_lengths;  ///< [batch]; undefined: no padding

  /// The kernel's mask for scores [batch, heads, queries, keys].
  Mask mask(Index heads, Index queries) const {
    return {heads, queries, causal, offset, key_lengths.defined() ? key_lengths.data() : nullptr};
  }
};

}  // namespace tenfold::inline TENFOLD_REAL
