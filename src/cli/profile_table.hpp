/// @file
/// A profile as tables for the terminal.
#pragma once
#include <string>

#include "core/profile.hpp"

namespace tenfold::cli {

/// Time, share, rates and calls per step, by operation and by layer; one line when nothing was measured.
std::string to_text(const Profile& profile);

}  // namespace tenfold::cli
