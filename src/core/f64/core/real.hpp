/// @file
/// The scalar of this build: double, the one that proves the formulas. The float build has its own
/// core/real.hpp; which one is seen is decided by the include directory.
#pragma once
/// The inline namespace of this build: everything that depends on Real is in `namespace tenfold::inline
/// TENFOLD_REAL`.
#define TENFOLD_REAL f64
namespace tenfold::inline f64 {
/// The scalar of tensors; float in the build that runs.
using Real = double;
}
