/// @file
/// The scalar of this build: float, the one that runs. The double build has its own core/real.hpp; which one is
/// seen is decided by the include directory. The inline namespace keeps the two builds apart in one program.
#pragma once
/// The inline namespace of this build: everything that depends on Real is in `namespace tenfold::inline
/// TENFOLD_REAL`.
#define TENFOLD_REAL f32
namespace tenfold::inline f32 {
/// The scalar of tensors; double in the build that checks the formulas.
using Real = float;
}
