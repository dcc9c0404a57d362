/// @file
/// Whether the sanitizers watch: then everything takes some ten times as long, and errors of memory show in a part of the work.
#pragma once

namespace tenfold::test {

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace tenfold::test
