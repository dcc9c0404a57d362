/// @file
/// The scalar of this build: double, the one that proves the formulas. The float build has its own
/// core/real.hpp; which one is seen is decided by the include directory.
#pragma once
#define TENFOLD_REAL f64
namespace tenfold::inline f64 {
using Real = double;
}
