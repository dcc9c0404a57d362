/// @file
/// The scalar of this build: float, the one that runs. The double build has its own core/real.hpp; which one is
/// seen is decided by the include directory. The inline namespace keeps the two builds apart in one program.
#pragma once
#define TENFOLD_REAL f32
namespace tenfold::inline f32 {
using Real = float;
}
